"""HTTP face of tenants. Only the platform's own tenant has people with these permissions."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed, runtime_of
from zoapets.core.permissions import Permission
from zoapets.core.registry import Registry, TenantRead
from zoapets.modules.tenants.schemas import Suspensao, TenantFiltros
from zoapets.modules.tenants.service import TenantsService

Req = Request[Any, Any, Any]


class TenantsController(Controller):
    path = "/plataforma/tenants"
    tags = ("plataforma",)

    @get(**routed(requires(Permission.TENANTS_LER), from_query(TenantFiltros)))
    async def search(self, request: Req, ctx: Ctx, filtros: FromQuery[TenantFiltros]) -> Page[TenantRead]:
        """Listar os hospitais da instalação."""
        return await TenantsService(ctx, _registry(request)).search(**filtros.asked())

    @post("/{id:uuid}/suspender", status_code=200, **requires(Permission.TENANTS_ESCREVER))
    async def suspend(self, request: Req, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Suspensao]) -> TenantRead:
        """Suspender o acesso de um hospital, com o motivo; os dados ficam."""
        return await TenantsService(ctx, _registry(request)).suspend(id, data.motivo)

    @post("/{id:uuid}/reativar", status_code=200, **requires(Permission.TENANTS_ESCREVER))
    async def reactivate(self, request: Req, ctx: Ctx, id: FromPath[UUID]) -> TenantRead:
        """Devolver o acesso a um hospital."""
        return await TenantsService(ctx, _registry(request)).reactivate(id)


def _registry(request: Req) -> Registry:
    return Registry(runtime_of(request).pool)
