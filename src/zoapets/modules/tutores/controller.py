"""HTTP face of tutores."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.tutores.schemas import Arquivamento, TutorCreate, TutorFiltros, TutorRead, TutorUpdate
from zoapets.modules.tutores.service import TutoresService


class TutoresController(Controller):
    path = "/tutores"
    tags = ("tutores",)

    @get(**routed(requires(Permission.TUTORES_LER), from_query(TutorFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[TutorFiltros]) -> Page[TutorRead]:
        """Listar tutores, por nome."""
        return await TutoresService(ctx).search(**filtros.asked())

    @post(**requires(Permission.TUTORES_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[TutorCreate]) -> TutorRead:
        """Cadastrar um tutor."""
        return await TutoresService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.TUTORES_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> TutorRead:
        """Ver um tutor."""
        return await TutoresService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.TUTORES_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[TutorUpdate]) -> TutorRead:
        """Corrigir um tutor."""
        return await TutoresService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.TUTORES_ARQUIVAR))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar um tutor, com o motivo."""
        await TutoresService(ctx).archive(id, data.motivo)
