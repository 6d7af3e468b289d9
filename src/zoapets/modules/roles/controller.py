"""HTTP face of roles."""

from uuid import UUID

from litestar import Controller, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.roles.schemas import PermissaoRead, RoleCreate, RoleFiltros, RoleRead, RoleUpdate
from zoapets.modules.roles.service import RolesService


class RolesController(Controller):
    path = "/roles"
    tags = ("roles",)

    @get(**routed(requires(Permission.ROLES_LER), from_query(RoleFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[RoleFiltros]) -> Page[RoleRead]:
        """Listar perfis, por nome."""
        return await RolesService(ctx).search(**filtros.asked())

    @post(**requires(Permission.ROLES_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[RoleCreate]) -> RoleRead:
        """Criar um perfil com as suas permissões."""
        return await RolesService(ctx).create(data)

    @get("/permissoes", **requires(Permission.ROLES_LER))
    async def permissions(self, ctx: Ctx) -> list[PermissaoRead]:
        """Listar as permissões que um perfil pode ter, com o que cada uma permite."""
        return RolesService(ctx).permissions()

    @get("/{id:uuid}", **requires(Permission.ROLES_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> RoleRead:
        """Ver um perfil."""
        return await RolesService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.ROLES_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[RoleUpdate]) -> RoleRead:
        """Alterar um perfil; vale na próxima chamada de quem o tem."""
        return await RolesService(ctx).update(id, data)
