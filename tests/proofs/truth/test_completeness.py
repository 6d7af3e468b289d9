"""Completeness: all that was written is in the trail, with what was before and what came after, and nothing else is."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage
from tests.house.test_tables import TRIGGERS, UNAUDITED, table_of
from tests.proofs.ledger import Ledger, pick
from tests.proofs.truth.asks import ELSEWHERE, Asker, Operation, operations
from tests.proofs.truth.replay import TABLES, last_line, lines_since, rows_of, untold
from tests.proofs.truth.writes import run, statement, verbs
from zoapets.migrations.ddl import AUDIT_FUNCTIONS

# Until every operation has written something; a new one that never does is one that this proof does not cover.
MOST_TURNS = 1500


def until_noon() -> timedelta:
    """Midnight is far from every dose, whenever the suite runs."""
    now = datetime.now(UTC)
    return now.replace(hour=15, minute=0, second=0, microsecond=0) - now


async def wander(
    hospital: Hospital, asked: list[Operation], rng: random.Random, *, least: int
) -> tuple[Counter[str], list[str]]:
    """Requests at random, until all have written something and no table is empty.

    How often each has, and what the trail does not tell.
    """
    asker = Asker(hospital, rng)
    await asker.stock()
    done: Counter[str] = Counter()
    faults: list[str] = []
    asker.rows, line = await rows_of(hospital), await last_line(hospital)
    for turn in range(least + MOST_TURNS):
        missing = [operation for operation in asked if not done[operation.name]]
        if turn >= least and not missing and {table for table, _ in asker.rows} == TABLES.keys():
            break
        if turn % 30 == 29:
            await asker.stock()
        operation = rng.choice(missing if missing and rng.random() < 0.7 else asked)
        before = asker.rows
        answer = await asker.ask(operation)
        if answer is None:
            asker.rows = before
            continue
        after, lines = await rows_of(hospital), await lines_since(hospital, line)
        faults += [f"turn {turn}, {operation.name}: {fault}" for fault in untold(before, after, lines)]
        own = [each for each in lines if each["requisicao_id"] == answer.request.headers["x-request-id"]]
        if answer.is_success and after != before:
            done[operation.name] += 1
            who = {each["ator_id"] for each in own}
            # Whoever signs in or refreshes is whose password or token it is.
            if None in who or not (operation.is_public or who == {asker.asked_by and str(asker.asked_by.id)}):
                faults.append(f"turn {turn}, {operation.name}: the trail does not say who did it")
        asker.rows, line = after, lines[-1]["id"] if lines else line
    return done, faults


@dataclass(frozen=True)
class Walk:
    """What came of one walk through a new hospital."""

    hospital: Hospital
    asked: list[Operation]
    done: Counter[str]
    faults: list[str]


@pytest.fixture(scope="module")
async def walks(stage: Stage) -> list[Walk]:
    found = []
    document = (await stage.http.get("/openapi.json")).json()
    asked = [operation for operation in operations(document) if operation.name not in ELSEWHERE]
    assert {operation.name for operation in operations(document)} >= ELSEWHERE, "it exists no longer: strike it out"
    stage.clock.offset = until_noon()
    for seed in range(pick(1, 5)):
        hospital = await stage.hospital()
        done, faults = await wander(hospital, asked, random.Random(seed), least=pick(0, 500))  # noqa: S311 - no secret
        found.append(Walk(hospital, asked, done, [f"seed {seed}, {fault}" for fault in faults]))
    return found


async def test_every_route_that_writes_is_written_down(walks: list[Walk], proof: Ledger) -> None:
    for walk in walks:
        assert walk.faults == []
        assert [operation.name for operation in walk.asked if not walk.done[operation.name]] == []
    proof.shown(
        "every route that writes is in the trail, before and after",
        routes=len(walks[0].asked),
        writes=sum(walk.done.total() for walk in walks),
    )


async def write(
    connection: Any, hospital: Hospital, rng: random.Random, *, least: int
) -> tuple[Counter[str], set[str], list[str]]:
    """Statements at random: how often each verb took, those that never did, and what the trail does not tell."""
    granted = await verbs(hospital)
    taken: Counter[str] = Counter()
    faults: list[str] = []
    before, line = await rows_of(hospital), await last_line(hospital)
    for turn in range(least + MOST_TURNS):
        missing = [verb for verb in granted if not taken[str(verb)]]
        if turn >= least and not missing:
            break
        verb = rng.choice(missing if missing and rng.random() < 0.7 else granted)
        sql = statement(verb, rng)
        if not await run(connection, hospital, sql):
            continue
        taken[str(verb)] += 1
        after, lines = await rows_of(hospital), await lines_since(hospital, line)
        faults += [f"turn {turn}, {sql}: {fault}" for fault in untold(before, after, lines)]
        before, line = after, lines[-1]["id"] if lines else line
    return taken, {str(verb) for verb in granted} - taken.keys(), faults


async def wrong_of(connection: Any, hospital: Hospital, table: str) -> list[str]:
    """What the trail does not tell of updates of one table: of the first that it does not tell."""
    (verb,) = [verb for verb in await verbs(hospital) if str(verb) == f"update {table}"]
    rng = random.Random(2)  # noqa: S311 - no secret
    for _ in range(MOST_TURNS):
        before, line = await rows_of(hospital), await last_line(hospital)
        if await run(connection, hospital, statement(verb, rng)) and (
            faults := untold(before, await rows_of(hospital), await lines_since(hospital, line))
        ):
            return faults
    return []


@pytest.fixture
async def connection(stage: Stage) -> Any:
    connection = await asyncpg.connect(stage.settings.database_url)
    yield connection
    await connection.close()


async def test_every_statement_is_written_down_and_what_is_not_is_seen(
    stage: Stage, walks: list[Walk], connection: Any, proof: Ledger
) -> None:
    hospital = walks[0].hospital

    taken, missing, faults = await write(connection, hospital, random.Random(1), least=pick(0, 1500))  # noqa: S311 - no secret

    assert faults == []
    assert missing == set(NEVER)
    proof.shown(
        "every statement that a hospital's role may run is in the trail", verbs=len(taken), writes=taken.total()
    )

    for broken, sql in BREAKS.items():
        async with stage.owner_lock:
            await stage.owner.execute(
                f"set search_path = {hospital.schema}; {sql.replace('__tenant__', hospital.schema)}"
            )
            await stage.owner.execute("set search_path = public")
        faults = await wrong_of(connection, hospital, "tutores")
        assert faults, broken
        proof.seen(broken, faults=len(faults))
    triggers = await table_of(hospital, TRIGGERS)
    assert [table for table in triggers if len(triggers[table]) < 3 and table not in UNAUDITED] == ["tutores"]


# What a right is there for, and a rule of the table forbids.
NEVER = {"insert configuracoes": "its one row is made with the hospital"}
FORGETFUL = AUDIT_FUNCTIONS.replace("to_jsonb(v) -", "to_jsonb(v) - 'telefone'::text -").replace(
    "to_jsonb(n) -", "to_jsonb(n) - 'telefone'::text -"
)
BREAKS = {
    "a trigger that forgets a column": FORGETFUL,
    "an UPDATE of an id, which the trigger does not match": AUDIT_FUNCTIONS.replace("full join", "join"),
    "a table whose trigger was dropped": f"{AUDIT_FUNCTIONS} drop trigger auditar_alteracao on tutores",
}
