"""What no two records may share, for every unique index there is: of many that are made with it at once, one is."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.cast import PASSWORD_HASH, number
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, misspoken, winners, words
from tests.proofs.rivals.records import Records, Unique, uniques
from zoapets.common.errors import Problem
from zoapets.core.owner.provisioning import NewTenant, SlugEmUso, provision

UNIQUE = {unique.name: unique for unique in uniques()}
# Of tables that nobody posts to: what holds them in a race is shown elsewhere.
ELSEWHERE = {
    "uq_administracoes_item_agendada": "doses come with their prescription, or in place of a voided one",
    "uq_administracoes_substitui": "a dose is voided once: test_doses",
}
POSTED = sorted(UNIQUE.keys() - ELSEWHERE.keys())


def told_by(name: str) -> str:
    """What the house says when this index refuses."""
    [problem] = [problem for problem in Problem.all() if problem.constraint == name]
    return f"{problem.status} {problem.slug()}"


async def for_one_value(arena: Arena, records: Records, unique: Unique) -> list[str]:
    """Findings of one round: everybody makes the same record."""
    hospital = arena.hospital
    admin, body = await hospital.signed_in(), await records.body(unique.collection, unique.fields)
    told = await arena.contest([Rival("cadastrar", admin, "POST", unique.collection, body) for _ in range(RIVALS)])
    found = misspoken(told, {"cadastrar": {told_by(unique.name)}})
    if len(winners(told)) != 1:
        found.append(f"{len(winners(told))} records share what {unique.name} is about: {words(told)}")
    left = await hospital.sql(
        "select requisicao_id from {s}.auditoria where requisicao_id = any($1) and tabela = $2",
        [one.request_id for one in told],
        unique.table,
    )
    if [row["requisicao_id"] for row in left] != [one.request_id for one in winners(told)]:
        found.append(f"{len(left)} records were stored: {words(told)}")
    return found


def test_every_unique_index_is_raced_for() -> None:
    assert ELSEWHERE.keys() <= UNIQUE.keys(), "there is no such index any more: strike it out"
    assert len(POSTED) >= 8


@pytest.mark.parametrize("name", POSTED)
async def test_one_of_them_is_made(arena: Arena, proof: Ledger, name: str) -> None:
    records = await Records.of(arena.hospital)
    found = await arena.rounds(lambda: for_one_value(arena, records, UNIQUE[name]))
    assert found == []
    hashing = UNIQUE[name].table == "users"
    arena.took(proof, f"one value of {name}: one record", hashing=hashing)


async def test_one_hospital_is_made_of_a_slug(crowd: Any, proof: Ledger) -> None:
    slug, rivals = f"disputado-{number()}", ledger.pick(3, 8)
    new = NewTenant(
        slug=slug, nome="Disputado", admin_nome="Ana", admin_email="ana@exemplo.com.br", admin_senha_hash=PASSWORD_HASH
    )

    async def make() -> bool:
        connection = await asyncpg.connect(crowd.owner_url)
        try:
            await provision(connection, new)
        except SlugEmUso:
            return False
        else:
            return True
        finally:
            await connection.close()

    made = await asyncio.gather(*(make() for _ in range(rivals)))

    assert made.count(True) == 1
    [row] = await crowd.owner.fetch("select schema_name from public.tenants where slug = $1", slug)
    roles = "select count(*) from pg_roles where rolname = $1"
    assert await crowd.owner.fetchval(roles, row["schema_name"]) == 1
    proof.shown("one slug: one hospital", rivals=rivals)


@pytest.mark.parametrize("name", ["uq_tutores_documento", "uq_pets_microchip"])
async def test_the_check_sees_an_index_that_is_gone(broken: Arena, proof: Ledger, name: str) -> None:
    await broken.hospital.sql(f"drop index {{s}}.{name}")
    records = await Records.of(broken.hospital)
    found = await until_seen("records share", lambda: for_one_value(broken, records, UNIQUE[name]))
    proof.seen(f"no {name}", findings=len(found))
