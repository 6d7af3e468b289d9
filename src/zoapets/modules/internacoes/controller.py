"""HTTP face of internacoes."""

from uuid import UUID

from litestar import Controller, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.internacoes.schemas import (
    Admissao,
    Alta,
    InternacaoCreate,
    InternacaoFiltros,
    InternacaoListada,
    InternacaoRead,
    InternacaoUpdate,
    Isolamento,
    MapaFiltros,
    MapaLeitos,
    Obito,
    Priorizacao,
    Transferencia,
)
from zoapets.modules.internacoes.service import InternacoesService


class InternacoesController(Controller):
    path = "/internacoes"
    tags = ("internações",)

    @get(**routed(requires(Permission.INTERNACOES_LER), from_query(InternacaoFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[InternacaoFiltros]) -> Page[InternacaoListada]:
        """Listar internações, da entrada mais nova à mais antiga."""
        return await InternacoesService(ctx).search(**filtros.asked())

    @get("/mapa-leitos", **routed(requires(Permission.INTERNACOES_LER), from_query(MapaFiltros)))
    async def mapa_leitos(self, ctx: Ctx, filtros: FromQuery[MapaFiltros]) -> MapaLeitos:
        """Ver o mapa de leitos: o estado de cada um e quem o ocupa."""
        return await InternacoesService(ctx).mapa_leitos(**filtros.asked())

    @post(**requires(Permission.INTERNACOES_ADMITIR))
    async def internar(self, ctx: Ctx, data: JSONBody[InternacaoCreate]) -> InternacaoRead:
        """Internar um pet: já em um leito, ou à espera de um."""
        return await InternacoesService(ctx).internar(data)

    @get("/{id:uuid}", **requires(Permission.INTERNACOES_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> InternacaoRead:
        """Ver uma internação, com o paciente, o leito e por onde passou."""
        return await InternacoesService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.INTERNACOES_MOVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[InternacaoUpdate]) -> InternacaoRead:
        """Corrigir uma internação aberta."""
        return await InternacoesService(ctx).update(id, data)

    @post("/{id:uuid}/admitir", status_code=200, **requires(Permission.INTERNACOES_ADMITIR))
    async def admitir(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Admissao]) -> InternacaoRead:
        """Dar um leito ao paciente que aguarda."""
        return await InternacoesService(ctx).admitir(id, data.leito_id)

    @post("/{id:uuid}/transferir", status_code=200, **requires(Permission.INTERNACOES_MOVER))
    async def transferir(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Transferencia]) -> InternacaoRead:
        """Mudar o paciente de leito; o anterior fica livre na hora."""
        return await InternacoesService(ctx).transferir(id, data.leito_id, data.motivo)

    @post("/{id:uuid}/isolar", status_code=200, **requires(Permission.INTERNACOES_MOVER))
    async def isolar(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Isolamento]) -> InternacaoRead:
        """Pôr o paciente em isolamento, com o motivo."""
        return await InternacoesService(ctx).isolar(id, data.motivo)

    @post("/{id:uuid}/encerrar-isolamento", status_code=200, **requires(Permission.INTERNACOES_MOVER))
    async def encerrar_isolamento(self, ctx: Ctx, id: FromPath[UUID]) -> InternacaoRead:
        """Tirar o paciente do isolamento."""
        return await InternacoesService(ctx).encerrar_isolamento(id)

    @post("/{id:uuid}/priorizar", status_code=200, **requires(Permission.INTERNACOES_MOVER))
    async def priorizar(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Priorizacao]) -> InternacaoRead:
        """Dizer a prioridade do paciente."""
        return await InternacoesService(ctx).priorizar(id, data.prioridade)

    @post("/{id:uuid}/alta", status_code=200, **requires(Permission.INTERNACOES_ALTA))
    async def dar_alta(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Alta | None] = None) -> InternacaoRead:
        """Dar alta ao paciente e liberar o leito."""
        return await InternacoesService(ctx).dar_alta(id, data.observacoes if data is not None else None)

    @post("/{id:uuid}/obito", status_code=200, **requires(Permission.INTERNACOES_ALTA))
    async def registrar_obito(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Obito]) -> InternacaoRead:
        """Registrar o óbito do paciente e liberar o leito."""
        return await InternacoesService(ctx).registrar_obito(id, data)
