"""A ground like that of bad input, and another one: what is looked for here was thrown here."""

from tests.proofs.input.conftest import ground, platform, served, target

__all__ = ["ground", "platform", "served", "target"]
