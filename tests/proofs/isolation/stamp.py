"""What every row of a hospital carries, so that one of another's is seen wherever it turns up."""

import re
from collections.abc import Set as AbstractSet

# In texts, in UUIDs, and in the numbers that PostgreSQL counts itself.
MARK = re.compile(rb'stamp(\d{6})|\bca(\d{6})-|"id": ?(\d{1,3})\d{6}\b')
NUMBERED = 1_000_000
Marks = AbstractSet[tuple[bytes, bytes, bytes]]
# The same for PostgreSQL, of any hospital but one.
FOREIGN = r'stamp(?!{own})\d{{6}}|\mca(?!{own})\d{{6}}-|"id": (?!{number}\d{{6}}\M)\d{{7,9}}\M'


def text(number: int) -> str:
    return f"stamp{number:06d}"


def id_prefix(number: int) -> str:
    """The first eight digits of every UUID of the hospital."""
    return f"ca{number:06d}"


def marks(number: int) -> Marks:
    """All that a body may be found to say of the hospital of this number."""
    padded = f"{number:06d}".encode()
    return frozenset({(padded, b"", b""), (b"", padded, b""), (b"", b"", str(number).encode())})


def foreign_to(number: int) -> str:
    """A regular expression of PostgreSQL for the stamp of any other hospital."""
    return FOREIGN.format(own=f"{number:06d}", number=number)
