"""Statements: built with SQLAlchemy Core, compiled once, and their rows made straight into structs.

PET = query(select(*columns(PetRead, Pet, tutor=Tutor)).join(Tutor).where(Pet.id == bindparam("id")), PetRead)
pet = await ctx.db.first(PET, id=id)
"""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar, Union, cast, get_args, get_origin, overload

import msgspec
from sqlalchemy import ColumnElement, Delete, Insert, Update
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from zoapets.common.schema import JsonStruct

T = TypeVar("T")
Row = Sequence[Any]


class _Compiler(PGCompiler_asyncpg):
    """Writes values that stand in the code into the text, see `query`."""

    def visit_bindparam(self, bindparam: Any, *given: Any, **options: Any) -> str:
        if not bindparam.required:
            options["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *given, **options))  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_asyncpg):
    statement_compiler = _Compiler
    supports_statement_cache = True


_dialect = _Dialect()  # type: ignore[no-untyped-call]


class Change(NamedTuple):
    """What a statement does to a table: adds rows, or changes those that are there."""

    table: str
    adds: bool


class Query(Generic[T]):
    """SQL text, the order of its parameters, how a row becomes a `T`, and what it changes."""

    __slots__ = ("_names", "changes", "row", "sql")

    def __init__(
        self, sql: str, names: list[str], row: Callable[[Row], T], changes: frozenset[Change] = frozenset()
    ) -> None:
        self.sql = sql
        self.row = row
        self.changes = changes
        self._names = names

    def args(self, params: Mapping[str, Any]) -> list[Any]:
        """The values in the order of `$1, $2, ...`; KeyError for one that is missing."""
        return [params[name] for name in self._names]


@overload
def query(statement: ClauseElement) -> Query[Any]: ...
@overload
def query(statement: ClauseElement, into: type[T]) -> Query[T]: ...
def query(statement: ClauseElement, into: type[Any] | None = None) -> Query[Any]:
    """Compile `statement` once. Without `into`, a row is what its first column holds.

    Values that stand in the code become part of the text: as parameters they would hide from the planner that
    `status = 'pendente'` is what a partial index holds. What comes from outside is always a `bindparam` without a
    value, and so stays a parameter.
    """
    compiled = cast("SQLCompiler", statement.compile(dialect=_dialect))
    names = list(compiled.positiontup or [])
    return Query(compiled.string, names, row_maker(into) if into is not None else _first, _changes(statement))


def _changes(statement: ClauseElement) -> frozenset[Change]:
    writes = (part for part in visitors.iterate(statement) if isinstance(part, Insert | Update | Delete))
    return frozenset(Change(str(cast("Any", write.table).name), isinstance(write, Insert)) for write in writes)


def _first(row: Row) -> Any:
    return row[0]


@dataclass(frozen=True)
class From:
    """Where a nested struct's columns come from: an entity, and sources for what it nests in turn."""

    entity: Any
    sources: Mapping[str, Any] = field(default_factory=dict)


def nested(entity: Any, **sources: Any) -> From:
    return From(entity, sources)


def columns(struct: type[msgspec.Struct], entity: Any, **sources: Any) -> list[ColumnElement[Any]]:
    """The columns that make up `struct`, in its order.

    A field is the entity's column of that name, unless `sources` gives an expression for it (for a list or an
    object: one that yields JSON), or an entity or `nested(...)` for a nested struct.
    """
    return [column.label(f"c{index}") for index, column in enumerate(_columns(struct, From(entity, sources)))]


def _columns(struct: type[msgspec.Struct], source: From) -> Iterator[ColumnElement[Any]]:
    for info in msgspec.structs.fields(struct):
        given = source.sources.get(info.name)
        kind, _ = _plain(info.type)
        if given is None:
            yield getattr(source.entity, info.name)
        elif _is_struct(kind) and not isinstance(given, ColumnElement):
            yield from _columns(kind, given if isinstance(given, From) else From(given))
        else:
            yield given


def row_maker(struct: type[T]) -> Callable[[Row], T]:
    """A function from a row to a `struct`; nested structs take their columns in turn.

    Its source is written out and compiled, as `dataclass` does: a third of the time of walking the fields per row.
    """
    names: dict[str, Any] = {}
    source, _ = _expression(struct, 0, names)
    make: Callable[[Row], T] = eval(f"lambda r: {source}", names)  # noqa: S307 - made of indexes and our own names
    return make


def _expression(struct: Any, index: int, names: dict[str, Any]) -> tuple[str, int]:
    """The expression that makes `struct` from columns `index` on, and the next column's index."""
    me = f"t{len(names)}"
    names[me] = struct
    parts = []
    for info in msgspec.structs.fields(struct):
        kind, optional = _plain(info.type)
        cell = f"r[{index}]"
        if _is_struct(kind) and not issubclass(kind, JsonStruct):
            part, after = _expression(kind, index, names)
            # A left join that found nothing: its first column, the id, is null.
            parts.append(f"({part} if {cell} is not None else None)" if optional else part)
            index = after
            continue
        if convert := _converter(kind):
            key = f"t{len(names)}"
            names[key] = convert
            made = f"{key}[{cell}]" if isinstance(convert, dict) else f"{key}({cell})"
            cell = f"({made} if {cell} is not None else None)" if optional else made
        parts.append(cell)
        index += 1
    return f"{me}({', '.join(parts)})", index


def _converter(kind: Any) -> Callable[[Any], Any] | dict[str, Any] | None:
    """What makes a cell of `kind`: a function, or the members of an enum by their words."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}
    if (isinstance(kind, type) and issubclass(kind, JsonStruct)) or (
        get_origin(kind) is list and _is_struct(get_args(kind)[0])
    ):
        return msgspec.json.Decoder(kind).decode
    if kind is dict or get_origin(kind) is dict or kind is msgspec.Raw:
        return _raw
    return None


def _raw(text: str) -> msgspec.Raw:
    """JSON from the database goes out as it is."""
    return msgspec.Raw(text.encode())


def _plain(annotation: Any) -> tuple[Any, bool]:
    """A field's type without None, and whether it may be None."""
    if get_origin(annotation) in (Union, types.UnionType):
        (only,) = (arg for arg in get_args(annotation) if arg is not type(None))
        return only, True
    return annotation, False


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Raw
