"""`python -m benchmarks [--only NAME ...] [--quick]`: every benchmark in one run, over one ground."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import uvloop
from cyclopts import App, Parameter

from benchmarks import boards, hospitals, limit, logins, migrate, report, rows, schedule, start, workers
from benchmarks.figures import Figure, not_measured
from benchmarks.ground import Ground, said
from benchmarks.servers import ROOT
from benchmarks.statements import OFF_AT_FIRST

Benchmark = Callable[[Ground], Awaitable[list[Figure]]]

# In this order: what writes comes after what must find a young database, and the largest hospital is last.
BENCHMARKS: Mapping[str, Benchmark] = {
    "limit": limit.run,
    "schedule": schedule.run,
    "logins": logins.run,
    "boards": boards.run,
    "memory": start.memory,
    "workers": workers.run,
    "servers": workers.servers,
    "migrate": migrate.run,
    "hospitals": hospitals.run,
    "start": start.cold,
    "rows": rows.run,
}
DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
BROKEN = "broken: "

app = App(name="benchmarks", help=__doc__)


@app.default
def main(
    *,
    only: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    quick: Annotated[bool, Parameter(negative="")] = False,
    folder: Path = ROOT / ".bench",
) -> int:
    """Measure, print a table, and write `result.json` and `result.md`.

    Args:
        only: Some of them, by name, instead of all.
        quick: Short rounds over fewer rows, to see that it runs; its figures say little.
        folder: Where the results are written, and the servers keep their data meanwhile.
    """
    if unknown := set(only) - BENCHMARKS.keys():
        said(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return MISUSED
    began, load = datetime.now(UTC), os.getloadavg()[0]
    ground = Ground(folder, quick=quick)
    try:
        ground.start()
        figures = uvloop.run(_all(ground, [name for name in BENCHMARKS if not only or name in only]))
        seconds = (datetime.now(UTC) - began).total_seconds()
        sys.stdout.write(report.write(folder, figures, report.Circumstances(began, seconds, load, quick)))
        sys.stdout.flush()
    except asyncio.CancelledError:
        return INTERRUPTED
    finally:
        said("ending, and erasing what was made")
        ground.stop()
    return FAILED if any(figure.note.startswith(BROKEN) for figure in figures) else DONE


async def _all(ground: Ground, names: list[str]) -> list[Figure]:
    me = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # However it is ended, every server that it started ends with it.
        asyncio.get_running_loop().add_signal_handler(number, me.cancel if me else sys.exit)
    await ground.set(**OFF_AT_FIRST)
    ground.restart()
    await ground.set(pg_stat_statements__track="none")
    await ground.prepare()
    figures: list[Figure] = []
    for name in names:
        said(name)
        try:
            found = await BENCHMARKS[name](ground)
        except Exception as error:  # noqa: BLE001 - one that breaks must not take the others' figures with it
            traceback.print_exc()
            found = [not_measured(name, "–", f"{BROKEN}{type(error).__name__}: {error}")]
        for line in list(report.table(found))[2:]:
            said(line)
        figures += found
    return figures


if __name__ == "__main__":
    sys.exit(app(result_action="return_value"))
