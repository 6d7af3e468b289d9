"""The same ground as bad input's: what was thrown there is in its logs and its database."""

from tests.proofs.input.conftest import ground, platform, served, target

__all__ = ["ground", "platform", "served", "target"]
