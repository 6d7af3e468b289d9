"""The OpenAPI document: what every route takes, answers and asks of the caller, read from the code that does it."""

from zoapets.core.docs.document import describe

__all__ = ["describe"]
