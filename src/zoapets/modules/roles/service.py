"""The verbs of roles."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func

from zoapets.common.errors import Conflict, NotFound, Unprocessable
from zoapets.common.schema import changes
from zoapets.core.crud import Crud, searched
from zoapets.entities.users import Role
from zoapets.modules.roles.rules import describe, faults, possible
from zoapets.modules.roles.schemas import PermissaoRead, RoleRead


class PerfilNaoEncontrado(NotFound):
    """This hospital has no role of this id."""

    title = "Perfil não encontrado."


class NomeDePerfilEmUso(Conflict):
    """Another role has this name."""

    title = "Já existe um perfil com este nome."
    advice = "Escolha outro nome, ou altere o perfil existente."
    constraint = "uq_roles_nome"


class RolesService(Crud[Role, RoleRead]):
    """Sets of permissions; what a role loses, its users lose at once."""

    entity = Role
    read = RoleRead
    not_found = PerfilNaoEncontrado
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(func.ext.normalizar(Role.nome)),
    }

    async def create(self, data: msgspec.Struct, **more: Any) -> RoleRead:
        """A new role, of permissions that roles here may hold."""
        return await super().create(data, **self._checked(data), **more)

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> RoleRead:
        """The changed role. UltimoAdministrador when nobody could change users and roles any more."""
        return await super().update(id, data, **self._checked(data), **more)

    def permissions(self) -> list[PermissaoRead]:
        """Every permission that a role here may hold, by resource and act."""
        held = sorted(possible(self.ctx.hospital.tenant.tipo))
        return [PermissaoRead(each, each.partition(":")[0], each.partition(":")[2], describe(each)) for each in held]

    def _checked(self, data: msgspec.Struct | None) -> dict[str, list[str]]:
        """The permissions in `data`, in order and once each, if there are any."""
        given = changes(data).get("permissoes") if data is not None else None
        if given is None:
            return {}
        if wrong := faults(given, self.ctx.hospital.tenant.tipo):
            raise Unprocessable(errors=wrong)
        return {"permissoes": sorted(set(given))}
