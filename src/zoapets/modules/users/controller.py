"""HTTP face of users."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed, runtime_of
from zoapets.core.permissions import Permission
from zoapets.modules.users.schemas import Desativacao, NovaSenha, UserCreate, UserFiltros, UserRead, UserUpdate
from zoapets.modules.users.service import UsersService

Req = Request[Any, Any, Any]


class UsersController(Controller):
    path = "/users"
    tags = ("users",)

    @get(**routed(requires(Permission.USERS_LER), from_query(UserFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[UserFiltros]) -> Page[UserRead]:
        """Listar usuários, por nome, também os desativados."""
        return await UsersService(ctx).search(**filtros.asked())

    @post(**requires(Permission.USERS_ESCREVER))
    async def create(self, request: Req, ctx: Ctx, data: JSONBody[UserCreate]) -> UserRead:
        """Cadastrar um usuário, com os seus perfis."""
        senha_hash = await runtime_of(request).passwords.hash(data.senha)
        return await UsersService(ctx).register(data, senha_hash=senha_hash)

    @get("/{id:uuid}", **requires(Permission.USERS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> UserRead:
        """Ver um usuário."""
        return await UsersService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.USERS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[UserUpdate]) -> UserRead:
        """Corrigir um usuário, ou trocar os seus perfis."""
        return await UsersService(ctx).update(id, data)

    @post("/{id:uuid}/desativar", status_code=200, **requires(Permission.USERS_ESCREVER))
    async def deactivate(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Desativacao]) -> UserRead:
        """Desativar um usuário, com o motivo; as suas sessões são encerradas."""
        return await UsersService(ctx).deactivate(id, data.motivo)

    @post("/{id:uuid}/reativar", status_code=200, **requires(Permission.USERS_ESCREVER))
    async def reactivate(self, ctx: Ctx, id: FromPath[UUID]) -> UserRead:
        """Reativar um usuário."""
        return await UsersService(ctx).reactivate(id)

    @post("/{id:uuid}/senha", status_code=204, **requires(Permission.USERS_ESCREVER))
    async def reset_password(self, request: Req, ctx: Ctx, id: FromPath[UUID], data: JSONBody[NovaSenha]) -> None:
        """Dar uma nova senha a um usuário; as suas sessões são encerradas."""
        senha_hash = await runtime_of(request).passwords.hash(data.nova_senha)
        await UsersService(ctx).reset_password(id, senha_hash=senha_hash)
