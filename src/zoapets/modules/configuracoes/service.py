"""The verbs of configuracoes."""

import msgspec
from sqlalchemy import bindparam, select, update

from zoapets.common.errors import PreconditionFailed
from zoapets.common.schema import changes
from zoapets.core.context import TenantContext
from zoapets.core.statements import columns, query
from zoapets.entities.configuracoes import Configuracao
from zoapets.modules.configuracoes.schemas import (
    ConfiguracoesRead,
    ConfiguracoesUpdate,
    HospitalDasConfiguracoes,
    Parametros,
)

_row = select(*columns(Parametros, Configuracao)).where(Configuracao.id == 1)
READ = query(_row, Parametros)
LOCK = query(_row.with_for_update(), Parametros)
SAVE = query(
    update(Configuracao)
    .where(Configuracao.id == 1)
    .values(
        updated_at=bindparam("now"),
        versao=Configuracao.versao + 1,
        **{name: bindparam(name) for name in ConfiguracoesUpdate.__struct_fields__},
    )
)


class ConfiguracoesService:
    """The one row; it is there from the hospital's first day, and can only be changed."""

    def __init__(self, ctx: TenantContext) -> None:
        self.ctx = ctx
        self.db = ctx.db

    async def get(self) -> ConfiguracoesRead:
        """What is in force."""
        return self._shown(await self.db.one(READ))

    async def update(self, data: ConfiguracoesUpdate) -> ConfiguracoesRead:
        """What is in force from now on. PreconditionFailed when `If-Match` names another version."""
        current = await self.db.one(LOCK)
        if self.ctx.expected_version not in {None, current.versao}:
            raise PreconditionFailed
        values = {name: getattr(current, name) for name in data.__struct_fields__} | changes(data)
        await self.db.run(SAVE, now=self.ctx.now, **values)
        return await self.get()

    def _shown(self, row: Parametros) -> ConfiguracoesRead:
        tenant = self.ctx.hospital.tenant
        hospital = HospitalDasConfiguracoes(tenant.slug, tenant.nome, tenant.fuso)
        return ConfiguracoesRead(**msgspec.structs.asdict(row), hospital=hospital)
