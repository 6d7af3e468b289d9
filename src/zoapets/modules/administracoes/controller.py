"""HTTP face of doses."""

from uuid import UUID

from litestar import Controller, Response, get, patch
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, OnBoard, from_query, on_board, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.administracoes.queries import PANEL
from zoapets.modules.administracoes.schemas import (
    AdministracaoFiltros,
    AdministracaoRead,
    Anulacao,
    NaoRealizacao,
    Painel,
    PainelFiltros,
    Realizacao,
)
from zoapets.modules.administracoes.service import AdministracoesService


class AdministracoesController(Controller):
    path = "/administracoes"
    tags = ("administrações",)

    @get(
        "/painel-enfermagem",
        **routed(requires(Permission.ADMINISTRACOES_LER), from_query(PainelFiltros), on_board(PANEL)),
    )
    async def panel(self, ctx: Ctx, filtros: FromQuery[PainelFiltros], quadro: OnBoard) -> Response[Painel]:
        """Ver o painel da enfermagem: doses atrasadas, pendentes e próximas, e o dia até agora."""
        return await quadro.answer(filtros, lambda: AdministracoesService(ctx).panel(**filtros.asked()))

    @get(**routed(requires(Permission.ADMINISTRACOES_LER), from_query(AdministracaoFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[AdministracaoFiltros]) -> Page[AdministracaoRead]:
        """Listar doses, pela hora agendada."""
        return await AdministracoesService(ctx).search(**filtros.asked())

    @get("/{id:uuid}", **requires(Permission.ADMINISTRACOES_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> AdministracaoRead:
        """Ver uma dose e o seu registro."""
        return await AdministracoesService(ctx).get(id)

    @patch("/{id:uuid}/realizar", **requires(Permission.ADMINISTRACOES_REGISTRAR))
    async def give(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Realizacao | None] = None) -> AdministracaoRead:
        """Registrar que a dose foi dada, por quem está no sistema, uma única vez."""
        return await AdministracoesService(ctx).give(id, data or Realizacao())

    @patch("/{id:uuid}/nao-realizar", **requires(Permission.ADMINISTRACOES_REGISTRAR))
    async def withhold(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[NaoRealizacao]) -> AdministracaoRead:
        """Registrar que a dose não foi dada, com a justificativa."""
        return await AdministracoesService(ctx).withhold(id, data)

    @patch("/{id:uuid}/anular", **requires(Permission.ADMINISTRACOES_ANULAR))
    async def void(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Anulacao]) -> AdministracaoRead:
        """Anular um registro errado, com o motivo; ele permanece, e a dose volta à agenda se segue prescrita."""
        return await AdministracoesService(ctx).void(id, data)
