"""The owner's verbs on people, for the command line: the first ones of a hospital, and those who are locked out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from zoapets.common import documents
from zoapets.common.ids import new_id
from zoapets.core.auth.attempts import email_key
from zoapets.core.owner.hospitals import LONGEST_NAME, HospitalRow, RefusedError, acting
from zoapets.entities.users import MotivoRevogacao


class PersonRow(msgspec.Struct, frozen=True):
    """Somebody of a hospital, as these verbs left them; `sessions_ended` counts those that a reset closed."""

    id: UUID
    email: str
    nome: str
    ativo: bool
    roles: list[str]
    sessions_ended: int = 0


async def create_user(
    connection: Any, hospital: HospitalRow, *, email: str, nome: str, roles: Sequence[str], senha_hash: str
) -> PersonRow:
    """A new person with these roles, named without regard to case and accents.

    Raises:
        RefusedError: an unfit value, an unknown role, or the e-mail is somebody's here.
    """
    address = _email(email)
    if not 1 <= len(nome.strip()) <= LONGEST_NAME or not nome.isprintable():
        raise RefusedError(f"nome: must be 1 to {LONGEST_NAME} characters")
    user_id = new_id()
    try:
        async with acting(connection, hospital):
            found = await _roles(connection, roles)
            await connection.execute(
                "insert into users (id, nome, email, senha_hash) values ($1, $2, $3, $4)",
                user_id,
                nome.strip(),
                address,
                senha_hash,
            )
            await connection.execute(
                "insert into user_roles (user_id, role_id) select $1, unnest($2::uuid[])", user_id, list(found)
            )
    except asyncpg.UniqueViolationError as error:
        raise RefusedError(f"email: {hospital.slug} has a user {address} already") from error
    return PersonRow(user_id, address, nome.strip(), True, sorted(found.values()))


async def reset_password(
    connection: Any, hospital: HospitalRow, email: str, *, senha_hash: str, now: datetime
) -> PersonRow:
    """A new password, the end of every session the old one opened, and no more waiting after failed logins.

    Raises:
        RefusedError: nobody has this e-mail here.
    """
    address = _email(email)
    async with acting(connection, hospital):
        person = await connection.fetchrow(
            "update users set senha_hash = $2, senha_trocada_em = $3, updated_at = $3, versao = versao + 1"
            " where lower(email) = $1 returning id, nome, ativo",
            address,
            senha_hash,
            now,
        )
        if person is None:
            raise RefusedError(f"email: {hospital.slug} has no user {address}")
        ended = await connection.fetch(
            "update sessoes set revogada_em = $2, motivo_revogacao = $3"
            " where user_id = $1 and revogada_em is null and expira_em > $2 returning id",
            person["id"],
            now,
            MotivoRevogacao.SENHA_REDEFINIDA.value,
        )
        roles = await connection.fetch(
            "select r.nome from roles r join user_roles ur on ur.role_id = r.id where ur.user_id = $1 order by 1",
            person["id"],
        )
        await connection.execute("delete from public.login_attempts where chave = $1", email_key(address))
    return PersonRow(person["id"], address, person["nome"], person["ativo"], [row["nome"] for row in roles], len(ended))


async def _roles(connection: Any, names: Sequence[str]) -> dict[UUID, str]:
    """The roles of these names, by id."""
    rows = await connection.fetch("select id, nome, ext.normalizar(nome) as plain from roles order by nome")
    asked = await connection.fetch(
        "select name, ext.normalizar(name) as plain from unnest($1::text[]) as name", list(names)
    )
    by_name = {row["plain"]: row for row in rows}
    unknown = [row["name"] for row in asked if row["plain"] not in by_name]
    if unknown or not asked:
        raise RefusedError(
            f"role: {', '.join(unknown) or 'none given'}; there are {', '.join(row['nome'] for row in rows)}"
        )
    return {by_name[row["plain"]]["id"]: by_name[row["plain"]]["nome"] for row in asked}


def _email(text: str) -> str:
    try:
        return documents.email(text)
    except ValueError as error:
        raise RefusedError(f"email: {error}") from error
