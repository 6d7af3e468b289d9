"""Statements of users."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import Uuid

from zoapets.core.statements import query
from zoapets.entities.users import Role, Sessao, User, UserRole

_role_ids: ColumnElement[Any] = bindparam("role_ids", type_=ARRAY(Uuid))

ROLES = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(func.jsonb_build_object("id", Role.id, "nome", Role.nome), Role.nome.asc())
            ),
            func.jsonb_build_array(),
        )
    )
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .scalar_subquery()
)
HAS_ROLE = exists().where(UserRole.user_id == User.id, UserRole.role_id == bindparam("role_id"))
SEARCHED = func.ext.normalizar(User.nome + " " + User.email)

ADD = query(
    insert(User).values(
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
        **{n: bindparam(n) for n in ("id", "nome", "email", "senha_hash", "telefone", "crmv", "crmv_uf")},
    )
)
KNOWN_ROLES = query(select(Role.id).where(Role.id == func.any(_role_ids)))
GIVE_ROLES = query(
    upsert(UserRole)
    .from_select(
        ["user_id", "role_id"], select(bindparam("user_id", type_=Uuid), Role.id).where(Role.id == func.any(_role_ids))
    )
    .on_conflict_do_nothing()
)
TAKE_OTHER_ROLES = query(
    delete(UserRole).where(UserRole.user_id == bindparam("a_user_id"), UserRole.role_id != func.all(_role_ids))
)
END_SESSIONS = query(
    update(Sessao)
    .where(Sessao.user_id == bindparam("dono_id"), Sessao.revogada_em.is_(None), Sessao.expira_em > bindparam("now"))
    .values(revogada_em=bindparam("now"), motivo_revogacao=bindparam("motivo"))
)
