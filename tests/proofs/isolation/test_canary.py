"""Every row of every hospital says whose it is; no answer ever holds another's."""

from datetime import timedelta

from tests.proofs import ledger
from tests.proofs.isolation import asks, rows, storm
from tests.proofs.isolation.ground import Ground
from tests.proofs.isolation.server import serving
from tests.proofs.isolation.stores import STORES, Cache
from tests.proofs.ledger import Ledger

REQUESTS = ledger.pick(2_000, 200_000)
WORKERS = ledger.pick(1, 2)
SEED = 20_260_713
# Access is looked up now and then, so that most of the work is the rooms'.
BELIEVED = timedelta(seconds=30)


def test_every_exception_is_asked_for(ground: Ground) -> None:
    assert rows.stale() == []
    assert asks.stale(ground.stage.app.litestar) == []


async def test_every_table_with_rows_of_a_hospital_is_stamped(many: Ground, proof: Ledger) -> None:
    """And no two hospitals have as many rows of a kind."""
    tables = rows.TABLES.keys() - rows.UNSTAMPED
    for name in tables:
        made = [hospital.made[name] for hospital in many.hospitals]
        assert min(made) > 0, name
        assert len(set(made)) == len(made), name
    proof.shown(
        "every row of every table says whose it is",
        hospitals=len(many.hospitals),
        tables=len(tables),
        rows=sum(sum(hospital.made.values()) for hospital in many.hospitals),
    )


async def test_no_answer_holds_anything_of_another_hospital(many: Ground, proof: Ledger) -> None:
    await many.count()
    routes, seen = asks.reads(many.stage.app.litestar), storm.begun(many.hospitals)
    async with serving(many.stage, workers=WORKERS, access_ttl=BELIEVED) as ports:
        await storm.calm(seen, routes, many.hospitals[:3], ports)
        await storm.storm(seen, routes, many.hospitals, ports, REQUESTS, seed=SEED)
        keys = await Cache().keys(many)
        kept = {type(store).__name__: await store.look(many) for store in STORES}

    assert seen.findings == [], f"{dict(seen.kinds)}, seed {SEED}"
    assert {route.path for route in routes} - seen.asked.keys() == set()
    assert seen.answers[storm.OK] > REQUESTS // 2
    assert seen.own_marks > seen.answers[storm.OK]
    faults = {kind: seen.faults[kind] for kind in storm.AFTER}
    assert all(faults.values())
    proof.shown(
        "no answer holds a row, an id or a count of another hospital",
        hospitals=len(many.hospitals),
        requests=seen.asked.total(),
        answered_with_200=seen.answers[storm.OK],
        connections=storm.CONNECTIONS,
        routes=len(routes),
        stamps_read=seen.own_marks,
        totals_compared=seen.counts,
        foreign_ids_refused=seen.refused,
        writes=seen.writes.total(),
        told_to_come_again=seen.come_again,
        **faults,
        foreign=0,
    )
    assert not any(kept.values()), kept
    assert keys > 0
    proof.shown(
        "after the storm, nothing of one hospital is kept in another's tables, outbox, audit, answers, keys or files",
        keys_in_valkey=keys,
        **{name.lower(): "clean" for name in kept},
    )


async def test_it_sees_what_the_seed_lets_through(ground: Ground, proof: Ledger) -> None:
    requests = ledger.pick(300, 5_000)
    await ground.count()
    routes, seen = asks.reads(ground.stage.app.litestar), storm.begun(ground.hospitals)
    async with serving(ground.stage, as_the_seed=True, access_ttl=BELIEVED) as ports:
        # Reads alone: what it wrote would be in another hospital from then on.
        await storm.storm(seen, routes, ground.hospitals, ports, requests, seed=SEED, writes=0)

    kinds = {kind: seen.kinds[kind] for kind in ("foreign row", "foreign id", "foreign count")}
    assert kinds["foreign row"] > requests // 10, seen.findings
    assert kinds["foreign count"] > 0, seen.findings
    proof.seen(
        "the seed's way: a search_path set on some connection, the queries on whichever comes",
        hospitals=len(ground.hospitals),
        requests=requests,
        **{kind.replace(" ", "_"): number for kind, number in kinds.items()},
    )
