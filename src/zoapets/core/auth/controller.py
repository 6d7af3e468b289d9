"""HTTP face of auth."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, JSONBody

from zoapets.core.auth.access import Grant
from zoapets.core.auth.schemas import (
    LoginRead,
    LoginWrite,
    MeRead,
    RefreshWrite,
    SessaoRead,
    TokensRead,
    TrocaDeSenhaWrite,
)
from zoapets.core.auth.service import AuthService, me
from zoapets.core.http import origin_of, public, runtime_of, signed_in

Req = Request[Any, Any, Any]
LONGEST_DEVICE = 200


class AuthController(Controller):
    path = "/auth"
    tags = ("auth",)

    @post("/login", status_code=200, **public())
    async def login(self, request: Req, data: JSONBody[LoginWrite]) -> LoginRead:
        """Entrar com e-mail e senha."""
        return await _auth(request).login(data)

    @post("/refresh", status_code=200, **public())
    async def refresh(self, request: Req, data: JSONBody[RefreshWrite]) -> TokensRead:
        """Trocar o token de renovação por um novo par de tokens."""
        return await _auth(request).refresh(data.refresh_token)

    @post("/logout", status_code=204, **signed_in())
    async def logout(self, request: Req) -> None:
        """Sair: encerrar a sessão atual."""
        await _auth(request).logout(_grant(request))

    @get("/me", **signed_in())
    async def me(self, request: Req) -> MeRead:
        """Ver quem está conectado e o que pode fazer."""
        return me(_grant(request))

    @post("/trocar-senha", status_code=204, **signed_in())
    async def trocar_senha(self, request: Req, data: JSONBody[TrocaDeSenhaWrite]) -> None:
        """Trocar a própria senha; as outras sessões são encerradas."""
        await _auth(request).change_password(_grant(request), data)

    @get("/sessoes", **signed_in())
    async def sessoes(self, request: Req) -> list[SessaoRead]:
        """Listar as próprias sessões abertas."""
        return await _auth(request).sessions(_grant(request))

    @delete("/sessoes/{id:uuid}", status_code=204, **signed_in())
    async def encerrar_sessao(self, request: Req, id: FromPath[UUID]) -> None:
        """Encerrar uma das próprias sessões."""
        await _auth(request).end_session(_grant(request), id)


def _auth(request: Req) -> AuthService:
    return AuthService(runtime_of(request), origin_of(request), _device(request.headers.get("user-agent")))


def _grant(request: Req) -> Grant:
    """Who `signed_in()` found."""
    grant: Grant = request.scope["user"]
    return grant


def _device(text: str | None) -> str | None:
    """What the client calls itself, without what PostgreSQL or a terminal would stumble over."""
    return "".join(filter(str.isprintable, text or ""))[:LONGEST_DEVICE] or None
