"""The registry of hospitals, for those who run the installation.

`public` is out of reach of a tenant's role, so each call is a unit of work of its own, apart from the request's.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, bindparam, func, or_, select, update

from zoapets.common.paging import Page, page_of
from zoapets.common.schema import Read
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.pool import Pool
from zoapets.core.statements import columns, query
from zoapets.core.tenancy import shared_gate
from zoapets.entities.shared import Tenant, TenantStatus, TenantTipo


class TenantRead(Read):
    """A hospital, or the platform's own tenant, as those who run the installation see it."""

    id: UUID
    slug: str
    nome: str
    status: TenantStatus
    tipo: TenantTipo
    fuso: str
    created_at: datetime
    updated_at: datetime


_status = bindparam("status", type_=Text)
_wanted = or_(_status.is_(None), Tenant.status == _status)
_tenant = select(*columns(TenantRead, Tenant))
PAGE = query(
    _tenant.where(_wanted).order_by(Tenant.slug).limit(bindparam("page_limit")).offset(bindparam("page_offset")),
    TenantRead,
)
TOTAL = query(select(func.count()).select_from(Tenant).where(_wanted))
ONE = query(_tenant.where(Tenant.id == bindparam("id")), TenantRead)
# Only from the other status: of two at once, one has done it.
SET_STATUS = query(
    update(Tenant)
    .where(Tenant.id == bindparam("a_id"), Tenant.status != bindparam("new_status"), Tenant.tipo == TenantTipo.HOSPITAL)
    .values(status=bindparam("new_status"), updated_at=bindparam("now"))
    .returning(*columns(TenantRead, Tenant)),
    TenantRead,
)


class Registry:
    """Reads `public.tenants`, and changes a hospital's status."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tenants(self, *, status: TenantStatus | None, page: int, limit: int) -> Page[TenantRead]:
        """One page of all tenants, or of those of one status, by slug."""
        async with finishing(UnitOfWork(self._pool, shared_gate(read_only=True))) as db:
            rows = await db.all(PAGE, status=status, page_limit=limit, page_offset=(page - 1) * limit)
            total = await db.one(TOTAL, status=status)
        return page_of(rows, total, page, limit)

    async def tenant(self, tenant_id: UUID) -> TenantRead | None:
        async with finishing(UnitOfWork(self._pool, shared_gate(read_only=True))) as db:
            return await db.first(ONE, id=tenant_id)

    async def set_status(self, tenant_id: UUID, status: TenantStatus, *, now: datetime) -> TenantRead | None:
        """The hospital, which this call has given this status; it lasts when the call returns.

        None for an unknown id, for the platform's own tenant, and for a hospital that had the status.
        """
        async with finishing(UnitOfWork(self._pool, shared_gate())) as db:
            return await db.first(SET_STATUS, a_id=tenant_id, new_status=status, now=now)
