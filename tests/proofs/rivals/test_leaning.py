"""What leans on a record and the record's archiving, at once: it is archived, or something leans on it; never both."""

from itertools import chain, repeat
from typing import Any

import pytest
from sqlalchemy import bindparam, exists

from tests.cast import Hospital, Person, number
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, ROUNDS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, misspoken, traces, winners, words
from tests.proofs.rivals.state import untruths
from zoapets.entities.tutores import Tutor
from zoapets.modules.pets import service

# What is archived, what leans on it and by which field, and what each is told when it comes too late.
LEANING = {
    "pets on a tutor": ("tutor", "/tutores", "/pets", "tutorId", "409 tutor-tem-pets"),
    "wards on a building": ("unidade", "/unidades", "/alas", "unidadeId", "409 unidade-tem-alas"),
    "beds on a ward": ("ala", "/alas", "/leitos", "alaId", "409 ala-tem-leitos"),
    "stays on a pet": ("pet", "/pets", "/internacoes", "petId", "409 pet-internado"),
    "stays on a bed": ("leito", "/leitos", "/internacoes", "leitoId", "409 leito-ocupado"),
}
# Of those, only one stay at a time fits.
FULL = {"stays on a pet": "409 pet-ja-internado", "stays on a bed": "409 leito-ocupado"}
EVENTS = {"pôr": ["internacao-iniciada"]}


async def leaner(hospital: Hospital, child: str, field: str, parent: str) -> dict[str, Any]:
    """A body for something that leans on `parent`."""
    return {field: parent} | {
        "/pets": {"nome": "Rex", "especie": "canina"},
        "/alas": {"nome": f"Ala {number()}"},
        "/leitos": {"codigo": f"L-{number()}"},
        "/internacoes": {"motivo": "Dor"} | ({} if field == "petId" else {"petId": (await hospital.pet())["id"]}),
    }[child]


async def for_one_record(arena: Arena, admin: Person, what: str) -> list[str]:
    """Findings of one round: half of them archive a record, the other half leans something on it."""
    factory, collection, child, field, holds = LEANING[what]
    hospital = arena.hospital
    parent = (await getattr(hospital, factory)())["id"]
    away = Rival("arquivar", admin, "DELETE", f"{collection}/{parent}", {"motivo": "Não se usa mais."})
    lean = [
        Rival("pôr", admin, "POST", child, await leaner(hospital, child, field, parent)) for _ in range(RIVALS // 2)
    ]
    told = await arena.contest(list(chain.from_iterable(zip(repeat(away), lean, strict=False))))
    refused = {"arquivar": {holds, "409 ja-arquivado"}, "pôr": {"422 unprocessable", FULL.get(what, "")}}
    found = misspoken(told, refused)
    found += await traces(hospital, told, EVENTS if child == "/internacoes" else {})
    gone, there = len(winners(told, "arquivar")), len(winners(told, "pôr"))
    if (gone, there > 0) not in {(1, False), (0, True)} or (what in FULL and there > 1):
        found.append(f"archived {gone} times, and {there} lean on it: {words(told)}")
    return found


@pytest.mark.parametrize("what", LEANING)
async def test_it_is_archived_or_leant_on(arena: Arena, proof: Ledger, what: str) -> None:
    admin = await arena.hospital.signed_in()
    found = await arena.rounds(lambda: for_one_record(arena, admin, what), 2 * ROUNDS)
    assert found + await untruths(arena.hospital) == []
    arena.took(proof, f"archiving, and {what}: one or the other")


async def test_the_check_sees_a_tutor_that_nobody_holds(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheld = exists().where(Tutor.id == bindparam("tutor_id"), Tutor.arquivado_em.is_(None))
    monkeypatch.setattr(service, "TUTOR_IS_OPEN", unheld)
    admin = await broken.hospital.signed_in()
    found = await until_seen("lean on it", lambda: for_one_record(broken, admin, "pets on a tutor"))
    assert any("answers for animals" in finding for finding in await untruths(broken.hospital))
    proof.seen("nobody holds the tutor whom they give a pet", findings=len(found))
