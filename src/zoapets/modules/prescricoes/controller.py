"""HTTP face of prescriptions."""

from uuid import UUID

from litestar import Controller, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.prescricoes.schemas import (
    Mudanca,
    PrescricaoCreate,
    PrescricaoCriada,
    PrescricaoFiltros,
    PrescricaoListada,
    PrescricaoRead,
    PrescricaoUpdate,
)
from zoapets.modules.prescricoes.service import PrescricoesService

PRESCRIBES = requires(Permission.PRESCRICOES_PRESCREVER)


class PrescricoesController(Controller):
    path = "/prescricoes"
    tags = ("prescrições",)

    @post(**PRESCRIBES)
    async def prescribe(self, ctx: Ctx, data: JSONBody[PrescricaoCreate]) -> PrescricaoCriada:
        """Prescrever; na prescrição hospitalar, todas as doses entram na agenda junto com ela."""
        return await PrescricoesService(ctx).prescribe(data)

    @get(**routed(requires(Permission.PRESCRICOES_LER), from_query(PrescricaoFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[PrescricaoFiltros]) -> Page[PrescricaoListada]:
        """Listar prescrições, da mais nova à mais antiga."""
        return await PrescricoesService(ctx).search(**filtros.asked())

    @get("/{id:uuid}", **requires(Permission.PRESCRICOES_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> PrescricaoRead:
        """Ver uma prescrição com os seus itens."""
        return await PrescricoesService(ctx).get(id)

    @patch("/{id:uuid}", **PRESCRIBES)
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[PrescricaoUpdate]) -> PrescricaoRead:
        """Corrigir as observações; o que foi prescrito não se edita."""
        return await PrescricoesService(ctx).update(id, data)

    @post("/{id:uuid}/suspender", status_code=200, **PRESCRIBES)
    async def suspend(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Mudanca]) -> PrescricaoRead:
        """Suspender a prescrição: as doses restantes param, com o motivo."""
        return await PrescricoesService(ctx).suspend(id, data.motivo)

    @post("/{id:uuid}/retomar", status_code=200, **PRESCRIBES)
    async def resume(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Mudanca]) -> PrescricaoRead:
        """Retomar a prescrição suspensa: as doses de agora em diante voltam à agenda."""
        return await PrescricoesService(ctx).resume(id, data.motivo)

    @post("/{id:uuid}/encerrar", status_code=200, **PRESCRIBES)
    async def end(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Mudanca]) -> PrescricaoRead:
        """Encerrar a prescrição de vez: só as doses restantes param."""
        return await PrescricoesService(ctx).end(id, data.motivo)

    @post("/{id:uuid}/itens/{item_id:uuid}/suspender", status_code=200, **PRESCRIBES)
    async def suspend_item(
        self, ctx: Ctx, id: FromPath[UUID], item_id: FromPath[UUID], data: JSONBody[Mudanca]
    ) -> PrescricaoRead:
        """Suspender um item da prescrição."""
        return await PrescricoesService(ctx).suspend(id, data.motivo, item_id)

    @post("/{id:uuid}/itens/{item_id:uuid}/retomar", status_code=200, **PRESCRIBES)
    async def resume_item(
        self, ctx: Ctx, id: FromPath[UUID], item_id: FromPath[UUID], data: JSONBody[Mudanca]
    ) -> PrescricaoRead:
        """Retomar um item suspenso."""
        return await PrescricoesService(ctx).resume(id, data.motivo, item_id)

    @post("/{id:uuid}/itens/{item_id:uuid}/encerrar", status_code=200, **PRESCRIBES)
    async def end_item(
        self, ctx: Ctx, id: FromPath[UUID], item_id: FromPath[UUID], data: JSONBody[Mudanca]
    ) -> PrescricaoRead:
        """Encerrar um item de vez."""
        return await PrescricoesService(ctx).end(id, data.motivo, item_id)
