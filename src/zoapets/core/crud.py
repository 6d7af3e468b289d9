"""CRUD, once: what a room that keeps records need not write. No hooks: a room overrides a method.

class TutoresService(Crud[Tutor, TutorRead]):
entity, read, not_found = Tutor, TutorRead, TutorNaoEncontrado
filters = {"uf": Tutor.uf == bindparam("uf")}
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, cast, func, insert, literal, select, update

from zoapets.common.errors import Conflict, NotFound, PreconditionFailed
from zoapets.common.ids import new_id
from zoapets.common.paging import Page, page_of
from zoapets.common.schema import changes
from zoapets.common.text import like
from zoapets.core.context import TenantContext
from zoapets.core.statements import Query, columns, query
from zoapets.entities.base import Archived

# Beyond this many, what matches a search is no longer counted.
MOST_COUNTED = 10_000
E = TypeVar("E")
R = TypeVar("R", bound=msgspec.Struct)


class JaArquivado(Conflict):
    """The record was archived before."""

    title = "O registro já está arquivado."


class Crud(Generic[E, R]):
    """Search, get, create, update and archive one kind of record.

    `read` is the shape that goes out. `filters` gives the condition behind each parameter of a search; a parameter
    that is None asks for nothing, and `arquivados` is known for all that is archived. Every combination of filters is
    compiled once.
    """

    entity: ClassVar[Any]
    read: ClassVar[type[msgspec.Struct]]
    # The shape in lists, where it is not `read`; then `list_source` says where it comes from.
    listed: ClassVar[type[msgspec.Struct] | None] = None
    not_found: ClassVar[type[NotFound]] = NotFound
    filters: ClassVar[Mapping[str, ColumnElement[bool]]] = {}
    # Whether every filter looks at the entity's own columns: then counting needs none of the list's joins.
    filters_own_columns: ClassVar[bool] = False

    def __init__(self, ctx: TenantContext) -> None:
        self.ctx = ctx
        self.db = ctx.db
        self._kind: Any = type(self)

    # --- what a room may say differently

    @classmethod
    def source(cls) -> Select[Any]:
        """The columns of `read` and the tables they come from."""
        return select(*columns(cls.read, cls.entity))

    @classmethod
    def list_source(cls) -> Select[Any]:
        """The same for lists."""
        return cls.source()

    @classmethod
    def order(cls) -> list[Any]:
        """The order of lists; it must end in the id, so that pages do not overlap."""
        return [cls.entity.nome, cls.entity.id]

    def always(self) -> dict[str, Any]:
        """Parameters that `source` itself needs."""
        return {}

    # --- verbs

    async def search(self, *, page: int, limit: int, **wanted: Any) -> Page[Any]:
        """One page of what matches every filter in `wanted` that is not None. Archived records only when asked.

        Its total is at most one more than `MOST_COUNTED`: that means "more".
        """
        given = {name: value for name, value in wanted.items() if value is not None}
        if "busca" in given:
            given["busca"] = f"%{like(given['busca'])}%"
        statement, total = _page(self._kind, frozenset(given))
        params = {"page_offset": (page - 1) * limit, "page_limit": limit, **self.always(), **given}
        rows, count = await self.db.page(statement, **params)
        if count is None:
            count = 0 if page == 1 else await self.db.one(total, **params)
        return page_of(rows, count, page, limit)

    async def get(self, id: UUID) -> R:
        """The record; `not_found` when this hospital has none of this id."""
        found: R | None = await self.db.first(_by_id(self._kind), id=id, **self.always())
        if found is None:
            raise self.not_found
        return found

    async def lock(self, id: UUID, *, shared: bool = False) -> None:
        """Hold the record until the end of the transaction, or raise `not_found`.

        `shared`: it stays as it is meanwhile, for all who hold it so; nobody who shares it may then change it.
        """
        if await self.db.first(_lock(self._kind, shared=shared), id=id) is None:
            raise self.not_found

    async def create(self, data: msgspec.Struct, **more: Any) -> R:
        """A new record of `data` and `more`, as it now reads."""
        statement, params = self._creation(None, data, more)
        made: R = await self.db.one(statement, **params)
        return made

    async def create_if(self, given: ColumnElement[bool] | None, data: msgspec.Struct, **more: Any) -> R | None:
        """The same where `given`, a condition that may ask for the new record's values by name, holds; else None."""
        statement, params = self._creation(given, data, more)
        made: R | None = await self.db.first(statement, **params)
        return made

    def _creation(
        self, given: ColumnElement[bool] | None, data: msgspec.Struct, more: dict[str, Any]
    ) -> tuple[Query[Any], dict[str, Any]]:
        values = {**changes(data), **more}
        values.setdefault("id", new_id())
        return _insert(self._kind, frozenset(values), given), {"now": self.ctx.now, **self.always(), **values}

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> R:
        """The record with these changes. PreconditionFailed when `If-Match` names another version."""
        values = {**(changes(data) if data is not None else {}), **more}
        expected = self.ctx.expected_version
        if not values and expected is None:
            return await self.get(id)
        params = {f"new_{name}": value for name, value in values.items()}
        statement = _update(self._kind, frozenset(values), guarded=expected is not None)
        changed: R | None = await self.db.first(
            statement, id=id, now=self.ctx.now, expected=expected, **self.always(), **params
        )
        if changed is None:
            await self.get(id)
            raise PreconditionFailed
        return changed

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the record away, with a reason; it stays readable by id."""
        found = await self.get(id)
        if getattr(found, "arquivado_em", None) is not None:
            raise JaArquivado
        await self.update(id, arquivado_em=self.ctx.now, arquivado_por_id=self.ctx.actor_id, motivo_arquivamento=motivo)


def searched(text: Any) -> ColumnElement[bool]:
    """The filter behind `busca`: `text`, in its normal form (no accents, no case), contains what was asked for."""
    condition: ColumnElement[bool] = text.like(func.ext.normalizar(bindparam("busca")))
    return condition


def counted(conditions: Iterable[ColumnElement[bool]], source: Any) -> Select[Any]:
    """How many rows of `source` match, up to one more than `MOST_COUNTED`: a million are not counted for each page."""
    some = select(literal(1)).select_from(source).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some)


@lru_cache(maxsize=4096)
def _page(service: Any, names: frozenset[str]) -> tuple[Query[Any], Query[int]]:
    """A page with the number of all that match as its last column, and that number alone for a page past the end."""
    entity = service.entity
    conditions = [service.filters[name] for name in sorted(names - {"arquivados"})]
    if issubclass(entity, Archived):
        archived = entity.arquivado_em.is_not(None) == bindparam("arquivados")
        conditions.append(archived if "arquivados" in names else entity.arquivado_em.is_(None))
    shape, source = service.listed or service.read, service.list_source()
    if service.filters_own_columns:
        total = counted(conditions, entity)
        number = total.cte("contagem")
        page = _cut(select(*entity.__table__.c).where(*conditions), service).cte(entity.__tablename__)
        source = (
            source.add_cte(number, page).add_columns(select(number.c[0]).scalar_subquery()).order_by(*service.order())
        )
        return query(source, shape), query(total)
    some = source.where(*conditions).with_only_columns(literal(1), maintain_column_froms=True).limit(MOST_COUNTED + 1)
    total = select(func.count()).select_from(some.subquery())
    source = source.where(*conditions).add_columns(total.correlate(None).scalar_subquery().label("total"))
    return query(_cut(source, service), shape), query(total)


def _cut(statement: Select[Any], service: Any) -> Select[Any]:
    ordered = statement.order_by(*service.order())
    return ordered.limit(bindparam("page_limit")).offset(bindparam("page_offset"))


@lru_cache(maxsize=256)
def _by_id(service: Any) -> Query[Any]:
    return query(service.source().where(service.entity.id == bindparam("id")), service.read)


@lru_cache(maxsize=256)
def _lock(service: Any, *, shared: bool) -> Query[Any]:
    # NO KEY UPDATE, or SHARE: a foreign key that points here waits for neither, so that who only writes what belongs
    # to the record never stands in the way of who holds it and waits for what it has written.
    statement = select(service.entity.id).where(service.entity.id == bindparam("id"))
    return query(statement.with_for_update(read=shared, key_share=not shared))


@lru_cache(maxsize=4096)
def _insert(service: Any, names: frozenset[str], given: ColumnElement[bool] | None) -> Query[Any]:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    values["created_at"] = values["updated_at"] = bindparam("now")
    if given is None:
        return _as_it_reads(service, insert(service.entity).values(values))
    table = service.entity.__table__.c
    row = select(*(cast(value, table[name].type) for name, value in values.items())).where(given)
    return _as_it_reads(service, insert(service.entity).from_select(list(values), row))


@lru_cache(maxsize=4096)
def _update(service: Any, names: frozenset[str], *, guarded: bool) -> Query[Any]:
    entity = service.entity
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    values |= {"updated_at": bindparam("now"), "versao": entity.versao + 1}
    statement = update(entity).where(entity.id == bindparam("id"))
    if guarded:
        statement = statement.where(entity.versao == bindparam("expected"))
    return _as_it_reads(service, statement.values(values))


def _as_it_reads(service: Any, write: Any) -> Query[Any]:
    """Write a record and read it, in one statement: for `source`, what was written takes the place of its table."""
    table = service.entity.__table__
    return query(service.source().add_cte(write.returning(*table.c).cte(table.name)), service.read)
