"""Fills a new hospital, whole or not at all, and moves it to the present when it has stood unused.

`connection` is the owner's, a superuser's, in no transaction.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from zoapets.core.owner.migrations import OWNER_ROLE
from zoapets.demo import animals, bench, catalogue, people, present, treatments, wards
from zoapets.demo.draft import Draft

FILLED = "demo-preenchida"
OWNERS, PETS, ALLERGIC_PATIENTS = 230, 340, 3
EARLIEST_GIVEN_MINUTES = 120
# Younger than this, a demo is left as it is.
FRESH = timedelta(hours=3)
CLINICAL = ("pet_pesos", "internacoes", "ocupacoes", "prescricoes", "prescricao_itens", "administracoes")
LAST_TOUCHED = "select max(em) from auditoria where tabela = any($1) and origem is distinct from 'demo'"


class UnknownSizeError(ValueError):
    """There are two sizes."""


async def is_filled(connection: Any, schema: str) -> bool:
    """Whether `fill_hospital` has been here."""
    async with _inside(connection, schema):
        return await _filled_at(connection) is not None


async def fill_hospital(
    connection: Any,
    schema: str,
    slug: str,
    *,
    size: str,
    now: datetime,
    password_hash: str,
    step: Callable[[str], None],
) -> None:
    """Make up everything in a hospital just provisioned; but for ids, the same for one `slug` and `now`.

    `step` hears what is being made. Everybody signs in with the password of `password_hash`, at `<login>@<slug>.test`.
    UnknownSizeError, LookupError for a schema that is no hospital's.
    """
    if size not in {"demo", "bench"}:
        raise UnknownSizeError(f"size: {size!r} is neither 'demo' nor 'bench'")
    async with _inside(connection, schema) as fuso:
        draft = Draft(slug, now, fuso, Random(slug))  # noqa: S311 - made up, and the same each time
        roles = {row["nome"]: row["id"] for row in await connection.fetch("select id, nome from roles")}
        if size == "bench":
            bench.make_up(draft, roles, password_hash, step)
        else:
            _make_up(draft, roles, password_hash, step)
            await connection.execute(
                "update configuracoes set antecedencia_maxima_minutos = $1, updated_at = $2, versao = versao + 1",
                EARLIEST_GIVEN_MINUTES,
                now,
            )
        draft.add("eventos", em=now, tipo=FILLED, dados=json.dumps({"em": now.isoformat(), "tamanho": size}))
        step("writing")
        await draft.copy(connection)
    step("statistics")
    # The planner must know the tables at the first request. VACUUM is no part of a transaction.
    tables = ", ".join(f"{schema}.{table}" for table, rows in draft.tables.items() if rows)
    await connection.execute(f"vacuum analyze {tables}, {schema}.auditoria")


def _make_up(draft: Draft, roles: dict[str, UUID], password_hash: str, step: Callable[[str], None]) -> None:
    since = people.opened(draft)
    home = draft.rng.choice(catalogue.words().cidades)
    step("staff")
    staff = people.employ(draft, roles, password_hash, home)
    step("owners and pets")
    owners = people.register(draft, OWNERS, home)
    pets = animals.bring(draft, owners, PETS)
    step("formulary")
    drug_ids = catalogue.stock(draft, since=since)
    step("beds and stays")
    house = wards.build(draft, staff, pets, since)
    wards.fill(house)
    staying = [stay.pet for stay in house.stays if stay.is_open and stay.pet.especie in {"canina", "felina"}]
    animals.make_allergic(draft, pets, staff, draft.rng.sample(staying, ALLERGIC_PATIENTS))
    step("prescriptions and doses")
    treatments.treat(draft, staff, house.stays, drug_ids)
    animals.write_weights(draft, pets, staff)


async def refresh(connection: Any, schema: str, *, now: datetime) -> bool:
    """Bring the stays under way to the present: doses are late, due and coming again. Whether anything was moved.

    They are moved by the time in which nobody has touched them, if that is more than three hours. What a person has
    recorded stays recorded, at the moved time; what is over stays where it is.
    """
    async with _inside(connection, schema):
        filled_at = await _filled_at(connection)
        if filled_at is None:
            return False
        touched_at = await connection.fetchval(LAST_TOUCHED, list(CLINICAL))
        idle = now - max(filled_at, touched_at or filled_at)
        if idle <= FRESH:
            return False
        await present.move(connection, idle)
        await connection.execute(
            "insert into eventos (em, tipo, dados) values ($1, $2, jsonb_build_object('em', $3::text))",
            now,
            FILLED,
            now.isoformat(),
        )
    return True


async def _filled_at(connection: Any) -> datetime | None:
    found = await connection.fetchval(
        "select dados->>'em' from eventos where tipo = $1 order by id desc limit 1", FILLED
    )
    return None if found is None else datetime.fromisoformat(found)


@asynccontextmanager
async def _inside(connection: Any, schema: str) -> AsyncIterator[ZoneInfo]:
    """One transaction in a hospital, as its owner; the hospital's zone."""
    fuso = await connection.fetchval("select fuso from public.tenants where schema_name = $1", schema)
    if fuso is None:
        raise LookupError(f"no hospital has the schema {schema!r}")
    async with connection.transaction():
        await connection.execute(
            f"set local role {OWNER_ROLE}; set local search_path = {schema}; set local zoapets.origem = 'demo';"
        )
        yield ZoneInfo(fuso)
