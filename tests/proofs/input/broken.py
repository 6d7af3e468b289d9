"""Routes that break the rules on purpose, added to the application: what judges the others must see each of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from litestar import Controller, Request, get, post
from litestar.params import JSONBody

from tests.cast import Hospital, _client
from zoapets import app as application
from zoapets.common.errors import BadRequest, Conflict
from zoapets.common.schema import Name, Read, Telefone, Write
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.http import Ctx, runtime_of, signed_in
from zoapets.core.tenancy import tenant_gate
from zoapets.modules.tutores.schemas import TutorCreate
from zoapets.modules.tutores.service import TutoresService


class Porta(Write):
    nome: Name


class PortaRead(Read):
    nome: str


class PortaFrouxa(msgspec.Struct, rename="camel"):
    """Takes unknown fields, and a name without a bound."""

    nome: str


class PortasController(Controller):
    path = "/portas"
    tags = ("portas",)

    @post("/que-quebra", **signed_in())
    async def breaks(self, ctx: Ctx, data: JSONBody[Porta]) -> PortaRead:
        """Quebrar com certos nomes."""
        del ctx
        if not data.nome.isalpha():
            raise RuntimeError(data.nome)
        return PortaRead(data.nome)

    @post("/frouxa", **signed_in())
    async def lax(self, ctx: Ctx, data: JSONBody[PortaFrouxa]) -> PortaRead:
        """Aceitar o que vier."""
        del ctx
        return PortaRead(data.nome[:100])

    @post("/que-conta", **signed_in())
    async def tells(self, ctx: Ctx, data: JSONBody[Porta]) -> PortaRead:
        """Contar o que só o código sabe."""
        del ctx
        try:
            return PortaRead(str(int(data.nome)))
        except ValueError as error:
            raise BadRequest(repr(error)) from error

    @post("/que-muda", **signed_in())
    async def changes(self, ctx: Ctx, data: JSONBody[Porta]) -> PortaRead:
        """Guardar outra coisa."""
        del ctx
        return PortaRead(data.nome.strip().title())

    @post("/que-grava", **signed_in())
    async def writes(self, ctx: Ctx, request: Request[Any, Any, Any], data: JSONBody[Porta]) -> PortaRead:
        """Gravar o que recusa."""
        gate = tenant_gate(ctx.hospital.tenant.schema_name, read_only=False, actor=ctx.actor.id)
        async with finishing(UnitOfWork(runtime_of(request).pool, gate)) as db:
            wrong = replace(ctx, db=db)
            await TutoresService(wrong).create(TutorCreate(nome=data.nome, telefone=Telefone("+5511987654321")))
        raise Conflict

    @get("/que-promete", **signed_in())
    async def promises(self, ctx: Ctx) -> PortaRead:
        """Devolver outra coisa."""
        del ctx
        return {"nome": 1}  # type: ignore[return-value]  # on purpose


@asynccontextmanager
async def with_broken_routes(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hospital]:
    """The same hospital, served by an application that has them."""
    monkeypatch.setattr(application, "CONTROLLERS", [*application.CONTROLLERS, PortasController])
    app = application.create_app(hospital.stage.settings, hospital.stage.clock)
    async with app.litestar.lifespan(), _client(app) as http:
        yield replace(hospital, stage=replace(hospital.stage, app=app, http=http), _people={})
