"""Ids are UUIDv7: unique without asking the database, and in the order of their making."""

from typing import Any
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def new_ids(count: int) -> list[Any]:
    """Many, for the database alone: in a form that it takes, made at a tenth of the cost."""
    return [uuid_utils.uuid7() for _ in range(count)]
