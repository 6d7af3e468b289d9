"""What a file says of itself. Nothing of it is believed, nor put into a statement, before it was checked."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from zoapets.entities.shared import TenantStatus, TenantTipo

FORMAT = 1
MANIFEST = "manifest.json"

# As every table and column of ours is named.
Name = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]{0,62}\Z")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Word = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[A-Za-z0-9][A-Za-z0-9._+ /:-]*\Z")]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: its member in the file holds `columns` in this order. For the two hashes see `rows.Tally`."""

    name: Name
    columns: Annotated[list[Name], Meta(min_length=1, max_length=1600)]
    rows: Count
    bytes: Count
    sha256: Digest
    row_hash: Digest

    @property
    def member(self) -> str:
        return f"tables/{self.name}.tsv"


class Sequence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a counter stood: `last` was given out already when it `is_called`."""

    name: Name
    last: Count
    is_called: bool


class HospitalCopied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The registry's part: what the hospital was called, what it had bought, and what was switched on for it."""

    slug: Word
    nome: Annotated[str, Meta(max_length=400)]
    fuso: Word
    cnpj: Word | None
    tipo: TenantTipo
    status: TenantStatus
    plano: Word | None
    flags: dict[Word, bool]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`revision` is the migration that the tables are at; `zoapets` and `postgresql` are the versions that wrote it."""

    format: int
    zoapets: Word
    postgresql: Word
    made_at: datetime
    revision: Word
    hospital: HospitalCopied
    tables: Annotated[list[Table], Meta(min_length=1, max_length=10_000)]
    sequences: Annotated[list[Sequence], Meta(max_length=10_000)]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class Format(msgspec.Struct):
    """The one thing that can be read of a manifest of any version."""

    format: int


class UnfitFileError(Exception):
    """The file cannot be used: why, and what to do about it. Nothing was changed."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


class Step(NamedTuple):
    """How far a table has come, and whether it `is_done`."""

    doing: str
    table: str
    rows: int
    is_done: bool


Heard = Callable[[Step], None]
