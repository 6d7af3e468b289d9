"""A hospital that is being made up: its chance, its clock, and the rows that will go into its tables at once."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

# As foreign keys ask.
ORDER = (
    "users",
    "user_roles",
    "tutores",
    "pets",
    "pet_pesos",
    "pet_alergias",
    "medicamentos",
    "medicamento_faixas",
    "unidades",
    "alas",
    "leitos",
    "internacoes",
    "ocupacoes",
    "prescricoes",
    "prescricao_itens",
    "administracoes",
    "eventos",
)
# Each COPY leaves one row in `auditoria`, with all of its rows in it.
AT_ONCE = 2000


@dataclass(frozen=True)
class Draft:
    """Everything is drawn from `rng`, everything happens before or around `now`; nothing is written before `copy`."""

    slug: str
    now: datetime
    fuso: ZoneInfo
    rng: Random
    tables: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in ORDER})

    def add(self, table: str, **values: Any) -> Row:
        """A row, which may be changed until `copy`; all rows of a table name the same columns."""
        self.tables[table].append(values)
        return values

    def between(self, first: datetime, last: datetime) -> datetime:
        """An instant of whole minutes."""
        minutes = max(0, int((last - first).total_seconds() // 60))
        return whole_minute(first + timedelta(minutes=self.rng.randint(0, minutes)))

    def in_hours(self, moment: datetime) -> datetime:
        """An instant of the same day on the wall clock at which the counter is open, not after now."""
        wall = moment.astimezone(self.fuso).replace(hour=self.rng.randint(8, 18), minute=self.rng.randint(0, 59))
        return min(whole_minute(wall.astimezone(UTC)), self.now)

    async def copy(self, connection: Any) -> None:
        """Write it all."""
        for table, rows in self.tables.items():
            columns = list(rows[0]) if rows else []
            for part in _parts(rows):
                records = [tuple(row[column] for column in columns) for row in part]
                await connection.copy_records_to_table(table, columns=columns, records=records)


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def dated(created_at: datetime, updated_at: datetime | None = None, versao: int = 1) -> Row:
    """The columns of what is dated and versioned."""
    return {"created_at": created_at, "updated_at": updated_at or created_at, "versao": versao}


def ascii_name(name: str) -> str:
    """A name for an e-mail address."""
    split = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in split if letter.isascii() and letter.isalpha())
