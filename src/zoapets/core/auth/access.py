"""Who is behind a token, and what they may do right now.

A token says who; the database says what they may do. What it said is believed for `access_ttl` (half a second), so
that a suspended hospital, a deactivated user, an ended session or a changed role is felt on every worker within a
second, and a busy user costs one look-up per half second.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from zoapets.common.clock import Clock
from zoapets.common.errors import Forbidden, Unauthorized
from zoapets.common.schema import JsonStruct, Read
from zoapets.core.auth.tokens import Claims, Tokens
from zoapets.core.context import Actor, Ajustes, Hospital
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.permissions import HOSPITAL, PLATFORM, Permission
from zoapets.core.pool import Pool
from zoapets.core.statements import columns, query
from zoapets.core.tenancy import TENANT_BY_ID, TenantRow, shared_gate, tenant_gate
from zoapets.entities.configuracoes import Configuracao
from zoapets.entities.shared import TenantStatus, TenantTipo
from zoapets.entities.users import Role, Sessao, User, UserRole

MOST_REMEMBERED = 20_000


class HospitalSuspenso(Forbidden):
    """The hospital's subscription is suspended."""

    title = "O acesso deste hospital está suspenso."
    advice = "Fale com a equipe que administra a plataforma."


class SessaoEncerrada(Unauthorized):
    """The session was ended, or the user was deactivated."""

    title = "Esta sessão foi encerrada."
    advice = "Entre de novo em POST /auth/login."


class RoleGrant(JsonStruct, frozen=True):
    nome: str
    permissoes: list[str]


class AccessRow(Read):
    id: UUID
    nome: str
    email: str
    ativo: bool
    roles: list[RoleGrant]
    ajustes: Ajustes
    tenant: TenantRow


_roles = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("nome", Role.nome, "permissoes", Role.permissoes), Role.nome.asc()
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .scalar_subquery()
)
# What the registry says of the hospital whose role asks.
_tenant = func.este_hospital().table_valued(*TenantRow.__struct_fields__).render_derived()
ACCESS = query(
    select(*columns(AccessRow, User, roles=_roles, ajustes=Configuracao, tenant=_tenant.c))
    .join(Sessao, Sessao.user_id == User.id)
    # One row each: what the hospital has decided, and the hospital itself.
    .join(Configuracao, true())
    .join(_tenant, true())
    .where(
        User.id == bindparam("user_id"),
        Sessao.id == bindparam("sessao_id"),
        Sessao.revogada_em.is_(None),
        Sessao.expira_em > bindparam("now"),
    ),
    AccessRow,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A person in a hospital, with what they may do there."""

    actor: Actor
    hospital: Hospital


class Access:
    """Turns `Authorization` into a `Grant`."""

    def __init__(self, pool: Pool, tokens: Tokens, clock: Clock, ttl: timedelta) -> None:
        self._pool = pool
        self._tokens = tokens
        self._clock = clock
        self._ttl = ttl.total_seconds()
        self._schemas: dict[UUID, str] = {}
        self._known: dict[tuple[str, str, str], tuple[float, Grant]] = {}

    async def authenticate(self, authorization: str | None) -> Grant:
        """The grant behind a bearer token. Unauthorized, SessaoEncerrada or HospitalSuspenso when there is none."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})
        claims = self._tokens.read_access(token, self._clock.now())
        key = (claims.tenant_id, claims.sub, claims.sid)
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        grant = await self._look_up(claims)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = (time.monotonic() + self._ttl, grant)
        return grant

    def forget(self) -> None:
        """Believe nothing that was read before: for a worker that has just changed access itself."""
        self._known.clear()

    async def _look_up(self, claims: Claims) -> Grant:
        schema = await self._schema(UUID(claims.tenant_id))
        async with finishing(UnitOfWork(self._pool, tenant_gate(schema, read_only=True))) as db:
            row = await db.first(ACCESS, user_id=UUID(claims.sub), sessao_id=UUID(claims.sid), now=self._clock.now())
        if row is None or not row.ativo:
            raise SessaoEncerrada
        _check_active(row.tenant)
        return Grant(actor_of(row, row.tenant, UUID(claims.sid)), Hospital(row.tenant, row.ajustes))

    async def _schema(self, tenant_id: UUID) -> str:
        """Of a hospital: it never changes, so it is asked once."""
        if tenant_id not in self._schemas:
            self._schemas[tenant_id] = (await self.tenant(tenant_id)).schema_name
        return self._schemas[tenant_id]

    async def tenant(self, tenant_id: UUID) -> TenantRow:
        """The hospital, which must be active."""
        async with finishing(UnitOfWork(self._pool, shared_gate(read_only=True))) as db:
            tenant = await db.first(TENANT_BY_ID, id=tenant_id)
        if tenant is None:
            raise SessaoEncerrada
        _check_active(tenant)
        return tenant


def _check_active(tenant: TenantRow) -> None:
    if tenant.status is not TenantStatus.ATIVO:
        raise HospitalSuspenso


def actor_of(row: AccessRow, tenant: TenantRow, sessao_id: UUID | None) -> Actor:
    """The person with their permissions: of the platform's in its own tenant, of a hospital's elsewhere."""
    held = {name for role in row.roles for name in role.permissoes}
    possible = PLATFORM | HOSPITAL if tenant.tipo is TenantTipo.PLATAFORMA else HOSPITAL
    permissions: frozenset[Permission] = frozenset(permission for permission in possible if permission.value in held)
    return Actor(row.id, row.nome, row.email, tuple(role.nome for role in row.roles), permissions, sessao_id)
