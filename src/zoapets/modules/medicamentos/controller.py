"""HTTP face of medicamentos."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.medicamentos.schemas import (
    FaixaCreate,
    FaixaRead,
    MedicamentoCreate,
    MedicamentoFiltros,
    MedicamentoRead,
    MedicamentoUpdate,
)
from zoapets.modules.medicamentos.service import MedicamentosService
from zoapets.modules.tutores.schemas import Arquivamento


class MedicamentosController(Controller):
    path = "/medicamentos"
    tags = ("medicamentos",)

    @get(**routed(requires(Permission.MEDICAMENTOS_LER), from_query(MedicamentoFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[MedicamentoFiltros]) -> Page[MedicamentoRead]:
        """Listar medicamentos, por nome."""
        return await MedicamentosService(ctx).search(**filtros.asked())

    @post(**requires(Permission.MEDICAMENTOS_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[MedicamentoCreate]) -> MedicamentoRead:
        """Cadastrar um medicamento."""
        return await MedicamentosService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.MEDICAMENTOS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> MedicamentoRead:
        """Ver um medicamento."""
        return await MedicamentosService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.MEDICAMENTOS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[MedicamentoUpdate]) -> MedicamentoRead:
        """Corrigir um medicamento."""
        return await MedicamentosService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.MEDICAMENTOS_ARQUIVAR))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar um medicamento, com o motivo."""
        await MedicamentosService(ctx).archive(id, data.motivo)

    @get("/{id:uuid}/faixas", **requires(Permission.MEDICAMENTOS_LER))
    async def ranges(self, ctx: Ctx, id: FromPath[UUID]) -> list[FaixaRead]:
        """Ver as faixas de dose do medicamento."""
        return await MedicamentosService(ctx).ranges(id)

    @post("/{id:uuid}/faixas", **requires(Permission.MEDICAMENTOS_ESCREVER))
    async def add_range(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[FaixaCreate]) -> FaixaRead:
        """Cadastrar uma faixa de dose, com a fonte."""
        return await MedicamentosService(ctx).add_range(id, data)

    @delete("/{id:uuid}/faixas/{faixa_id:uuid}", status_code=204, **requires(Permission.MEDICAMENTOS_ESCREVER))
    async def remove_range(self, ctx: Ctx, id: FromPath[UUID], faixa_id: FromPath[UUID]) -> None:
        """Remover uma faixa de dose."""
        await MedicamentosService(ctx).remove_range(id, faixa_id)
