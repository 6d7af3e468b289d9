"""The verbs of tenants."""

from uuid import UUID

import structlog

from zoapets.common.errors import Conflict, NotFound, Problem
from zoapets.common.paging import Page
from zoapets.core.context import TenantContext
from zoapets.core.events import Event
from zoapets.core.registry import Registry, TenantRead
from zoapets.entities.shared import TenantStatus, TenantTipo

log = structlog.get_logger("zoapets.tenants")


class TenantNaoEncontrado(NotFound):
    """The installation has no tenant of this id."""

    title = "Hospital não encontrado."


class HospitalJaSuspenso(Conflict):
    """The hospital was suspended before."""

    title = "Este hospital já está suspenso."


class HospitalJaAtivo(Conflict):
    """The hospital is active."""

    title = "Este hospital já está ativo."


class PlataformaNaoSuspende(Conflict):
    """The tenant of those who run the installation cannot be suspended."""

    title = "A própria plataforma não pode ser suspensa."
    advice = "Confira o identificador do hospital em GET /plataforma/tenants."


class TenantSuspenso(Event, frozen=True):
    """A hospital's people may come in no more."""

    id: UUID
    motivo: str


class TenantReativado(Event, frozen=True):
    id: UUID


class TenantsService:
    """Hospitals as those who run the installation see them: never their patients.

    A tenant's role may not see the registry, so its change is a transaction of its own. It comes after the event is
    written and before that is committed: should this last commit fail, the caller is told so, but the status has
    changed, and only the log knows who did it; repeating the call answers 409.
    """

    def __init__(self, ctx: TenantContext, registry: Registry) -> None:
        self.ctx = ctx
        self.registry = registry

    async def search(self, *, page: int, limit: int, status: TenantStatus | None) -> Page[TenantRead]:
        """One page of all tenants, or of those of one status, by slug."""
        return await self.registry.tenants(status=status, page=page, limit=limit)

    async def suspend(self, id: UUID, motivo: str) -> TenantRead:
        """Let nobody of the hospital in; its data stays. HospitalJaSuspenso, PlataformaNaoSuspende when it cannot."""
        self.ctx.emit(TenantSuspenso(id, motivo))
        return await self._set(id, TenantStatus.SUSPENSO, HospitalJaSuspenso)

    async def reactivate(self, id: UUID) -> TenantRead:
        """Let the hospital's people in again. HospitalJaAtivo when they were not kept out."""
        self.ctx.emit(TenantReativado(id))
        return await self._set(id, TenantStatus.ATIVO, HospitalJaAtivo)

    async def _set(self, id: UUID, status: TenantStatus, already: type[Conflict]) -> TenantRead:
        changed = await self.registry.set_status(id, status, now=self.ctx.now)
        if changed is None:
            raise await self._refusal(id, already)
        log.warning("tenant status changed", tenant=str(id), status=status, actor=str(self.ctx.actor.id))
        return changed

    async def _refusal(self, id: UUID, already: type[Conflict]) -> Problem:
        tenant = await self.registry.tenant(id)
        if tenant is None:
            return TenantNaoEncontrado()
        return PlataformaNaoSuspende() if tenant.tipo is TenantTipo.PLATAFORMA else already()
