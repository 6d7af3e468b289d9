"""`Idempotency-Key`: a request that comes again is not done again, and gets the answer that it got."""

import asyncio

import pytest

from tests.cast import Hospital


async def test_a_repeated_key_waits_for_its_rival_and_answers_the_same(hospital: Hospital) -> None:
    admin = await hospital.signed_in()
    body = {"nome": "Repetida", "telefone": "+5511987654321"}

    answers = await asyncio.gather(*(admin.post("/tutores", body, idempotency_key="uma-vez") for _ in range(6)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5


async def test_a_key_belongs_to_one_person(hospital: Hospital) -> None:
    one, two = await hospital.signed_in("Recepcionista"), await hospital.signed_in("Recepcionista", new=True)
    body = {"nome": "Homônima", "telefone": "+5511987654321"}

    first = await one.post("/tutores", body, idempotency_key="minha")
    second = await two.post("/tutores", body, idempotency_key="minha")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "a b", "\u00e9", "k" * 201])
async def test_a_key_is_of_visible_ascii_as_the_document_says(hospital: Hospital, key: str) -> None:
    admin = await hospital.signed_in()
    headers = [(b"authorization", f"Bearer {admin.token}".encode()), (b"idempotency-key", key.encode("latin-1"))]
    body = {"nome": "X", "telefone": "+5511987654321"}

    answer = await hospital.stage.http.post("/tutores", json=body, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problemas/bad-request")


async def test_a_failed_write_leaves_its_key_free(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    failed = await admin.post("/tutores", {"nome": "X"}, idempotency_key="tentativa")
    mended = await admin.post("/tutores", {"nome": "X", "telefone": "+5511987654321"}, idempotency_key="tentativa")

    assert (failed.status_code, mended.status_code) == (422, 201)


async def test_a_removal_is_repeated_with_its_answer(hospital: Hospital) -> None:
    admin, tutor = await hospital.signed_in(), await hospital.tutor()
    path, reason, key = f"/tutores/{tutor['id']}", {"motivo": "Cadastro em dobro."}, {"idempotency_key": "sem-corpo"}

    first = await admin.delete(path, reason, **key)
    again = await admin.delete(path, reason, **key)

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"
    assert "etag" not in again.headers
