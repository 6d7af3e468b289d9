"""The owner's verbs on hospitals, for the command line: make, list, suspend, compare.

Those who run the installation over the API have `core/registry.py`, with the rights of the serving role.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from zoapets.common import documents
from zoapets.core.owner.catalog import CatalogLine, catalog
from zoapets.core.owner.migrations import OWNER_ROLE
from zoapets.core.owner.provisioning import PLATFORM_SLUG, NewTenant, Registration, SlugEmUso, provision
from zoapets.entities.shared import TenantStatus, TenantTipo

# As the registry's own CHECK.
SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")
LONGEST_NAME = 200

R = TypeVar("R", bound=Registration)


class RefusedError(Exception):
    """What was asked cannot be done, and nothing was; `reasons` says why."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class HospitalRow(msgspec.Struct, frozen=True):
    """A tenant as its owner sees it. `revisao`: the newest migration its schema has."""

    id: UUID
    slug: str
    nome: str
    tipo: TenantTipo
    status: TenantStatus
    schema_name: str
    fuso: str
    cnpj: str | None
    revisao: str | None
    created_at: datetime


_ROW = f"select {', '.join(HospitalRow.__struct_fields__)} from public.tenants"  # noqa: S608 - names of ours


async def hospitals(connection: Any) -> list[HospitalRow]:
    """Every tenant, the platform's own too, by slug."""
    return [_row(found) for found in await connection.fetch(f"{_ROW} order by slug")]


async def find(connection: Any, reference: str) -> HospitalRow:
    """The tenant of this slug or id. RefusedError when there is none."""
    found = await connection.fetchrow(f"{_ROW} where slug = $1 or id::text = $1", reference.strip().lower())
    if found is None:
        raise RefusedError(f"there is no hospital {reference!r}: see zoapets tenants list")
    return _row(found)


async def create(connection: Any, new: NewTenant) -> HospitalRow:
    """A new hospital, whole or not at all. RefusedError names every unfit value at once."""
    new, reasons = await registrable(connection, new)
    if not 1 <= len(new.admin_nome.strip()) <= LONGEST_NAME or not new.admin_nome.isprintable():
        reasons.append(f"admin-nome: must be 1 to {LONGEST_NAME} characters")
    try:
        new = replace(new, admin_nome=new.admin_nome.strip(), admin_email=documents.email(new.admin_email))
    except ValueError as error:
        reasons.append(f"admin-email: {error}")
    if reasons:
        raise RefusedError(*reasons)
    with slug_taken(new.slug):
        await provision(connection, new)
    return await find(connection, new.slug)


async def registrable(connection: Any, new: R) -> tuple[R, list[str]]:
    """`new` in its normal form, and every reason for which the registry cannot take it."""
    reasons: list[str] = []
    if not SLUG.fullmatch(new.slug):
        reasons.append(f"slug: {new.slug!r} must be 2 to 40 lower case letters, digits and -, the first a letter")
    elif new.slug == PLATFORM_SLUG and not new.platform:
        reasons.append(f"slug: {PLATFORM_SLUG!r} is the platform's: add --platform")
    if not 1 <= len(new.nome.strip()) <= LONGEST_NAME or not new.nome.isprintable():
        reasons.append(f"nome: must be 1 to {LONGEST_NAME} characters")
    cnpj = new.cnpj
    try:
        cnpj = documents.cnpj(new.cnpj) if new.cnpj else None
    except ValueError as error:
        reasons.append(f"cnpj: {error}")
    try:
        ZoneInfo(new.fuso)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reasons.append(f"fuso: {new.fuso!r} is no time zone, such as America/Sao_Paulo")
    if not await connection.fetchval("select count(*) from public.plans where codigo = $1", new.plano):
        plans = await connection.fetchval("select string_agg(codigo, ', ' order by codigo) from public.plans")
        reasons.append(f"plano: {new.plano!r} is none of {plans}")
    if new.platform and (
        platform := await connection.fetchval("select slug from public.tenants where tipo = $1", "plataforma")
    ):
        reasons.append(f"platform: there is one already, {platform!r}")
    return replace(new, nome=new.nome.strip(), cnpj=cnpj), reasons


@contextmanager
def slug_taken(slug: str) -> Iterator[None]:
    """Says that the slug is another's, where the database does."""
    try:
        yield
    except SlugEmUso as error:
        raise RefusedError(f"slug: {slug!r} is taken") from error


async def set_status(connection: Any, hospital: HospitalRow, status: TenantStatus, now: datetime) -> bool:
    """Suspend a hospital or let it in again; False when it was so already. RefusedError for the platform."""
    if hospital.tipo is TenantTipo.PLATAFORMA:
        raise RefusedError("the platform's own tenant cannot be suspended")
    done = await connection.fetchval(
        "update public.tenants set status = $2, updated_at = $3 where id = $1 and status <> $2 returning true",
        hospital.id,
        status.value,
        now,
    )
    return done is not None


class Drift(msgspec.Struct, frozen=True):
    """Where a hospital's schema is not what this version's migrations make: what it lacks, what it has besides."""

    slug: str
    schema: str
    revisao: str | None
    missing: list[str]
    extra: list[str]

    @property
    def is_equal(self) -> bool:
        return not self.missing and not self.extra


async def drifts(connection: Any) -> AsyncIterator[Drift]:
    """Every tenant's schema, compared with a new hospital's, which is made for the moment and rolled back."""
    wanted = await _wanted(connection)
    # What is in the search_path would be written without its schema.
    await connection.execute("set search_path = pg_catalog")
    for hospital in await hospitals(connection):
        found = await catalog(connection, hospital.schema_name)
        missing, extra = _lines(wanted - found), _lines(found - wanted)
        yield Drift(hospital.slug, hospital.schema_name, hospital.revisao, missing, extra)


@asynccontextmanager
async def acting(connection: Any, hospital: HospitalRow) -> AsyncIterator[None]:
    """One transaction inside a hospital, as its owner; the audit says that it came from the command line."""
    async with connection.transaction():
        await connection.execute(
            f"set local role {OWNER_ROLE}; set local search_path = {hospital.schema_name}; "
            "set local zoapets.origem = 'cli';"
        )
        yield


async def _wanted(connection: Any) -> frozenset[CatalogLine]:
    draft = connection.transaction()
    await draft.start()
    try:
        slug = f"rascunho-{secrets.token_hex(6)}"
        new = NewTenant(slug=slug, nome=slug, admin_nome=slug, admin_email=f"{slug}@zoapets.test", admin_senha_hash="-")
        await provision(connection, new)
        await connection.execute("reset role; set local search_path = pg_catalog")
        return await catalog(connection, (await find(connection, slug)).schema_name)
    finally:
        await draft.rollback()


def _row(found: Any) -> HospitalRow:
    return msgspec.convert(dict(found), HospitalRow)


def _lines(lines: frozenset[CatalogLine]) -> list[str]:
    return sorted(f"{line.kind} {line.text}" for line in lines)
