"""Rows as text, as PostgreSQL's COPY writes them: counted and hashed as they pass. Knows no database and no file."""

from hashlib import sha256

# PostgreSQL itself makes no longer line.
LONGEST_ROW = 2**30
_MODULUS = 2**256


class NotRowsError(ValueError):
    """This is no text of COPY."""


class Tally:
    """What passes through `take`, in pieces of any size: how many rows, how many bytes, and two hashes.

    `sha256` is that of the whole text. `row_hash` is the sum of every row's own SHA-256, modulo 2^256: the same rows
    have the same one in whatever order they come, and two equal rows do not cancel each other out. Memory is constant,
    however long a row is.
    """

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self.bytes = 0
        self._columns = columns
        self._sum = 0
        self._text = sha256()
        # The row that has begun: its hash, length and tabs so far.
        self._row = sha256()
        self._length = 0
        self._tabs = 0

    @property
    def sha256(self) -> str:
        return self._text.hexdigest()

    @property
    def row_hash(self) -> str:
        return f"{self._sum % _MODULUS:064x}"

    def take(self, piece: bytes) -> None:
        """The next piece. NotRowsError when a row has too many columns or too few, or is longer than a row can be."""
        self._text.update(piece)
        self.bytes += len(piece)
        first, *rest = piece.split(b"\n")
        self._extend(first)
        if not rest:
            return
        self._end_row()
        last = rest.pop()
        tabs = self._columns - 1
        total = 0
        for line in rest:
            if line.count(b"\t") != tabs:
                raise NotRowsError(f"row {self.rows + 1} has not {self._columns} columns")
            total += int.from_bytes(sha256(line).digest())
            self.rows += 1
        self._sum = (self._sum + total) % _MODULUS
        self._extend(last)

    def end(self) -> None:
        """Nothing more comes. NotRowsError when the last row is cut off."""
        if self._length:
            raise NotRowsError(f"row {self.rows + 1} is cut off")

    def _extend(self, part: bytes) -> None:
        self._row.update(part)
        self._length += len(part)
        # A tab inside a value is written as a backslash and a t.
        self._tabs += part.count(b"\t")
        if self._length > LONGEST_ROW:
            raise NotRowsError(f"row {self.rows + 1} is longer than any row")

    def _end_row(self) -> None:
        self.rows += 1
        if self._tabs != self._columns - 1:
            raise NotRowsError(f"row {self.rows} has not {self._columns} columns")
        self._sum = (self._sum + int.from_bytes(self._row.digest())) % _MODULUS
        self._row = sha256()
        self._length = 0
        self._tabs = 0
