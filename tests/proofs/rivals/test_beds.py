"""One bed, one pet: however many ask at once, one stay gets it."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.cast import Hospital
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.breaks import unlocked
from tests.proofs.rivals.contest import Rival, Told, misspoken, traces, winners, words
from zoapets.modules.internacoes import queries as stay_queries
from zoapets.modules.leitos import queries as bed_queries

EVENTS = {"internar": ["internacao-iniciada"], "admitir": ["paciente-admitido"], "transferir": ["leito-trocado"]}
TAKEN = {wants: {"409 leito-ocupado"} for wants in EVENTS}
STAYING = {"internar": {"409 pet-ja-internado"}}


@dataclass
class Crowd:
    """Pets at the door, pets that wait for a bed, pets that lie in another."""

    ward: str
    at_the_door: list[str]
    waiting: list[str]
    lying: list[str]


async def crowd_of(hospital: Hospital, size: int) -> Crowd:
    tutor, ward = (await hospital.tutor())["id"], (await hospital.ala())["id"]
    pets = [pet["id"] for pet in await asyncio.gather(*(hospital.pet(tutorId=tutor) for _ in range(size)))]
    third = size // 3
    beds = await asyncio.gather(*(hospital.leito(alaId=ward) for _ in range(third)))
    waiting = await asyncio.gather(*(hospital.internacao(petId=pet, leitoId=None) for pet in pets[:third]))
    lying = await asyncio.gather(
        *(hospital.internacao(petId=pet, leitoId=bed["id"]) for pet, bed in zip(pets[third:], beds, strict=False))
    )
    return Crowd(ward, pets[2 * third :], [stay["id"] for stay in waiting], [stay["id"] for stay in lying])


async def for_one_bed(arena: Arena, crowd: Crowd) -> list[str]:
    """Findings of one round: everybody wants a new bed, each in their own way."""
    hospital, vet = arena.hospital, await arena.hospital.signed_in("Veterinário")
    bed = (await hospital.leito(alaId=crowd.ward))["id"]
    to_bed = {"leitoId": bed}
    rivals = [
        *(
            Rival("internar", vet, "POST", "/internacoes", {"petId": pet, "motivo": "Dor"} | to_bed)
            for pet in crowd.at_the_door
        ),
        *(Rival("admitir", vet, "POST", f"/internacoes/{stay}/admitir", to_bed) for stay in crowd.waiting),
        *(
            Rival("transferir", vet, "POST", f"/internacoes/{stay}/transferir", {"motivo": "Perto da porta"} | to_bed)
            for stay in crowd.lying
        ),
    ]
    told = await arena.contest(rivals)
    found = misspoken(told, TAKEN) + await traces(hospital, told, EVENTS)
    won = winners(told)
    if len(won) != 1:
        found.append(f"{len(won)} got the bed: {words(told)}")
    lies = await hospital.sql("select internacao_id from {s}.ocupacoes where leito_id = $1 and fim is null", UUID(bed))
    stays = await hospital.sql("select id from {s}.internacoes where leito_id = $1", UUID(bed))
    expected = [one.answer.json()["id"] for one in won][:1]
    if [str(row["internacao_id"]) for row in lies] != expected or [str(row["id"]) for row in stays] != expected:
        found.append(f"told {expected}, but in the bed are {lies} and {stays}")
    await _make_room(hospital, crowd, won)
    return found


async def _make_room(hospital: Hospital, crowd: Crowd, won: list[Told]) -> None:
    """As it was before: who was at the door is there again, who waited waits again."""
    vet = await hospital.signed_in("Veterinário")
    for one in won:
        if one.rival.wants == "transferir":
            continue
        stay = one.answer.json()
        await vet.post(f"/internacoes/{stay['id']}/alta")
        if one.rival.wants == "admitir":
            crowd.waiting[crowd.waiting.index(stay["id"])] = (
                await hospital.internacao(petId=stay["petId"], leitoId=None)
            )["id"]


async def for_one_pet(arena: Arena) -> list[str]:
    """Findings of one round: one pet is admitted again and again, with a bed each time and without."""
    hospital, vet = arena.hospital, await arena.hospital.signed_in("Veterinário")
    pet, ward = (await hospital.pet())["id"], (await hospital.ala())["id"]
    beds = await asyncio.gather(*(hospital.leito(alaId=ward) for _ in range(RIVALS // 2)))
    places = [bed["id"] for bed in beds] + [None] * (RIVALS - len(beds))
    told = await arena.contest(
        [
            Rival("internar", vet, "POST", "/internacoes", {"petId": pet, "motivo": "Dor", "leitoId": place})
            for place in places
        ]
    )
    found = misspoken(told, STAYING) + await traces(hospital, told, EVENTS)
    won = winners(told)
    if len(won) != 1:
        found.append(f"the pet was admitted {len(won)} times: {words(told)}")
    rows = await hospital.sql("select id, leito_id from {s}.internacoes where pet_id = $1", UUID(pet))
    taken = await hospital.sql("select leito_id from {s}.ocupacoes where pet_id = $1", UUID(pet))
    if [(str(row["id"])) for row in rows] != [one.answer.json()["id"] for one in won]:
        found.append(f"told {words(told)}, but the pet has the stays {rows}")
    if [row["leito_id"] for row in taken] != [row["leito_id"] for row in rows if row["leito_id"] is not None]:
        found.append(f"the stays {rows} have the beds {taken}")
    return found


async def directly(hospital: Hospital, size: int = 8) -> list[str]:
    """Findings where the application is left out: the hospital's own role puts several pets into one bed at once."""
    crowd = await crowd_of(hospital, 3 * size)
    bed = (await hospital.leito(alaId=crowd.ward))["id"]
    stays = await hospital.sql("select id, pet_id from {s}.internacoes where id = any($1)", crowd.waiting)
    line = asyncio.Barrier(len(stays))

    async def lie_down(stay: Any) -> bool:
        connection = await asyncpg.connect(hospital.stage.owner_url)
        try:
            await connection.execute(f"set role {hospital.schema}; set search_path = {hospital.schema}")
            await line.wait()
            await connection.execute(
                "insert into ocupacoes (id, internacao_id, pet_id, leito_id, inicio)"
                " values (gen_random_uuid(), $1, $2, $3, now())",
                stay["id"],
                stay["pet_id"],
                UUID(bed),
            )
        except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError):
            return False
        else:
            return True
        finally:
            await connection.close()

    lie = sum(await asyncio.gather(*(lie_down(stay) for stay in stays)))
    return [] if lie == 1 else [f"{lie} pets lie in one bed"]


async def test_one_bed_goes_to_one_stay(arena: Arena, proof: Ledger) -> None:
    crowd = await crowd_of(arena.hospital, RIVALS)
    found = await arena.rounds(lambda: for_one_bed(arena, crowd))
    assert found == []
    arena.took(proof, "one bed: one of admission, admission from waiting and transfer gets it")


async def test_one_pet_is_admitted_once(arena: Arena, proof: Ledger) -> None:
    found = await arena.rounds(lambda: for_one_pet(arena))
    assert found == []
    arena.took(proof, "one pet: one admission, and the beds of the others stay free")


async def test_the_database_alone_puts_one_pet_into_a_bed(broken: Arena, proof: Ledger) -> None:
    assert await directly(broken.hospital) == []
    proof.shown("one bed: the database alone lets one in", rivals=8)


async def test_the_check_sees_a_bed_without_its_exclusion_constraint(broken: Arena, proof: Ledger) -> None:
    await broken.hospital.sql("alter table {s}.ocupacoes drop constraint ex_ocupacoes_leito")
    found = await directly(broken.hospital)
    assert found == ["8 pets lie in one bed"]
    proof.seen("no exclusion constraint on beds", findings=len(found))


async def test_the_check_sees_a_bed_that_nobody_holds(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broken.hospital.sql("alter table {s}.ocupacoes drop constraint ex_ocupacoes_leito")
    monkeypatch.setattr(bed_queries, "HOLD", unlocked(bed_queries.HOLD))
    crowd = await crowd_of(broken.hospital, RIVALS)
    found = await until_seen("got the bed", lambda: for_one_bed(broken, crowd))
    proof.seen("no exclusion constraint on beds, and no lock on the bed", findings=len(found))


async def test_the_check_sees_a_pet_that_may_stay_twice(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broken.hospital.sql("drop index {s}.uq_internacoes_pet_aberta")
    await broken.hospital.sql("alter table {s}.ocupacoes drop constraint ex_ocupacoes_pet")
    monkeypatch.setattr(stay_queries, "HOLD_PET", unlocked(stay_queries.HOLD_PET))
    found = await until_seen("was admitted", lambda: for_one_pet(broken))
    proof.seen("no unique index on a pet's open stay", findings=len(found))
