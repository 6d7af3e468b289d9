"""Whether an audit trail tells what happened: played on the rows that were, it must lead to the rows that are."""

import json
from functools import lru_cache
from typing import Any

from tests.cast import Hospital
from tests.house.test_tables import UNAUDITED
from zoapets.entities import Entity
from zoapets.migrations.ddl import SECRETS

Row = dict[str, Any]
Rows = dict[tuple[str, str], Row]

TABLES = {table.name: table for table in Entity.metadata.sorted_tables if table.name not in UNAUDITED}
# Written down nowhere, on purpose.
HIDDEN = frozenset(SECRETS.partition("{")[2].partition("}")[0].split(","))


def keys(table: str) -> list[str]:
    """The columns that tell a table's rows apart."""
    return [column.name for column in TABLES[table].primary_key]


async def rows_of(hospital: Hospital) -> Rows:
    """Every row of every audited table, as PostgreSQL writes it."""
    parts = [f"select '{table}', to_jsonb(t)::text from {{s}}.{table} t" for table in TABLES]  # noqa: S608 - names of ours
    found = await hospital.sql(" union all ".join(parts))
    rows: Rows = {}
    for table, text in found:
        row = _read(text)
        rows[table, "/".join(str(row[name]) for name in keys(table))] = row
    return rows


@lru_cache(maxsize=10_000)
def _read(text: str) -> Row:
    """The same row for the same text, so that what did not change need not be looked at."""
    row: Row = json.loads(text)
    return row


async def last_line(hospital: Hospital) -> int:
    (found,) = await hospital.sql("select coalesce(max(id), 0) from {s}.auditoria")
    last: int = found[0]
    return last


async def lines_since(hospital: Hospital, line: int) -> list[Row]:
    found = await hospital.sql("select to_jsonb(a)::text from {s}.auditoria a where id > $1 order by id", line)
    return [json.loads(text) for (text,) in found]


def untold(before: Rows, after: Rows, lines: list[Row]) -> list[str]:
    """Where `lines`, in their order, do not lead from one to the other; empty when they tell all, and nothing else."""
    touched = {line["tabela"] for line in lines}
    told = {key: _shown(row) for key, row in before.items() if key[0] in touched or after.get(key) is not row}
    faults = [fault for line in lines for fault in _play(told, line)]
    real = {key: _shown(row) for key, row in after.items() if key[0] in touched or before.get(key) is not row}
    for table, key in sorted(told.keys() | real.keys()):
        was, row = told.get((table, key)), real.get((table, key))
        if was != row:
            faults.append(f"{table} {key}: the trail says {_differing(was, row)}, the table {_differing(row, was)}")
    return faults


def _play(told: Rows, line: Row) -> list[str]:
    table, antes, depois = line["tabela"], line["antes"], line["depois"]
    where = f"line {line['id']}, {table} {line['registro_id'] or line['registros']}"
    if line["acao"] == "inserir":
        rows = depois if isinstance(depois, list) else [depois]
        for row in rows:
            told[table, _key(table, row)] = _shown(row)
        ids = [str(row.get("id", row.get("user_id"))) for row in rows]
        return [] if ids == (line["registros"] or [line["registro_id"]]) else [f"{where}: inserted {ids}"]
    key = (table, _key(table, antes) if line["acao"] == "remover" else line["registro_id"])
    held = told.pop(key, {})
    faults = [
        f"{where}: says {name} was {value!r}, but it was {held.get(name)!r}"
        for name, value in (antes or {}).items()
        if held.get(name) != _plain(value)
    ]
    if line["acao"] == "alterar" and not (depois is None and antes and antes.keys() >= held.keys()):
        told[key] = _shown(held | (depois or {}))
    return faults


def _key(table: str, row: Row) -> str:
    return "/".join(str(row[name]) for name in keys(table))


def _shown(row: Row) -> Row:
    """What of a row is written down: nothing secret, and nothing that is null."""
    return {name: _plain(value) for name, value in row.items() if value is not None and name not in HIDDEN}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _differing(row: Row | None, other: Row | None) -> Row | None:
    return None if row is None else {name: value for name, value in row.items() if value != (other or {}).get(name)}
