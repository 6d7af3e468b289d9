"""HTTP face of auditoria."""

from litestar import Controller, get

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.auditoria.schemas import AuditoriaFiltros, AuditoriaRead
from zoapets.modules.auditoria.service import AuditoriaService


class AuditoriaController(Controller):
    path = "/auditoria"
    tags = ("auditoria",)

    @get(**routed(requires(Permission.AUDITORIA_LER), from_query(AuditoriaFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[AuditoriaFiltros]) -> Page[AuditoriaRead]:
        """Ver quem mudou o quê, do mais novo ao mais antigo.

        `meta.total` para em 10001 ("mais de 10.000"); dali em diante, siga com `antesDe`.
        """
        return await AuditoriaService(ctx).search(**filtros.asked())
