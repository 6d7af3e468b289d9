"""How long a release takes over 500 hospitals, and a new hospital over nothing."""

import time

from benchmarks import many
from benchmarks.figures import Figure, Spread, not_measured
from benchmarks.ground import Ground
from zoapets.core.owner.migrations import head
from zoapets.core.owner.provisioning import provision

MOST_S, MOST_A_HOSPITAL_S = 30.0, 0.3
PROVISIONED = 9


async def run(ground: Ground) -> list[Figure]:
    return [await _provisioned(ground), await _migrated(ground)]


async def _provisioned(ground: Ground) -> Figure:
    seconds = []
    async with ground.owner() as connection:
        for number in range(PROVISIONED):
            began = time.perf_counter()
            await provision(connection, many.new(f"novo-{number}-{time.time_ns()}"))
            seconds.append(time.perf_counter() - began)
    return Figure(
        name="provision",
        compares="one hospital made",
        value=Spread.of(seconds),
        unit="s",
        target=MOST_A_HOSPITAL_S,
        detail={"s": seconds},
    )


async def _migrated(ground: Ground) -> Figure:
    made = await many.make(ground, before_the_newest=True)
    seconds, outcomes = await many.migrate(ground)
    compares = f"{len(outcomes)} hospitals from the revision before to {head('tenant')}"
    if faults := [outcome.error for outcome in outcomes if outcome.error]:
        return not_measured("migrate", compares, f"{len(faults)} failed: {faults[0]}")
    moved = sum(outcome.before != outcome.after for outcome in outcomes)
    return Figure(
        name="migrate",
        compares=compares,
        value=Spread.of([seconds * many.COUNT / len(outcomes)]),
        unit="s",
        target=MOST_S,
        note="" if moved == len(outcomes) else f"only {moved} had anything to do",
        detail={"hospitals": len(outcomes), "s": seconds, "made in, each": sorted(made)[len(made) // 2] if made else 0},
    )
