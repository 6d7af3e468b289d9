"""PostgreSQL without a disk to write on, without a connection to give; and slow requests that hold all of ours."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from tests.proofs.faults import breaks
from tests.proofs.faults.disk import on_a_small_disk, small_disk
from tests.proofs.faults.effects import findings
from tests.proofs.faults.installation import Api, Installation, full_only
from tests.proofs.faults.load import ACKNOWLEDGED, BACK_WITHIN_S, REFUSED, WRITERS, Load
from tests.proofs.faults.processes import wait_until
from tests.proofs.faults.ward import Ward, new_ward
from tests.proofs.ledger import Ledger, is_full, pick

OURS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zoapets_app'"
WAITING = "select count(*) from pg_locks where not granted"
CONFLICT = 409


def fill_the_disk(installation: Installation, api: Api, ward: Ward, *, rounds: int) -> Load:
    """The load, through a disk that is full and then has room again."""
    with on_a_small_disk(installation, ward) as disk, Load(api, ward) as load:
        for _ in range(rounds):
            load.wait_for(2 * WRITERS, *ACKNOWLEDGED)
            disk.fill()
            wait_until(lambda: load.count(REFUSED) >= WRITERS or bool(load.complaints), "writes are refused")
            disk.free()
            load.wait_for(2 * WRITERS, *ACKNOWLEDGED, seconds=BACK_WITHIN_S)
    return load


@contextmanager
def crowd(installation: Installation) -> Iterator[int]:
    """Others, who hold every connection that PostgreSQL gives; how many."""
    installation.script("create role multidao login; grant connect on database zoapets to multidao")
    address = installation.owner_url.replace("postgres@", "multidao@", 1)
    loop, held = asyncio.new_event_loop(), list[Any]()

    async def come() -> None:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                held.append(await asyncpg.connect(address))

    def is_full_of_others() -> bool:
        loop.run_until_complete(come())
        # What the API does beside its requests may have got in first.
        return not installation.sql(OURS)

    try:
        wait_until(is_full_of_others, "others have every connection")
        yield len(held)
    finally:
        for connection in held:
            loop.run_until_complete(connection.close())
        loop.close()
        installation.script("drop owned by multidao; drop role multidao")


def test_a_full_disk_is_told_and_got_over(installation: Installation, api: Api, proof: Ledger) -> None:
    ward, rounds = new_ward(installation), pick(1, 5)
    load = fill_the_disk(installation, api, ward, rounds=rounds)
    before = findings(ward, load.writes)
    load.resolve()

    assert load.complaints == []
    assert before == []
    assert findings(ward, load.writes) == []
    assert "Não há espaço para gravar" in load.last_refusal
    proof.shown(
        "a full disk: refused in words, nothing half written, writing again when there is room",
        rounds=rounds,
        writes=load.acknowledged,
        refused=load.count(REFUSED),
    )


@full_only
def test_a_disk_without_room_for_the_log_ends_postgres_and_loses_nothing(
    installation: Installation, proof: Ledger
) -> None:
    """PostgreSQL gives itself up when it cannot write its WAL; somebody makes room and starts it again."""
    with small_disk(installation.folder / "all", mib=256) as disk:
        other = Installation(disk.folder)
        try:
            ward = new_ward(other)
            with other.serving(workers=1) as api, Load(api, ward) as load:
                load.wait_for(2 * WRITERS, *ACKNOWLEDGED)
                disk.fill()
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    while True:
                        other.sql("select pg_switch_wal()")
                wait_until(lambda: load.away() or bool(load.complaints), "writes are refused")
                disk.free()
                other.servers.kill_postgres()
                other.servers.start_postgres()
                load.wait_for(2 * WRITERS, *ACKNOWLEDGED, seconds=BACK_WITHIN_S)
            before = findings(ward, load.writes)
        finally:
            other.close()

    assert load.complaints == []
    assert before == []
    proof.shown(
        "a full disk that ends PostgreSQL: refused meanwhile, nothing lost, got over without a restart of the API",
        writes=load.acknowledged,
        refused=load.count(REFUSED),
    )


def test_the_check_sees_what_a_full_disk_leaves_half_written(installation: Installation, proof: Ledger) -> None:
    ward = new_ward(installation)
    with installation.serving(workers=1, broken=breaks.commit_after_each_statement.__name__) as api:
        load = fill_the_disk(installation, api, ward, rounds=1)

    found = findings(ward, load.writes)
    assert any(finding.startswith("half of it is there") for finding in found), found
    proof.seen("a commit after each statement, on a full disk", findings=len(found))


@full_only
def test_no_connection_to_be_had_is_told_and_got_over(installation: Installation, api: Api, proof: Ledger) -> None:
    ward = new_ward(installation)
    # So that the API holds none of its own.
    installation.servers.kill_postgres()
    installation.servers.start_postgres()
    with crowd(installation) as others, Load(api, ward) as load:
        load.wait_for(2 * WRITERS, REFUSED)
        assert api.health() == "unavailable"
        assert load.count(*ACKNOWLEDGED) == 0
        said = load.last_refusal
    with Load(api, ward) as again:
        again.wait_for(WRITERS, *ACKNOWLEDGED, seconds=BACK_WITHIN_S)
    load.resolve()

    assert load.complaints + again.complaints == []
    assert findings(ward, load.writes + again.writes) == []
    assert "não aceita mais conexões" in said
    proof.shown(
        "no connection to be had: refused in words, got over without a restart",
        others=others,
        refused=load.count(REFUSED),
        slowest_refusal_ms=round(load.slowest(REFUSED) * 1000),
    )


def test_slow_requests_hold_up_no_more_than_they_must(installation: Installation, api: Api, proof: Ledger) -> None:
    """A table that is locked: who needs it waits, and takes all of the pool; who finds no connection is told so."""
    ward = new_ward(installation)
    with Load(api, ward, writers=3 * WRITERS) as load:
        load.wait_for(WRITERS, *ACKNOWLEDGED)
        with locked(installation, ward):
            wait_until(lambda: installation.sql(WAITING)[0][0] >= WRITERS, "the pools wait for the table")
            if is_full():
                wait_until(lambda: load.count(REFUSED) > 0, "who finds no connection is told so")
        load.wait_for(3 * WRITERS, *ACKNOWLEDGED, seconds=BACK_WITHIN_S)
    load.resolve()

    assert load.complaints == []
    assert findings(ward, load.writes) == []
    proof.shown(
        "slow requests that take all of the pool: who finds none is told so, nothing is half written",
        writes=load.acknowledged,
        refused=load.count(REFUSED),
        held_up=load.count(CONFLICT),
        slowest_refusal_ms=round(load.slowest(REFUSED, CONFLICT) * 1000),
    )


@contextmanager
def locked(installation: Installation, ward: Ward) -> Iterator[None]:
    """Nobody else gets at the ward's owners."""
    loop = asyncio.new_event_loop()
    holder = loop.run_until_complete(asyncpg.connect(installation.owner_url))
    try:
        lock = f"begin; lock table {ward.schema}.tutores in access exclusive mode"
        loop.run_until_complete(holder.execute(lock))
        yield
    finally:
        loop.run_until_complete(holder.close())
        loop.close()
