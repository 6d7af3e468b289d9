"""Statements of auditoria."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.types import Text

from zoapets.core.statements import Query, columns, query
from zoapets.entities.registros import Auditoria
from zoapets.entities.users import User
from zoapets.modules.auditoria.schemas import AuditoriaRead

# A hospital writes millions of these. Beyond this many they are no longer counted, nor paged by number.
MOST_COUNTED = 10_000

_record = bindparam("registro_id", type_=Text)
FILTERS: dict[str, ColumnElement[bool]] = {
    "tabela": Auditoria.tabela == bindparam("tabela"),
    # Each by its own index: with OR between them, the planner reads the whole trail.
    "registro_id": Auditoria.id.in_(
        union_all(
            select(Auditoria.id).where(Auditoria.registro_id == _record),
            select(Auditoria.id).where(Auditoria.registros.contains(cast(array([_record]), ARRAY(Text)))),
        )
    ),
    "ator_id": Auditoria.ator_id == bindparam("ator_id"),
    "acao": Auditoria.acao == bindparam("acao"),
    "desde": Auditoria.em >= bindparam("desde"),
    "ate": Auditoria.em < bindparam("ate"),
    "antes_de": Auditoria.id < bindparam("antes_de"),
}


@lru_cache(maxsize=128)
def search(names: frozenset[str]) -> tuple[Query[AuditoriaRead], Query[Any]]:
    """One page of what matches these filters, the newest first; and how many match, up to one more than is counted."""
    conditions = [FILTERS[name] for name in sorted(names)]
    page = (
        select(*columns(AuditoriaRead, Auditoria, ator=User))
        .outerjoin(User, User.id == Auditoria.ator_id)
        .where(*conditions)
        .order_by(Auditoria.id.desc())
        .limit(bindparam("page_limit"))
        .offset(bindparam("page_offset"))
    )
    some = select(literal(1)).select_from(Auditoria).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    return query(page, AuditoriaRead), query(select(func.count()).select_from(some))
