"""HTTP face of unidades, alas and leitos."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.leitos.schemas import (
    AlaCreate,
    AlaFiltros,
    AlaRead,
    AlaUpdate,
    LeitoCreate,
    LeitoFiltros,
    LeitoRead,
    LeitoSituacao,
    LeitoUpdate,
    UnidadeCreate,
    UnidadeFiltros,
    UnidadeRead,
    UnidadeUpdate,
)
from zoapets.modules.leitos.service import AlasService, LeitosService, UnidadesService
from zoapets.modules.tutores.schemas import Arquivamento


class UnidadesController(Controller):
    path = "/unidades"
    tags = ("leitos",)

    @get(**routed(requires(Permission.LEITOS_LER), from_query(UnidadeFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[UnidadeFiltros]) -> Page[UnidadeRead]:
        """Listar unidades, por nome."""
        return await UnidadesService(ctx).search(**filtros.asked())

    @post(**requires(Permission.LEITOS_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[UnidadeCreate]) -> UnidadeRead:
        """Cadastrar uma unidade."""
        return await UnidadesService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.LEITOS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> UnidadeRead:
        """Ver uma unidade."""
        return await UnidadesService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.LEITOS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[UnidadeUpdate]) -> UnidadeRead:
        """Corrigir uma unidade."""
        return await UnidadesService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.LEITOS_ESCREVER))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar uma unidade sem alas, com o motivo."""
        await UnidadesService(ctx).archive(id, data.motivo)


class AlasController(Controller):
    path = "/alas"
    tags = ("leitos",)

    @get(**routed(requires(Permission.LEITOS_LER), from_query(AlaFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[AlaFiltros]) -> Page[AlaRead]:
        """Listar alas, por nome."""
        return await AlasService(ctx).search(**filtros.asked())

    @post(**requires(Permission.LEITOS_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[AlaCreate]) -> AlaRead:
        """Cadastrar uma ala de uma unidade."""
        return await AlasService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.LEITOS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> AlaRead:
        """Ver uma ala."""
        return await AlasService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.LEITOS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[AlaUpdate]) -> AlaRead:
        """Corrigir uma ala."""
        return await AlasService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.LEITOS_ESCREVER))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar uma ala sem leitos, com o motivo."""
        await AlasService(ctx).archive(id, data.motivo)


class LeitosController(Controller):
    path = "/leitos"
    tags = ("leitos",)

    @get(**routed(requires(Permission.LEITOS_LER), from_query(LeitoFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[LeitoFiltros]) -> Page[LeitoRead]:
        """Listar leitos, por código."""
        return await LeitosService(ctx).search(**filtros.asked())

    @post(**requires(Permission.LEITOS_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[LeitoCreate]) -> LeitoRead:
        """Cadastrar um leito em uma ala."""
        return await LeitosService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.LEITOS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> LeitoRead:
        """Ver um leito e se está ocupado."""
        return await LeitosService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.LEITOS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[LeitoUpdate]) -> LeitoRead:
        """Corrigir um leito; pôr em higienização, bloquear ou liberar."""
        return await LeitosService(ctx).update(id, data)

    @post("/{id:uuid}/situacao", status_code=200, **requires(Permission.INTERNACOES_MOVER))
    async def set_situacao(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[LeitoSituacao]) -> LeitoRead:
        """Dizer que um leito vazio está livre, em higienização ou bloqueado."""
        return await LeitosService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.LEITOS_ESCREVER))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar um leito vazio, com o motivo."""
        await LeitosService(ctx).archive(id, data.motivo)
