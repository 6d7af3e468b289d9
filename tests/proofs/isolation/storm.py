"""A storm of requests from many hospitals at once, and a look at every answer for what is another's."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from tests.proofs.isolation import stamp
from tests.proofs.isolation.asks import GROWS, ROWS_OF_A_WRITE, Ask, Mix, Route
from tests.proofs.isolation.ground import Stamped
from tests.proofs.isolation.wire import Wire

CONNECTIONS = 64
MOST_FINDINGS = 20
_TOTAL = re.compile(rb'"total":(\d+)')
# Ids that are given by the application: they begin with the time.
_NEW_ID = re.compile(rb'"(01[0-9a-f]{6}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"')
OK, BUSY = 200, 503
# What may come of a fault; None is no answer at all.
AFTER: dict[str, set[int | None]] = {
    "raise": {500},
    "cancel": {500, None},
    "timeout": {BUSY},
    "disconnect": {None},
}


class _Meta(msgspec.Struct):
    total: int


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta


@dataclass
class Seen:
    """What a storm has seen. `findings` are what must not be: they are counted by kind, and some are kept."""

    findings: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    # On a machine with too much to do, somebody may be asked to come again: that is no leak.
    come_again: int = 0
    own_marks: int = 0
    counts: int = 0
    refused: int = 0
    writes: Counter[int] = field(default_factory=Counter)
    # Whose each id without a stamp is: who has shown it first.
    owners: dict[bytes, int] = field(default_factory=dict)

    def found(self, kind: str, ask: Ask, detail: object) -> None:
        self.kinds[kind] += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(f"{kind}: {ask.hospital.number} {ask.path} {ask.fault}: {detail}")


def begun(hospitals: list[Stamped]) -> Seen:
    """What is known before the first request: whose the ids without a stamp are."""
    return Seen(owners={given.encode(): one.number for one in hospitals for given in one.other_ids})


async def storm(
    seen: Seen,
    routes: list[Route],
    hospitals: list[Stamped],
    ports: list[int],
    requests: int,
    *,
    seed: int,
    writes: float = 0.05,
) -> None:
    """So many requests, over many connections; `writes` is their part in it."""
    left = iter(range(requests))

    async def client(number: int) -> None:
        mix = Mix(routes, hospitals, seed * 1000 + number, writes=writes)
        port = ports[number % len(ports)]
        wire = await Wire.open(port)
        for _ in left:
            ask = mix.next()
            if not await _one(seen, wire, ask, mix):
                wire.cut()
                wire = await Wire.open(port)
        wire.cut()

    await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))


async def calm(seen: Seen, routes: list[Route], hospitals: list[Stamped], ports: list[int]) -> None:
    """Every route once for every hospital, one after the other."""
    wire = await Wire.open(ports[0])
    mix = Mix(routes, hospitals, 0)
    for hospital in hospitals:
        for ask in mix.every(hospital):
            await _one(seen, wire, ask, mix)
    wire.cut()


async def _one(seen: Seen, wire: Wire, ask: Ask, mix: Mix) -> bool:
    """Whether the connection goes on."""
    kind = ask.fault.partition(":")[0]
    seen.asked[ask.route] += 1
    seen.faults[kind] += 1
    if ask.writes:
        seen.writes[ask.hospital.number] += 1
    if kind == "disconnect":
        with contextlib.suppress(ConnectionError):
            # A part of the request, or all of it and no patience for the answer.
            wire.send(ask.request[: mix.random.choice([len(ask.request), len(ask.request) // 2])])
            await asyncio.sleep(mix.random.uniform(0, 0.004))
        return False
    try:
        status, body = await wire.ask(ask.request)
    except (ConnectionError, TimeoutError) as error:
        if None not in AFTER.get(kind, ()):
            seen.found("no answer", ask, repr(error))
        return False
    seen.answers[status] += 1
    seen.come_again += status == BUSY and kind != "timeout"
    if status not in {*ask.expected, *AFTER.get(kind, ()), BUSY}:
        seen.found("unexpected status", ask, f"{status} {body[:300]!r}")
    for what, detail in foreign(seen, ask, status, body):
        seen.found(what, ask, detail)
    return not wire.ends


def foreign(seen: Seen, ask: Ask, status: int, body: bytes) -> Iterator[tuple[str, object]]:
    """What in this answer is not of who asked."""
    if ask.foreign:
        # The refusal says what was asked for.
        body = body.replace(ask.path.encode(), b"")
    found = stamp.MARK.findall(body)
    if others := set(found) - ask.hospital.marks:
        yield "foreign row", others
    seen.own_marks += len(found)
    number = ask.hospital.number
    for new_id in _NEW_ID.findall(body):
        if (owner := seen.owners.setdefault(new_id, number)) != number:
            yield "foreign id", f"{new_id!r} of {owner}"
    if ask.foreign:
        seen.refused += 1
    if status == OK:
        yield from _counts(seen, ask, body)


def _counts(seen: Seen, ask: Ask, body: bytes) -> Iterator[tuple[str, object]]:
    grown = ROWS_OF_A_WRITE * seen.writes[ask.hospital.number]
    if ask.counted is not None:
        least = ask.hospital.totals[ask.counted]
        most = least + (grown if ask.counted in GROWS else 0)
        for total in map(int, _TOTAL.findall(body)):
            seen.counts += 1
            if not least <= total <= most:
                yield "foreign count", f"{total}, not {least} to {most}"
    if ask.limit:
        page = msgspec.json.decode(body, type=_Page)
        rows, total = len(page.data), page.meta.total
        expected = max(0, min(ask.limit, total - (ask.page - 1) * ask.limit))
        # Of what grows meanwhile, rows and total may be a write apart.
        if (ask.foreign and total) or (rows != expected and not (grown and rows < expected)):
            yield "foreign count", f"{rows} rows on page {ask.page} of {total}"
