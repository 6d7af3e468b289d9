"""One edit: of many that name the same version one is made; and no acknowledged edit is ever lost."""

import asyncio
import functools
import random
from typing import Any
from uuid import UUID

import pytest

from tests.cast import Hospital, Person
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, misspoken, traces, winners, words
from tests.proofs.rivals.records import Records
from zoapets.core import http

STALE = {"editar": {"412 precondition-failed"}}
WRITERS = ledger.pick(8, 32)
EDITS = ledger.pick(2, 8)
# There is one from a hospital's first day, so nobody posts to it.
SINGLE = "/configuracoes"


def edit_of(records: Records, path: str) -> tuple[str, Any]:
    """A field that may be edited there, the first that is text or a number of its own, and a value of it."""
    example, schema = records.example("patch", path)
    for name, value in example.items():
        free = "$ref" not in schema["properties"][name] and not name.endswith("Id")
        if free and isinstance(value, str | int) and not isinstance(value, bool):
            return name, value
    raise AssertionError(f"{path}: nothing to edit in {example}")


def variant(value: Any, n: int) -> Any:
    return f"{value} {n}" if isinstance(value, str) else value + n


async def for_one_version(arena: Arena, admin: Person, path: str, field: str, value: Any) -> list[str]:
    """Findings of one round: everybody edits the version that they have read."""
    before = (await admin.get(path)).json()
    etag = {"if_match": f'"{before["versao"]}"'}
    told = await arena.contest(
        [Rival("editar", admin, "PATCH", path, {field: variant(value, n)}, etag) for n in range(RIVALS)]
    )
    found = misspoken(told, STALE) + await traces(arena.hospital, told, {})
    won = winners(told)
    if len(won) != 1:
        found.append(f"{path}: {len(won)} have edited one version: {words(told)}")
    after = (await admin.get(path)).json()
    if (after["versao"], after[field]) != (before["versao"] + 1, won[0].rival.body[field] if won else None):
        found.append(f"{path}: version {before['versao']} became {after['versao']} with {after[field]!r}")
    return found


async def test_one_edit_of_a_version_is_made_of_every_kind_of_record(arena: Arena, proof: Ledger) -> None:
    records, admin = await Records.of(arena.hospital), await arena.hospital.signed_in()
    collections = [*records.collections("patch", "*/{id}"), SINGLE]
    found = []
    for collection in collections:
        single = collection == SINGLE
        path = collection if single else f"{collection}/{(await records.make(collection))['id']}"
        field, value = edit_of(records, collection if single else f"{collection}/{{id}}")
        found += await arena.rounds(
            functools.partial(for_one_version, arena, admin, path, field, value), ledger.pick(1, 3)
        )
    assert found == []
    assert len(collections) >= 10
    arena.took(proof, f"one edit with If-Match, of {len(collections)} kinds of records: one is made")


async def test_one_edit_of_a_version_is_made_again_and_again(arena: Arena, proof: Ledger) -> None:
    admin, pet = await arena.hospital.signed_in(), await arena.hospital.pet()
    path = f"/pets/{pet['id']}"
    found = await arena.rounds(lambda: for_one_version(arena, admin, path, "observacoes", "Dócil"))
    assert found == []
    arena.took(proof, "one edit of a pet with If-Match: one is made")


# --- no acknowledged edit is lost


async def count_up(admin: Person, path: str, chance: random.Random) -> tuple[int, int, list[str]]:
    """Read a number and write the next, guarded, until `EDITS` were acknowledged: those, the stale, and what else."""
    acknowledged, stale, found = 0, 0, list[str]()
    while acknowledged < EDITS and not found:
        read = await admin.get(path)
        await asyncio.sleep(chance.random() / 100)
        following = {"observacoes": str(int(read.json()["observacoes"]) + 1)}
        answer = await admin.patch(path, following, if_match=read.headers["etag"])
        acknowledged += answer.status_code == 200
        stale += answer.status_code == 412
        if answer.status_code not in {200, 412}:
            found.append(f"{answer.status_code} {answer.text}")
    return acknowledged, stale, found


async def counted(hospital: Hospital, collection: str, record: dict[str, Any], seed: int) -> tuple[list[str], int, int]:
    """Findings where many count up in one record; and how many edits were acknowledged, how many stale."""
    path, admin = f"{collection}/{record['id']}", await hospital.signed_in()
    await admin.patch(path, {"observacoes": "0"})
    start = (await admin.get(path)).json()["versao"]
    ran = await asyncio.gather(*(count_up(admin, path, random.Random(seed + n)) for n in range(WRITERS)))  # noqa: S311 - a seed
    acknowledged, stale = sum(one[0] for one in ran), sum(one[1] for one in ran)
    found = [finding for one in ran for finding in one[2]]
    after = (await admin.get(path)).json()
    if (int(after["observacoes"]), after["versao"] - start) != (acknowledged, acknowledged):
        found.append(
            f"seed {seed}: {acknowledged} edits were acknowledged, {after['observacoes']} are there,"
            f" {after['versao'] - start} versions"
        )
    return found, acknowledged, stale


async def test_no_acknowledged_edit_is_lost(arena: Arena, proof: Ledger) -> None:
    for seed, (collection, record) in enumerate(
        {"/pets": await arena.hospital.pet(), "/tutores": await arena.hospital.tutor()}.items()
    ):
        found, acknowledged, stale = await counted(arena.hospital, collection, record, seed)
        assert found == []
        proof.shown(
            f"lost updates in {collection}, {arena.name}: none", writers=WRITERS, acknowledged=acknowledged, stale=stale
        )


async def test_without_if_match_two_people_keep_their_fields(arena: Arena, proof: Ledger) -> None:
    hospital, tutor = arena.hospital, await arena.hospital.tutor()
    admin, path = await hospital.signed_in(), f"/tutores/{tutor['id']}"
    fields = ("endereco", "bairro", "cidade", "observacoes")

    async def write(field: str) -> list[int]:
        return [(await admin.patch(path, {field: f"{field} {n}"})).status_code for n in range(EDITS)]

    said = [status for one in await asyncio.gather(*map(write, fields)) for status in one]

    after = (await admin.get(path)).json()
    assert said == [200] * EDITS * len(fields)
    assert {field: after[field] for field in fields} == {field: f"{field} {EDITS - 1}" for field in fields}
    assert after["versao"] == 1 + len(said)
    rows = await hospital.sql(
        "select count(*) as n from {s}.auditoria where registro_id = $1 and acao = 'alterar'", str(UUID(tutor["id"]))
    )
    assert rows[0]["n"] == len(said)
    proof.shown(f"edits of different fields without If-Match, {arena.name}: all survive", edits=len(said))


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at `If-Match`."""
    monkeypatch.setattr(http, "_expected_version", lambda *_: None)


@pytest.mark.usefixtures("unguarded")
async def test_the_check_sees_if_match_ignored(broken: Arena, proof: Ledger) -> None:
    admin, pet = await broken.hospital.signed_in(), await broken.hospital.pet()
    found = await until_seen(
        "have edited one version",
        lambda: for_one_version(broken, admin, f"/pets/{pet['id']}", "observacoes", "Dócil"),
    )
    proof.seen("If-Match is ignored", findings=len(found))


@pytest.mark.usefixtures("unguarded")
async def test_the_count_sees_edits_that_are_lost(broken: Arena, proof: Ledger) -> None:
    found, acknowledged, _ = await counted(broken.hospital, "/pets", await broken.hospital.pet(), 0)
    assert any("were acknowledged" in finding for finding in found), found
    proof.seen("If-Match is ignored: lost updates", acknowledged=acknowledged)
