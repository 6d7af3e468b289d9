"""HTTP face of configuracoes."""

from litestar import Controller, get, patch
from litestar.params import JSONBody

from zoapets.core.http import Ctx, requires
from zoapets.core.permissions import Permission
from zoapets.modules.configuracoes.schemas import ConfiguracoesRead, ConfiguracoesUpdate
from zoapets.modules.configuracoes.service import ConfiguracoesService


class ConfiguracoesController(Controller):
    path = "/configuracoes"
    tags = ("configurações",)

    @get(**requires(Permission.CONFIGURACOES_LER))
    async def find(self, ctx: Ctx) -> ConfiguracoesRead:
        """Ver as configurações do hospital."""
        return await ConfiguracoesService(ctx).get()

    @patch(**requires(Permission.CONFIGURACOES_ESCREVER))
    async def update(self, ctx: Ctx, data: JSONBody[ConfiguracoesUpdate]) -> ConfiguracoesRead:
        """Mudar as configurações do hospital."""
        return await ConfiguracoesService(ctx).update(data)
