"""The last administrator: removed in every way at once, by people who may, one of them always stays."""

import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.cast import Hospital, Person
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import Arena, until_seen
from tests.proofs.rivals.contest import Rival, misspoken, traces, words

LAST = "409 ultimo-administrador"
REFUSALS = {
    "desativar": {LAST, "409 usuario-ja-desativado"},
    "tirar o perfil": {LAST},
    "esvaziar o perfil": {LAST},
}
EVENTS = {"desativar": ["usuario-desativado"]}
# Each is removed in three ways at once.
ADMINISTRATORS = ledger.pick(5, 21)
REMAINING = """
select count(distinct u.id) as n from {s}.users u join {s}.user_roles ur on ur.user_id = u.id
join {s}.roles r on r.id = ur.role_id
where u.ativo and r.permissoes @> array['users:escrever', 'roles:escrever']
"""
ALL = ["pets:ler", "roles:escrever", "roles:ler", "users:escrever", "users:ler"]


@dataclass
class Staff:
    """Administrators, each by a role of their own, and two who may change people or roles, but not both."""

    administrators: list[tuple[UUID, UUID]]
    plain: str
    of_people: Person
    of_roles: Person


async def staff_of(hospital: Hospital) -> Staff:
    plain = (await hospital.role())["id"]
    one_each = []
    for _ in range(ADMINISTRATORS):
        role = (await hospital.role(permissoes=ALL))["id"]
        person = await hospital.signed_in("Enfermeiro", new=True)
        await hospital.sql("insert into {s}.user_roles values ($1, $2)", person.id, UUID(role))
        one_each.append((person.id, UUID(role)))
    changers = []
    for held in (["users:ler", "users:escrever"], ["roles:ler", "roles:escrever"]):
        name = (await hospital.role(permissoes=held))["nome"]
        changers.append(await hospital.signed_in(name))
    await _restore(hospital, one_each)
    # Nobody else: the administrators that every hospital begins with leave.
    kept = [person for person, _ in one_each] + [changer.id for changer in changers]
    await hospital.sql("update {s}.users set ativo = false where not id = any($1)", kept)
    return Staff(one_each, plain, *changers)


async def _restore(hospital: Hospital, administrators: list[tuple[UUID, UUID]]) -> None:
    people, roles = zip(*administrators, strict=True)
    # In one statement, at whose end an administrator is asked for: there may be none before.
    await hospital.sql(
        "with active as (update {s}.users set ativo = true where id = any($1)),"
        " able as (update {s}.roles set permissoes = $3 where id = any($2))"
        " insert into {s}.user_roles select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing",
        list(people),
        list(roles),
        ALL,
    )


async def for_the_last_one(arena: Arena, staff: Staff, seed: int) -> list[str]:
    """Findings of one round: every administrator is removed in every way, in a random order."""
    hospital = arena.hospital
    rivals = [rival for each in staff.administrators for rival in _removals(staff, *each)]
    random.Random(seed).shuffle(rivals)  # noqa: S311 - an order, not a secret
    told = await arena.contest(rivals)
    found = misspoken(told, REFUSALS) + await traces(hospital, told, EVENTS)
    [row] = await hospital.sql(REMAINING)
    if row["n"] != 1:
        found.append(f"seed {seed}: {row['n']} administrators remain: {words(told)}")
    if not any(one.word == LAST for one in told):
        found.append(f"seed {seed}: nobody was told that it is the last one: {words(told)}")
    await _restore(hospital, staff.administrators)
    return found


def _removals(staff: Staff, person: UUID, role: UUID) -> list[Rival]:
    user = f"/users/{person}"
    return [
        Rival("desativar", staff.of_people, "POST", f"{user}/desativar", {"motivo": "Saiu."}),
        Rival("tirar o perfil", staff.of_people, "PATCH", user, {"roleIds": [staff.plain]}),
        Rival("esvaziar o perfil", staff.of_roles, "PATCH", f"/roles/{role}", {"permissoes": ["pets:ler"]}),
    ]


async def one_staff(arena: Arena) -> Callable[[], Awaitable[list[str]]]:
    """Rounds of one staff, each in another order."""
    staff, seeds = await staff_of(arena.hospital), itertools.count()
    return lambda: for_the_last_one(arena, staff, next(seeds))


async def test_an_administrator_always_remains(arena: Arena, proof: Ledger) -> None:
    assert await arena.rounds(await one_staff(arena)) == []
    arena.took(proof, f"{ADMINISTRATORS} administrators, each removed in three ways: one remains")


async def test_the_check_sees_a_hospital_that_asks_for_no_administrator(broken: Arena, proof: Ledger) -> None:
    for table in ("users", "roles", "user_roles"):
        await broken.hospital.sql(f"drop trigger exigir_administrador on {{s}}.{table}")
    found = await until_seen(" 0 administrators remain", await one_staff(broken))
    proof.seen("no trigger asks for an administrator", findings=len(found))


async def test_the_check_sees_administrators_who_do_not_wait_for_each_other(broken: Arena, proof: Ledger) -> None:
    [row] = await broken.hospital.sql("select pg_get_functiondef('{s}.exigir_administrador'::regproc) as text")
    text: Any = row["text"].replace("perform 1 from configuracoes where id = 1 for update;", "")
    assert text != row["text"]
    await broken.hospital.sql(text)
    found = await until_seen(" 0 administrators remain", await one_staff(broken))
    proof.seen("administrators are counted without a turnstile", findings=len(found))
