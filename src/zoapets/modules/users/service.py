"""The verbs of users."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, select

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.ids import new_id
from zoapets.common.schema import changes
from zoapets.core.crud import Crud, searched
from zoapets.core.events import Event
from zoapets.core.statements import columns
from zoapets.entities.users import MotivoRevogacao, User
from zoapets.modules.users import queries
from zoapets.modules.users.schemas import UserCreate, UserRead


class UsuarioNaoEncontrado(NotFound):
    """This hospital has no user of this id."""

    title = "Usuário não encontrado."


class EmailEmUso(Conflict):
    """Another user of this hospital, active or not, has this e-mail."""

    title = "Já existe um usuário com este e-mail neste hospital."
    advice = "Busque o cadastro existente em GET /users; se ele estiver desativado, reative-o."
    constraint = "uq_users_email"


class UltimoAdministrador(Conflict):
    """Nobody who may change users and roles would remain."""

    title = "O hospital ficaria sem administrador."
    advice = "Dê antes o perfil de administrador a outra pessoa."
    constraint = "ultimo_administrador"


class UsuarioJaDesativado(Conflict):
    """The user was deactivated before."""

    title = "Este usuário já está desativado."


class UsuarioJaAtivo(Conflict):
    """The user is active."""

    title = "Este usuário já está ativo."


class UsuarioDesativado(Event, frozen=True):
    """Somebody may no longer come in."""

    id: UUID
    motivo: str


class UsuarioReativado(Event, frozen=True):
    id: UUID


class SenhaRedefinida(Event, frozen=True):
    """An administrator gave somebody a new password."""

    id: UUID


class UsersService(Crud[User, UserRead]):
    """People who sign acts; deactivated, never deleted: authors must survive."""

    entity = User
    read = UserRead
    not_found = UsuarioNaoEncontrado
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(queries.SEARCHED),
        "ativo": User.ativo == bindparam("ativo"),
        "role_id": queries.HAS_ROLE,
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return select(*columns(UserRead, User, roles=queries.ROLES))

    async def register(self, data: UserCreate, *, senha_hash: str) -> UserRead:
        """A new person, with roles. The password comes hashed: hashing takes longer than a transaction may."""
        _check_crmv(data.crmv, data.crmv_uf)
        await self._check_roles(data.role_ids)
        user_id = new_id()
        await self.db.run(
            queries.ADD,
            id=user_id,
            nome=data.nome,
            email=data.email,
            senha_hash=senha_hash,
            telefone=data.telefone,
            crmv=data.crmv,
            crmv_uf=data.crmv_uf,
            now=self.ctx.now,
        )
        await self.db.run(queries.GIVE_ROLES, user_id=user_id, role_ids=data.role_ids)
        return await self.get(user_id)

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> UserRead:
        """The corrected person; `role_ids` replaces the set. UltimoAdministrador when nobody would be left."""
        values = {**(changes(data) if data is not None else {}), **more}
        role_ids = values.pop("role_ids", None)
        await self.lock(id)
        await self._check_crmv_of(id, values)
        if role_ids is not None:
            await self._replace_roles(id, role_ids)
            # Of a change of roles too, the version counts: it is part of what `If-Match` guards.
            values["updated_at"] = self.ctx.now
        return await super().update(id, None, **values)

    async def deactivate(self, id: UUID, motivo: str) -> UserRead:
        """Let the person in no more, and end their sessions. UltimoAdministrador when nobody would be left."""
        await self.lock(id)
        if not (await self.get(id)).ativo:
            raise UsuarioJaDesativado
        deactivated = await super().update(id, None, ativo=False)
        await self._end_sessions(id, MotivoRevogacao.DESATIVACAO)
        self.ctx.emit(UsuarioDesativado(id, motivo))
        return deactivated

    async def reactivate(self, id: UUID) -> UserRead:
        """Let the person in again, with the password and roles they had."""
        await self.lock(id)
        if (await self.get(id)).ativo:
            raise UsuarioJaAtivo
        self.ctx.emit(UsuarioReativado(id))
        return await super().update(id, None, ativo=True)

    async def reset_password(self, id: UUID, *, senha_hash: str) -> None:
        """A new password, and the end of every session that the old one opened."""
        await self.lock(id)
        await super().update(id, None, senha_hash=senha_hash, senha_trocada_em=self.ctx.now)
        await self._end_sessions(id, MotivoRevogacao.SENHA_REDEFINIDA)
        self.ctx.emit(SenhaRedefinida(id))

    async def _replace_roles(self, id: UUID, role_ids: list[UUID]) -> None:
        await self._check_roles(role_ids)
        # The new ones first: taking the old ones away asks whether an administrator remains.
        await self.db.run(queries.GIVE_ROLES, user_id=id, role_ids=role_ids)
        await self.db.run(queries.TAKE_OTHER_ROLES, a_user_id=id, role_ids=role_ids)

    async def _check_roles(self, role_ids: Sequence[UUID]) -> None:
        known = set(await self.db.all(queries.KNOWN_ROLES, role_ids=role_ids))
        unknown = [index for index, role_id in enumerate(role_ids) if role_id not in known]
        if unknown:
            raise Unprocessable(errors=[FieldError(f"roleIds[{index}]", "este perfil não existe") for index in unknown])

    async def _check_crmv_of(self, id: UUID, values: Mapping[str, Any]) -> None:
        if values.keys() & {"crmv", "crmv_uf"}:
            current = await self.get(id)
            _check_crmv(values.get("crmv", current.crmv), values.get("crmv_uf", current.crmv_uf))

    async def _end_sessions(self, id: UUID, motivo: MotivoRevogacao) -> None:
        await self.db.run(queries.END_SESSIONS, dono_id=id, now=self.ctx.now, motivo=motivo)


def _check_crmv(crmv: str | None, uf: str | None) -> None:
    """A registration is a number within a state: both or neither."""
    if crmv is not None and uf is None:
        raise Unprocessable(errors=[FieldError("crmvUf", "é obrigatória com o CRMV")])
    if uf is not None and crmv is None:
        raise Unprocessable(errors=[FieldError("crmv", "é obrigatório com a UF")])
