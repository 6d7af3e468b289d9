"""Names in every script are found by themselves, and what is a wildcard elsewhere is a letter here."""

import pytest

from tests.cast import Hospital
from tests.proofs.input.values import TEXTS
from tests.proofs.ledger import Ledger


async def found(hospital: Hospital, text: str) -> set[str]:
    admin = await hospital.signed_in()
    answer = await admin.get("/tutores", busca=text, limit=100)
    assert answer.status_code == 200, answer.text
    return {each["nome"] for each in answer.json()["data"]}


async def test_every_name_that_is_taken_is_read_back_and_found_as_it_is(target: Hospital, proof: Ledger) -> None:
    for name in TEXTS.values():
        made = await target.tutor(nome=name)
        assert made["nome"] == name

    lost = [name for name in TEXTS.values() if name not in await found(target, name)]

    assert lost == []
    proof.shown("names in every script are kept as they came and found by themselves", names=len(TEXTS))


@pytest.mark.parametrize("letter", ["%", "_", "\\"])
async def test_a_wildcard_is_a_letter(target: Hospital, letter: str) -> None:
    for name in ("Ana", "100%", "a_b", "c:\\d"):
        await target.tutor(nome=name)

    assert await found(target, letter) == {name for name in ("100%", "a_b", "c:\\d") if letter in name}


async def test_accents_and_cases_do_not_matter_and_neither_does_the_turkish_i(target: Hospital) -> None:
    for name in ("José", "JOSE", "joSÉ", "\u0130pek", "ipek", "IPEK"):
        await target.tutor(nome=name)

    assert await found(target, "jose") == {"José", "JOSE", "joSÉ"}
    assert await found(target, "ipek") == {"\u0130pek", "ipek", "IPEK"}
