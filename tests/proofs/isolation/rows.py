"""Stamped rows for every table there is, generated from the tables themselves: a new one is stamped unasked.

Row `n` of a table refers to row `n` of every other, and all tables of a hospital have the same number of rows, which
no other hospital has.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Enum, Integer, LargeBinary, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from tests.proofs.isolation import stamp
from zoapets.entities import Entity

TABLES: dict[str, Table] = {table.name: table for table in Entity.metadata.sorted_tables}
PLACES = {name: place for place, name in enumerate(sorted(TABLES))}

# Tables that hold none of these rows, each with its reason.
UNSTAMPED = {"configuracoes": "one row, which the hospital is made with, of numbers alone"}
# Columns that hold something else than what their type says, each with its reason.
SPECIAL = {
    "auditoria.acao": ("'inserir'", "answers know three words alone"),
    "internacoes.admitida_em": ("{noon}", "who is admitted was admitted at some time"),
    "internacoes.status": ("'em_andamento'", "only who is admitted has a bed"),
    "medicamento_faixas.unidade": ("'mg/kg'", "answers know certain units alone"),
    "medicamentos.concentracao_unidade": ("null", "goes with a concentration alone"),
    "sessoes.expira_em": ("now() + interval '400 days'", "one of them is signed in"),
}
# References that a trigger holds, in place of a foreign key.
UNKEYED = {
    "administracoes.internacao_id": "internacoes",
    "administracoes.prescricao_id": "prescricoes",
    "administracoes.prescricao_item_id": "prescricao_itens",
}
# What row `n` holds by a column's type. These say whose it is.
SPEAKING: dict[type[Any], str] = {
    Text: "{words}",
    Uuid: "{id}",
    ARRAY: "array[{words}]",
    JSONB: "jsonb_build_object('marca', {words})",
    LargeBinary: "convert_to({words}, 'UTF8')",
}
# These say nothing, and are filled where they must be.
MUTE: dict[type[Any], str] = {
    Boolean: "true",
    Integer: "1",
    Numeric: "1",
    DateTime: "{noon} + n * interval '1 minute'",
    Date: "{noon}::date",
}


def stale() -> list[str]:
    """Exceptions that no table or column asks for."""
    columns = {f"{table.name}.{column.name}": column for table in TABLES.values() for column in table.columns}
    unkeyed = {name for name, column in columns.items() if not column.foreign_keys}
    return sorted((UNSTAMPED.keys() - TABLES.keys()) | (SPECIAL.keys() - columns.keys()) | (UNKEYED.keys() - unkeyed))


def row_id(number: int, table: str, n: int) -> str:
    """The id of row `n`."""
    return f"{stamp.id_prefix(number)}-{PLACES[table]:04x}-7000-8000-{n:012x}"


def fill(schema: str, number: int, rows: int, noon: str) -> str:
    """SQL, for the owner, that fills every table of a hospital; `noon` is when things happen in it."""
    return ";\n".join(
        statement.replace("{noon}", f"timestamptz '{noon}'")
        for table in TABLES.values()
        if table.name not in UNSTAMPED
        for statement in _table(schema, table, number, rows)
    )


def _table(schema: str, table: Table, number: int, rows: int) -> Iterator[str]:
    values = {column.name: _value(column, number) for column in table.columns}
    given = {name: value for name, value in values.items() if value is not None}
    # Without the triggers, the audit holds the rows that were made for it, and no list of others.
    yield f"alter table {schema}.{table.name} disable trigger user"
    yield (
        f"insert into {schema}.{table.name} ({', '.join(given)}) overriding system value"  # noqa: S608 - names of ours
        f" select {', '.join(given.values())} from generate_series(1, {rows}) n"
    )
    yield f"alter table {schema}.{table.name} enable trigger user"
    for column in table.columns:
        if column.identity is not None:
            start = number * stamp.NUMBERED + stamp.NUMBERED // 2
            yield f"alter table {schema}.{table.name} alter {column.name} restart with {start}"


def _value(column: Column[Any], number: int) -> str | None:
    """The SQL of what row `n` holds; None for what PostgreSQL fills by itself, or leaves empty."""
    name = f"{column.table.name}.{column.name}"
    if name in SPECIAL:
        return SPECIAL[name][0]
    for key in column.foreign_keys:
        return _id(number, key.column.table.name)
    if name in UNKEYED:
        return _id(number, UNKEYED[name])
    if column.identity is not None or (column.primary_key and isinstance(column.type, Integer)):
        return f"{number * stamp.NUMBERED} + n"
    if column.computed is not None or column.server_default is not None:
        return None
    return _of_type(column, number, f"'{stamp.text(number)} {name} ' || n")


def _of_type(column: Column[Any], number: int, words: str) -> str | None:
    kind = column.type
    if isinstance(kind, Enum):
        listed = ", ".join(f"'{option}'" for option in kind.enums)
        return f"(array[{listed}])[1 + n % {len(kind.enums)}]"
    for known, value in SPEAKING.items():
        if isinstance(kind, known):
            return value.replace("{words}", words).replace("{id}", _id(number, column.table.name))
    if column.nullable:
        return None
    for known, value in MUTE.items():
        if isinstance(kind, known):
            return value
    raise TypeError(f"say how {column} of type {kind} is stamped")


def _id(number: int, table: str) -> str:
    prefix = row_id(number, table, 0)[:24]
    return f"('{prefix}' || lpad(to_hex(n), 12, '0'))::uuid"
