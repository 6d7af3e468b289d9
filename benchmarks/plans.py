"""How PostgreSQL went about it: the plans of the application's own statements, as they ran, from `auto_explain`."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground
from benchmarks.load import Load, Requests

ON = {
    "session_preload_libraries": "auto_explain",
    "auto_explain__log_min_duration": "0",
    "auto_explain__log_analyze": "on",
    "auto_explain__log_buffers": "on",
    "auto_explain__log_format": "json",
}
OFF = {"session_preload_libraries": "", "auto_explain__log_min_duration": "-1"}
# A setting is heard of by a signal, and a plan is written when its statement is let go, some time after the answer.
HEARD_S = 0.1
ASKED = 3


async def of(ground: Ground, asked: Mapping[str, Mapping[str, list[bytes]]]) -> dict[str, dict[str, list[Any]]]:
    """For each name and hospital, the plans behind some requests; asked before, so that connections are warm."""
    await ground.set(**ON)
    await asyncio.sleep(HEARD_S)
    found: dict[str, dict[str, list[Any]]] = {}
    try:
        async with ground.serving("plans") as server, Load(server.port, connections=1) as load:
            for name, by_hospital in asked.items():
                for slug, requests in by_hospital.items():
                    await load.run(Requests(requests[:ASKED] * 2))
                    await asyncio.sleep(HEARD_S)
                    start = ground.postgres_log.stat().st_size
                    await load.run(Requests(requests[:ASKED]))
                    await asyncio.sleep(HEARD_S)
                    found.setdefault(name, {})[slug] = list(_plans(ground.postgres_log, start))
    finally:
        await ground.set(**OFF)
    return found


def _plans(log: Path, start: int) -> Iterator[Any]:
    """Each plan that was logged since."""
    decoder = json.JSONDecoder()
    with log.open() as file:
        file.seek(start)
        text = file.read()
    for part in text.split("plan:\n")[1:]:
        plan, _ = decoder.raw_decode(part.lstrip())
        if "current_user" not in plan["Query Text"]:
            yield plan
