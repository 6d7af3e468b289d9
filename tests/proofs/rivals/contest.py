"""A contest: requests that are let go at one moment, what each was told, and what is left of each in the database."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.cast import Hospital, Person
from zoapets.common.ids import new_id

# What the house says when it knows no better word: a deadlock, a lock that was waited for too long, a constraint that
# nobody has named. Each of them is a fault here, whoever is told so.
NO_BETTER_WORD = "409 conflict"
SERVER_FAULT = 500
REFUSED = 400


@dataclass(frozen=True, slots=True)
class Rival:
    """One request that somebody is about to send; `wants` is the name of what they want."""

    wants: str
    who: Person
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What a rival was told, and after how many seconds. `word` is the status, and of an error its stable code."""

    rival: Rival
    answer: httpx.Response
    request_id: str
    seconds: float

    @property
    def won(self) -> bool:
        return self.answer.status_code < REFUSED

    @property
    def word(self) -> str:
        if self.won:
            return str(self.answer.status_code)
        return f"{self.answer.status_code} {self.answer.json()['type'].removeprefix('/problemas/')}"


async def at_once(rivals: Sequence[Rival]) -> list[Told]:
    """Let them all go when the last one is ready."""
    line = asyncio.Barrier(len(rivals))

    async def run(rival: Rival) -> Told:
        request_id = str(new_id())
        await line.wait()
        started = time.perf_counter()
        answer = await rival.who.call(
            rival.method, rival.path, rival.body, **{"x_request_id": request_id, **rival.headers}
        )
        return Told(rival, answer, request_id, time.perf_counter() - started)

    return list(await asyncio.gather(*(run(rival) for rival in rivals)))


def winners(told: Iterable[Told], *wants: str) -> list[Told]:
    """Those who won, of those who wanted one of these (of all, when none is named)."""
    return [one for one in told if one.won and (not wants or one.rival.wants in wants)]


def words(told: Iterable[Told]) -> list[str]:
    """How often each was said to whom, for people."""
    return [
        f"{wants}: {word} x{n}" for (wants, word), n in sorted(Counter((t.rival.wants, t.word) for t in told).items())
    ]


def misspoken(told: Iterable[Told], refusals: Mapping[str, Collection[str]]) -> list[str]:
    """Every refusal that is not one of those which `refusals` allows for what was wanted."""
    return [
        f"{one.rival.wants} was told {one.word}: {one.answer.text[:300]}"
        for one in told
        if not one.won and one.word not in refusals[one.rival.wants]
    ]


async def traces(hospital: Hospital, told: Sequence[Told], events: Mapping[str, Sequence[str]]) -> list[str]:
    """Who won and left no audit row, or not the events it should; who lost and left anything at all."""
    ids = [one.request_id for one in told]
    audited = await hospital.sql(
        "select requisicao_id, count(*) as n from {s}.auditoria where requisicao_id = any($1) group by 1", ids
    )
    emitted = await hospital.sql(
        "select requisicao_id, array_agg(tipo order by id) as tipos from {s}.eventos"
        " where requisicao_id = any($1) group by 1",
        ids,
    )
    rows = {row["requisicao_id"]: row["n"] for row in audited}
    kinds = {row["requisicao_id"]: list(row["tipos"]) for row in emitted}
    found = []
    for one in told:
        has_rows, has_events = rows.get(one.request_id, 0), kinds.get(one.request_id, [])
        wanted = list(events.get(one.rival.wants, ())) if one.won else []
        if (has_rows > 0) != one.won or has_events != wanted:
            found.append(f"{one.rival.wants}, told {one.word}, left {has_rows} audit rows and the events {has_events}")
    return found


def percentile(seconds: Collection[float], part: float) -> float:
    """The time within which this part of them was answered, in milliseconds."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1) if ordered else 0.0
