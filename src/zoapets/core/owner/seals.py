"""A hospital's chain of seals, read once from its beginning and held against the rows: pure, it knows no database.

What a seal is stands in `AuditoriaSelo` (entities/registros.py).
"""

import struct
from array import array
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from zoapets.entities.registros import TipoSelo

NOTHING = bytes(32)
ENTRY = struct.Struct(">q32s")
# No transaction, and no clock that was put right, is further off than this.
LONGEST_TRANSACTION_S = timedelta(days=1).total_seconds()

Place = tuple[int, int]


class Wrong(StrEnum):
    """What can be wrong with a trail."""

    CHANGED = "changed since it was sealed"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    SEAL_ALTERED = "seal altered"
    SEAL_MISSING = "seal missing"
    CHAIN_BROKEN = "chain broken"
    TRUNCATED = "truncated"
    RESTORED = "restored elsewhere"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong, and the row where it shows: the first one, where a seal holds many."""

    wrong: Wrong
    seal: int | None
    row: int | None
    detail: str
    tabela: str | None = None
    em: str | None = None


class Seal(NamedTuple):
    """One of `auditoria_selos`; `body` is the text of its own that is hashed, `at` its time in seconds since 1970."""

    numero: int
    tipo: str
    anterior: bytes
    de: Place
    ate: Place
    linhas: int
    resumos: bytes
    hash: bytes
    at: float
    body: bytes

    def ids(self) -> list[int]:
        return [row for row, _ in self.entries()]

    def entries(self) -> list[tuple[int, bytes]]:
        """Id and hash of each row, as far as they can be read."""
        return list(ENTRY.iter_unpack(self.resumos[: len(self.resumos) // ENTRY.size * ENTRY.size]))

    def is_whole(self) -> bool:
        """Whether it is what it was when it was made."""
        is_complete = len(self.resumos) == self.linhas * ENTRY.size
        return is_complete and sha256(self.anterior + self.body + self.resumos).digest() == self.hash


class Row(NamedTuple):
    """One row of `auditoria`; `at` is its `em` in seconds since 1970, `text` what is hashed."""

    id: int
    transacao: int
    at: float
    text: bytes


class Chain:
    """Takes seals in their order, each with the rows it names; `faults` is what was wrong, `end` where it ends."""

    def __init__(self, last_import: int) -> None:
        self.faults: list[Fault] = []
        self.end: Place = (0, 0)
        self.head = NOTHING
        self.seals = 0
        self.ended_at = 0.0
        self.present = 0
        self._last_import = last_import
        self.last = 0
        self._ids = array("q")
        # Where each seal that was taken ends, and its number; and the stretches that nobody sealed.
        self._ends: list[Place] = []
        self._numbers: list[int] = []
        self.gaps: list[tuple[Place, Place]] = []
        self._first_row: int | None = None
        # When all there was had been sealed; None where a seal may rightly hold what is older.
        self._all_sealed_at: float | None = None

    def take(self, seal: Seal, rows: dict[int, Row]) -> None:
        """The next seal; `rows` are those it names, as they are now."""
        is_whole = seal.is_whole()
        self._link(seal, is_whole=is_whole)
        faults = self._compare(seal, rows)
        if not is_whole:
            # What it says of its rows is worth nothing.
            first = next(iter(seal.ids()), None)
            faults = [Fault(Wrong.SEAL_ALTERED, seal.numero, first, "it is not what its own hash says")]
        self.faults += faults
        self._pass(seal)

    def stray(self, row: int, place: Place) -> Fault | None:
        """Of a row that no seal names, below the chain's end; None where its seal is missing, which was said."""
        if any(start <= place < stop for start, stop in self.gaps):
            return None
        at = bisect_right(self._ends, place)
        return Fault(Wrong.INSERTED, self._numbers[at], row, "the rows around it were sealed without it")

    def known(self) -> set[int]:
        """The rows that some seal names."""
        return set(self._ids)

    def _link(self, seal: Seal, *, is_whole: bool) -> None:
        """Whether it follows the seal before."""
        expected = self.last + 1
        if seal.numero != expected:
            names = f"{expected}" if seal.numero == expected + 1 else f"{expected} to {seal.numero - 1}"
            self.faults.append(Fault(Wrong.SEAL_MISSING, expected, None, f"there is no seal {names}"))
            self.gaps.append((self.end, seal.de))
        elif is_whole and (seal.anterior != self.head or seal.de != self.end):
            detail = f"seal {seal.numero} does not follow seal {self.last}: one of them was replaced"
            first = self._first_row if self._first_row is not None else next(iter(seal.ids()), None)
            self.faults.append(Fault(Wrong.CHAIN_BROKEN, self.last or seal.numero, first, detail))

    def _compare(self, seal: Seal, rows: dict[int, Row]) -> list[Fault]:
        faults: list[Fault] = []
        numero, low, high = seal.numero, seal.de, seal.ate
        oldest = float("-inf") if self._all_sealed_at is None else self._all_sealed_at - LONGEST_TRANSACTION_S
        newest = seal.at + LONGEST_TRANSACTION_S
        last = 0
        for row_id, digest in seal.entries():
            row = rows.get(row_id)
            self._ids.append(row_id)
            if row is None:
                faults.append(Fault(Wrong.MISSING, numero, row_id, f"it was sealed at {moment(seal.at)}"))
                continue
            self.present += 1
            if sha256(row.text).digest() != digest:
                faults.append(Fault(Wrong.CHANGED, numero, row_id, f"it was sealed at {moment(seal.at)}"))
            elif not oldest <= row.at <= newest:
                detail = f"it says {moment(row.at)}, and was not there when that time was sealed"
                faults.append(Fault(Wrong.INSERTED, numero, row_id, detail))
            elif not (low <= (row.transacao, row_id) < high or self._was_brought(row, numero)) or row_id <= last:
                faults.append(Fault(Wrong.REORDERED, numero, row_id, "it is not in the place that its seal has"))
            last = row_id
        return faults

    def _was_brought(self, row: Row, numero: int) -> bool:
        return row.transacao == 0 and numero < self._last_import

    def _pass(self, seal: Seal) -> None:
        self.seals += 1
        self.last, self.head, self.end, self.ended_at = seal.numero, seal.hash, seal.ate, seal.at
        self._ends.append(seal.ate)
        self._numbers.append(seal.numero)
        self._first_row = next(iter(seal.ids()), None)
        if seal.tipo == TipoSelo.IMPORTACAO:
            # It counts in another PostgreSQL's transactions from here on.
            self._ends = [(0, 0)] * len(self._ends)
            self._all_sealed_at = None
        elif seal.ate[1] == 0:
            self._all_sealed_at = seal.at


def moment(at: float) -> str:
    """An instant for people to read."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return "no time at all"
