"""Tampering: whatever the owner of the database changes behind the seals, the first broken row is named."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage, seal_all
from tests.proofs.ledger import Ledger, pick
from zoapets.core.owner.audit import _BODY, _TEXT, Verdict, verify
from zoapets.core.owner.seals import Wrong
from zoapets.entities.registros import Auditoria

SEALS, ROWS = 12, 15
# What an attacker would change for its own sake; the time and the actor are kinds of their own.
VALUES = [
    column.name for column in Auditoria.__table__.columns if column.name not in {"id", "transacao", "em", "ator_id"}
]
OTHER_VALUE = {
    "registros": "registros || '{x}'::text[]",
    "antes": "coalesce(antes, '{}') || '{\"x\": 1}'",
    "depois": "coalesce(depois, '{}') || '{\"x\": 1}'",
}


@dataclass(frozen=True)
class Trail:
    """A sealed trail: each seal's rows, in the chain's order, the last hash, and the transaction where it ends."""

    connection: Any
    schema: str
    seals: list[list[int]]
    head: str
    end: int

    def seal_of(self, row: int) -> int:
        return next(at for at, rows in enumerate(self.seals, start=1) if row in rows)


@dataclass(frozen=True)
class Place:
    """What is to be named: the row, or the seal whose first row is; and as what."""

    row: int | None
    seal: int
    wrong: Wrong


@pytest.fixture(scope="module")
async def trail(stage: Stage) -> AsyncIterator[Trail]:
    hospital: Hospital = await stage.hospital()
    connection = await asyncpg.connect(stage.owner_url)
    schema = hospital.schema
    await connection.execute(f"set search_path = {schema}")
    await connection.execute("select selar_auditoria()")
    for seal in range(SEALS):
        for row in range(ROWS):
            await connection.execute(
                "insert into tutores (id, nome, telefone) values (gen_random_uuid(), $1, '1')", f"Tutor {seal} {row}"
            )
            await connection.execute("update tutores set nome = nome || '.' where nome = $1", f"Tutor {seal} {row}")
        await seal_all(connection)
    for _ in range(2):
        # Life goes on.
        await connection.execute("select pg_current_xact_id()")
    found = await connection.fetch("select resumos, hash, ate_transacao from auditoria_selos order by numero")
    seals = [
        [int.from_bytes(row["resumos"][at : at + 8], "big") for at in range(0, len(row["resumos"]), 40)]
        for row in found
    ]
    yield Trail(connection, schema, seals, found[-1]["hash"].hex(), found[-1]["ate_transacao"])
    await connection.close()


async def judged(trail: Trail) -> Verdict:
    return await verify(trail.connection, trail.schema, head=trail.head)


Tamper = Callable[[Trail, random.Random], Awaitable[Place]]


def any_row(trail: Trail, rng: random.Random) -> int:
    return rng.choice(rng.choice(trail.seals))


async def a_value(trail: Trail, rng: random.Random) -> Place:
    row, column = any_row(trail, rng), rng.choice(VALUES)
    value = OTHER_VALUE.get(column, f"coalesce({column}, '') || 'x'")
    await trail.connection.execute(f"update auditoria set {column} = {value} where id = $1", row)  # noqa: S608 - names of ours
    return Place(row, trail.seal_of(row), Wrong.CHANGED)


async def the_actor(trail: Trail, rng: random.Random) -> Place:
    row = any_row(trail, rng)
    await trail.connection.execute("update auditoria set ator_id = gen_random_uuid() where id = $1", row)
    return Place(row, trail.seal_of(row), Wrong.CHANGED)


async def the_time(trail: Trail, rng: random.Random) -> Place:
    row, by = any_row(trail, rng), rng.choice(["-1 hour", "1 microsecond", "-3 years", "infinity"])
    value = "'infinity'" if by == "infinity" else f"em + interval '{by}'"
    await trail.connection.execute(f"update auditoria set em = {value} where id = $1", row)  # noqa: S608 - as above
    return Place(row, trail.seal_of(row), Wrong.CHANGED)


async def a_row_deleted(trail: Trail, rng: random.Random) -> Place:
    row = any_row(trail, rng)
    await trail.connection.execute("delete from auditoria where id = $1", row)
    return Place(row, trail.seal_of(row), Wrong.MISSING)


async def the_last_rows_deleted(trail: Trail, rng: random.Random) -> Place:
    rows = [row for seal in trail.seals for row in seal][-rng.randint(1, 40) :]
    await trail.connection.execute("delete from auditoria where id = any($1::bigint[])", rows)
    if rng.random() < 0.5:
        return Place(rows[0], trail.seal_of(rows[0]), Wrong.MISSING)
    # Together with the seals that held them: only the hash that was noted tells.
    first = trail.seal_of(rows[0])
    gone = [row for seal in trail.seals[first - 1 :] for row in seal]
    await trail.connection.execute("delete from auditoria_selos where numero >= $1", first)
    await trail.connection.execute("delete from auditoria where id = any($1::bigint[])", gone)
    return Place(None, first - 1, Wrong.TRUNCATED)


async def a_forged_row(trail: Trail, rng: random.Random) -> Place:
    """Either beside another one, as if it had been written with it, or as new, but with a time that is past."""
    model, columns = any_row(trail, rng), ", ".join(["ator_id", *VALUES])
    if rng.random() < 0.5:
        forged = -rng.randint(1, 10**9)
        await trail.connection.execute(
            f"insert into auditoria (id, em, transacao, {columns}) overriding system value"  # noqa: S608 - as above
            f" select $2, em, transacao, {columns} from auditoria where id = $1",
            model,
            forged,
        )
        return Place(forged, trail.seal_of(model), Wrong.INSERTED)
    forged = await trail.connection.fetchval(
        f"insert into auditoria (em, transacao, {columns}) select em - interval '2 days', $2, {columns}"  # noqa: S608 - as above
        " from auditoria where id = $1 returning id",
        model,
        trail.end,
    )
    source = await trail.connection.fetchval("select pg_get_functiondef('selar_auditoria'::regproc)")
    # As the sealer will do: it does not take yet what the transaction has written that it is called in.
    ended = source.replace("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", str(trail.end + 1))
    await trail.connection.execute(ended)
    await trail.connection.execute("select selar_auditoria()")
    return Place(forged, len(trail.seals) + 1, Wrong.INSERTED)


async def two_rows_swapped(trail: Trail, rng: random.Random) -> Place:
    one, other = rng.sample([row for seal in trail.seals for row in seal], 2)
    columns = ", ".join(["em", "ator_id", *VALUES])
    await trail.connection.execute(
        f"update auditoria a set ({columns}) = (select {columns} from auditoria b"  # noqa: S608 - as above
        " where b.id = $1::bigint + $2::bigint - a.id) where a.id in ($1::bigint, $2::bigint)",
        one,
        other,
    )
    first = min(one, other, key=lambda row: (trail.seal_of(row), row))
    return Place(first, trail.seal_of(first), Wrong.REORDERED)


async def a_digest_altered(trail: Trail, rng: random.Random) -> Place:
    seal = rng.randint(1, len(trail.seals))
    at = rng.randrange(40 * len(trail.seals[seal - 1]))
    await trail.connection.execute(
        "update auditoria_selos set resumos = set_byte(resumos, $2::int, (get_byte(resumos, $2::int) + 1) % 256)"
        " where numero = $1::bigint",
        seal,
        at,
    )
    return Place(trail.seals[seal - 1][at // 40], seal, Wrong.SEAL_ALTERED)


async def a_seal_altered(trail: Trail, rng: random.Random) -> Place:
    seal = rng.randint(1, len(trail.seals))
    change = rng.choice(
        [
            "selado_em = selado_em + interval '1 microsecond'",
            "hash = sha256(hash)",
            "anterior = sha256(anterior)",
            "linhas = linhas + 1",
        ]
    )
    await trail.connection.execute(f"update auditoria_selos set {change} where numero = $1", seal)  # noqa: S608 - as above
    return Place(trail.seals[seal - 1][0], seal, Wrong.SEAL_ALTERED)


async def a_seal_deleted(trail: Trail, rng: random.Random) -> Place:
    seal = rng.randint(1, len(trail.seals))
    await trail.connection.execute("delete from auditoria_selos where numero = $1", seal)
    if seal == len(trail.seals):
        return Place(trail.seals[seal - 1][0], seal - 1, Wrong.TRUNCATED)
    return Place(trail.seals[seal - 1][0], seal, Wrong.SEAL_MISSING)


async def a_seal_chained_anew(trail: Trail, rng: random.Random) -> Place:
    """A row is changed and its seal made anew, as it would have been; what follows is left as it is."""
    seal = rng.randint(1, len(trail.seals))
    row = rng.choice(trail.seals[seal - 1])
    await trail.connection.execute("update auditoria set origem = 'x' where id = $1", row)
    text = await trail.connection.fetchval(f"select convert_to({_TEXT}, 'UTF8') from auditoria where id = $1", row)  # noqa: S608 - as above
    start = 40 * trail.seals[seal - 1].index(row) + 9
    await trail.connection.execute(
        "update auditoria_selos set resumos = overlay(resumos placing $2::bytea from $3::int) where numero = $1",
        seal,
        sha256(text).digest(),
        start,
    )
    await trail.connection.execute(
        f"update auditoria_selos set hash = sha256(anterior || convert_to({_BODY}, 'UTF8') || resumos)"  # noqa: S608 - as above
        " where numero = $1",
        seal,
    )
    # Which of its rows it was cannot be known any more: its first one is named.
    wrong = Wrong.TRUNCATED if seal == len(trail.seals) else Wrong.CHAIN_BROKEN
    return Place(None if wrong is Wrong.TRUNCATED else trail.seals[seal - 1][0], seal, wrong)


KINDS: dict[str, Tamper] = {
    "a value changed": a_value,
    "the actor changed": the_actor,
    "the time changed": the_time,
    "a row deleted": a_row_deleted,
    "the last rows deleted": the_last_rows_deleted,
    "a forged row inserted": a_forged_row,
    "two rows swapped": two_rows_swapped,
    "a seal's digest altered": a_digest_altered,
    "a seal altered elsewhere": a_seal_altered,
    "a seal deleted": a_seal_deleted,
    "a seal chained anew": a_seal_chained_anew,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_first_row_that_was_tampered_with_is_named(trail: Trail, proof: Ledger, kind: str) -> None:
    places = pick(2, 100)
    clean = await judged(trail)
    assert (clean.faults, clean.unsealed, clean.head) == ([], 0, trail.head)
    for seed in range(places):
        crime = trail.connection.transaction(isolation="repeatable_read")
        await crime.start()
        try:
            place = await KINDS[kind](trail, random.Random(f"{kind} {seed}"))  # noqa: S311 - no secret
            verdict = await judged(trail)
        finally:
            await crime.rollback()
            await trail.connection.execute(f"set search_path = {trail.schema}")
        assert verdict.faults, f"seed {seed}: not found: {place}"
        first = verdict.faults[0]
        assert (first.row, first.seal, first.wrong) == (place.row, place.seal, place.wrong), f"seed {seed}: {first}"
    assert (await judged(trail)).faults == []
    proof.seen(f"trail: {kind}", places=places)
