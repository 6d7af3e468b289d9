"""Ids are UUIDv7: unique without asking the database, and in the order of their making."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
