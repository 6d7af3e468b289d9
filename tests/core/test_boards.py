"""Boards: made once a second, shown to everybody, and never older than what the hospital was told is stored."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.cast import Hospital, Person, Stage
from zoapets.app import create_app
from zoapets.core.boards import KEPT, Boards
from zoapets.core.cache import AwayError, Cache
from zoapets.core.statements import Query
from zoapets.modules.administracoes import queries
from zoapets.modules.administracoes.service import AdministracoesService

PANEL = "/administracoes/painel-enfermagem"


@pytest.fixture
async def nurse(new_hospital: Hospital) -> Person:
    return await new_hospital.signed_in("Enfermeiro")


class Still:
    """A clock that stands still until it is moved."""

    def __init__(self, stage: Stage) -> None:
        self.at = stage.now

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def still(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Still:
    clock = Still(stage)
    monkeypatch.setattr(stage.clock, "now", clock.now)
    return clock


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one whenever the panel is made from the database."""
    made: list[object] = []
    panel = AdministracoesService.panel

    async def counted(self: AdministracoesService, **asked: Any) -> Any:
        made.append(asked)
        return await panel(self, **asked)

    monkeypatch.setattr(AdministracoesService, "panel", counted)
    return made


async def dose(hospital: Hospital) -> str:
    """The id of a dose that is due now."""
    stay = await hospital.internacao()
    item = {
        "medicamentoId": (await hospital.medicamento())["id"],
        "dose": 25,
        "unidade": "mg",
        "via": "IV",
        "frequenciaHoras": 24,
        "duracaoDias": 1,
        "inicio": hospital.stage.now.isoformat(),
    }
    await hospital.made(
        "/prescricoes", {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item]}
    )
    ((found,),) = await hospital.sql("select id from {s}.administracoes where internacao_id = $1", stay["id"])
    return str(found)


@asynccontextmanager
async def second_worker(stage: Stage, **changed: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Another process, as far as anything but the process goes: its own pool, its own memory, the same servers."""
    app = create_app(replace(stage.settings, **changed), stage.clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.litestar.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://zoapets.test") as http:
        yield http


@pytest.mark.usefixtures("still")
async def test_screens_that_ask_within_a_second_are_shown_one_board(nurse: Person, made: list[object]) -> None:
    answers = await asyncio.gather(*(nurse.get(PANEL) for _ in range(20)))
    again = await nurse.get(PANEL)

    assert len(made) == 1
    assert {answer.content for answer in answers} == {again.content}


async def test_a_board_is_shown_for_a_second_and_made_anew_after_it(
    nurse: Person, made: list[object], still: Still
) -> None:
    await nurse.get(PANEL)

    still.at += KEPT - timedelta(milliseconds=1)
    await nurse.get(PANEL)
    kept = len(made)
    still.at += timedelta(milliseconds=1)
    await nurse.get(PANEL)

    assert (kept, len(made)) == (1, 2)


async def test_who_has_the_board_already_is_told_so(nurse: Person) -> None:
    first = await nurse.get(PANEL)

    again = await nurse.call("GET", PANEL, if_none_match=f'"other", W/{first.headers["etag"]}')
    other = await nurse.call("GET", PANEL, if_none_match='"other"')

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.status_code == 200


async def test_boards_of_other_questions_are_other_boards(new_hospital: Hospital, nurse: Person) -> None:
    await dose(new_hospital)
    ward = await new_hospital.ala()

    everywhere, there = await nurse.get(PANEL), await nurse.get(PANEL, alaId=ward["id"])

    assert len(everywhere.json()["pendentes"]) == 1
    assert there.json()["pendentes"] == []


@pytest.mark.usefixtures("still")
async def test_no_hospital_is_shown_anothers_board(hospital: Hospital, other_hospital: Hospital) -> None:
    due = await dose(hospital)
    here, there = await hospital.signed_in(), await other_hospital.signed_in()

    assert due in (await here.get(PANEL)).text
    assert due not in (await there.get(PANEL)).text


async def test_no_worker_shows_a_board_from_before_an_acknowledged_write(new_hospital: Hospital, nurse: Person) -> None:
    due, headers = await dose(new_hospital), {"authorization": f"Bearer {nurse.token}"}
    async with second_worker(new_hospital.stage) as elsewhere:
        for _ in range(3):
            assert due in (await elsewhere.get(PANEL, headers=headers)).text
        await nurse.patch(f"/administracoes/{due}/realizar")
        there = (await elsewhere.get(PANEL, headers=headers)).json()
        here = (await nurse.get(PANEL)).json()

    assert (there["pendentes"], here["pendentes"]) == ([], [])
    assert there["estatisticas"]["realizadas"] == 1


async def test_a_board_that_was_being_made_when_the_write_came_is_not_shown_after_it(
    new_hospital: Hospital, nurse: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has read, and stores what it read only after the write was acknowledged."""
    due = await dose(new_hospital)
    has_read, may_store = asyncio.Event(), asyncio.Event()
    keep = Boards._keep

    async def slowly(self: Boards, key: str, made: Any) -> None:
        has_read.set()
        await may_store.wait()
        await keep(self, key, made)

    monkeypatch.setattr(Boards, "_keep", slowly)
    reading = asyncio.create_task(nurse.get(PANEL))
    await has_read.wait()
    await nurse.patch(f"/administracoes/{due}/realizar")
    may_store.set()
    await reading

    assert due in (await reading).text
    assert (await nurse.get(PANEL)).json()["pendentes"] == []


@pytest.mark.usefixtures("still")
async def test_whoever_waited_for_a_board_that_was_given_up_makes_it(
    nurse: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, keep = asyncio.Event(), Boards._kept_elsewhere
    first = True

    async def stuck(self: Boards, key: str, token: bytes, now: Any) -> Any:
        nonlocal first
        if first:
            first = False
            begun.set()
            await asyncio.Event().wait()
        return await keep(self, key, token, now)

    monkeypatch.setattr(Boards, "_kept_elsewhere", stuck)
    leader = asyncio.create_task(nurse.get(PANEL))
    await begun.wait()
    follower = asyncio.create_task(nurse.get(PANEL))
    await asyncio.sleep(0)
    leader.cancel()

    assert (await follower).status_code == 200


async def test_without_valkey_every_screen_gets_a_board_of_its_own(new_hospital: Hospital, nurse: Person) -> None:
    due, headers = await dose(new_hospital), {"authorization": f"Bearer {nurse.token}"}
    async with second_worker(new_hospital.stage, redis_url="unix:///nowhere/valkey.sock") as alone:
        before = await alone.get(PANEL, headers=headers)
        given = await alone.patch(f"/administracoes/{due}/realizar", headers=headers)
        after = await alone.get(PANEL, headers=headers)

    assert (before.status_code, given.status_code, after.status_code) == (200, 200, 200)
    assert (len(before.json()["pendentes"]), len(after.json()["pendentes"])) == (1, 0)


async def test_a_write_that_valkey_did_not_hear_of_is_told_before_boards_are_kept_again(
    new_hospital: Hospital, nurse: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, boards = await dose(new_hospital), new_hospital.stage.runtime.boards
    await nurse.get(PANEL)

    async def away(*_: Any, **__: Any) -> Any:
        raise AwayError

    with monkeypatch.context() as patch:
        patch.setattr(boards._cache, "put", away)
        await nurse.patch(f"/administracoes/{due}/realizar")

    assert (await nurse.get(PANEL)).json()["pendentes"] == []


async def test_a_board_that_cannot_be_made_is_an_error_for_each_who_asked(
    nurse: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(AdministracoesService, "panel", broken)

    answers = await asyncio.gather(*(nurse.get(PANEL) for _ in range(5)))

    assert [answer.status_code for answer in answers] == [500] * 5


def test_what_the_panel_shows_changes_it() -> None:
    statements: list[Query[Any]] = [queries.due(by_ward=True, by_bed=True), queries.ITEMS, queries.PRESCRIPTIONS]
    statements.append(queries.day(by_ward=True, by_bed=True))
    shown = {table for found in statements for table in re.findall(r"\b(?:FROM|JOIN) ([a-z_]+)\b", found.sql)}

    assert shown <= queries.PANEL.changed
    # How late a dose is depends on what the hospital decided.
    assert queries.PANEL.changed - shown == {"configuracoes"}
    assert queries.PANEL.added < queries.PANEL.changed


async def test_a_board_that_cannot_be_kept_is_shown_all_the_same(
    nurse: Person, made: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Cache.put

    async def forgetful(self: Cache, key: str, value: bytes, **options: Any) -> bool:
        if key.endswith((":estado", ":making")):
            return await put(self, key, value, **options)
        raise AwayError

    monkeypatch.setattr(Cache, "put", forgetful)

    assert (await nurse.get(PANEL)).status_code == 200
    assert len(made) == 1
