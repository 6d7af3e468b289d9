"""Work that goes on while things break: writers and readers over HTTP, in a thread of their own."""

import asyncio
import itertools
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from tests.proofs.faults.installation import Api
from tests.proofs.faults.processes import DEADLINE_S, wait_until
from tests.proofs.faults.ward import DOSE, Ward, Write
from tests.proofs.ledger import is_full

WRITERS = 16
# No answer within this time is a hang.
PATIENCE_S = 60.0
# From when what was broken is whole again to the first work that is acknowledged; a figure for the full run alone.
BACK_WITHIN_S = 10.0 if is_full() else DEADLINE_S
# What a client waits before it asks again.
PAUSE_S = 0.02
PANEL = "/administracoes/painel-enfermagem?horas=24"
REFUSED, ACKNOWLEDGED = 503, frozenset({200, 201})


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: when it came, after how long, and what it was (0: the connection was cut)."""

    at: float
    seconds: float
    status: int


@dataclass
class Load:
    """Clients that write, each write under a key of its own that is repeated until it is acknowledged.

    With `panels`, half of what they do is give a dose and read the panel. `cuts`: connections may be cut, as when a
    worker is killed. What no client should ever see is in `complaints`.
    """

    api: Api
    ward: Ward
    writers: int = WRITERS
    panels: bool = False
    cuts: bool = False
    patience: float = PATIENCE_S
    writes: list[Write] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    panels_read: int = 0
    last_refusal: str = ""
    _begun: dict[int, float] = field(default_factory=dict)
    _given: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._stopping = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="load", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping = True
        self._thread.join()

    # --- what has come so far

    def count(self, *statuses: int, since: float = 0.0) -> int:
        """How many answers of these kinds have come since then."""
        # What is newest stands last.
        recent = itertools.takewhile(lambda reply: reply.at >= since, reversed(self.replies))
        return sum(reply.status in statuses for reply in recent)

    def away(self) -> bool:
        """Whether the last answers, as many as there are writers, were refusals."""
        last = self.replies[-self.writers :]
        return len(last) == self.writers and all(reply.status == REFUSED for reply in last)

    def answered(self, until: float) -> bool:
        """Whether all that was asked before that moment has its answer."""
        return all(begun > until for begun in list(self._begun.values()))

    def wait_for(self, number: int, *statuses: int, seconds: float = DEADLINE_S) -> float:
        """Until so many more answers of these kinds have come; the seconds that took."""
        started = time.monotonic()
        what = f"{number} more answers of {statuses}"
        return wait_until(lambda: self.count(*statuses, since=started) >= number, what, seconds=seconds)

    def slowest(self, *statuses: int) -> float:
        """The longest that an answer of these kinds took; 0 when there is none."""
        return max((reply.seconds for reply in self.replies if reply.status in statuses), default=0.0)

    def p99(self, since: float, until: float) -> float:
        """Of the seconds that answers between these moments took."""
        times = sorted(reply.seconds for reply in list(self.replies) if since <= reply.at < until)
        return times[len(times) * 99 // 100]

    @property
    def acknowledged(self) -> int:
        return sum(write.answer is not None for write in self.writes)

    # --- afterwards

    def resolve(self) -> int:
        """Repeat what was ambiguous, under its key: each must be acknowledged, with the answer it had; how many."""
        return asyncio.run(self._resolve())

    async def _resolve(self) -> int:
        doubtful = [write for write in self.writes if write.ambiguous and not write.refused]
        async with self._client() as http:
            for write in doubtful:
                for _ in range(2):
                    first = write.answer
                    await self._send(http, write)
                    if write.answer is None:
                        self.complaints.append(f"cannot be repeated: {write.method} {write.path} {write.key}")
                    elif first is not None and write.answer != first:
                        self.complaints.append(f"another answer when repeated: {first!r}, then {write.answer!r}")
        return len(doubtful)

    # --- inside

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=self.writers, max_keepalive_connections=self.writers)
        return httpx.AsyncClient(
            base_url=self.api.url, headers=self.ward.headers, limits=limits, timeout=httpx.Timeout(self.patience)
        )

    async def _work(self) -> None:
        async with self._client() as http, asyncio.TaskGroup() as group:
            for n in range(self.writers):
                group.create_task(self._panel_work(http) if self.panels and n % 2 else self._writing(http))

    async def _writing(self, http: httpx.AsyncClient) -> None:
        while not self._stopping:
            await self._written(http, self.ward.next())

    async def _panel_work(self, http: httpx.AsyncClient) -> None:
        while not self._stopping:
            if self.ward.doses:
                await self._written(http, self.ward.dose())
            await self._read_panel(http)

    async def _written(self, http: httpx.AsyncClient, write: Write) -> None:
        self.writes.append(write)
        while not self._stopping and write.answer is None and not write.refused:
            if not await self._send(http, write):
                await asyncio.sleep(PAUSE_S)

    async def _send(self, http: httpx.AsyncClient, write: Write) -> bool:
        """Once; whether it was acknowledged."""
        sent = {"idempotency-key": write.key, "x-request-id": write.key}
        answer = await self._ask(http, write.method, write.path, json=write.body, headers=sent)
        if answer is None or answer.status_code not in ACKNOWLEDGED:
            write.ambiguous = True
            # For good, and complained of: a client would not ask again.
            write.refused = answer is not None and _complaint(answer) is not None
            return False
        write.answer = answer.content
        self.ward.done(write, answer.json())
        if write.kind is DOSE and write.subject is not None:
            self._given.add(write.subject)
        return True

    async def _read_panel(self, http: httpx.AsyncClient) -> None:
        """The panel shows no dose whose giving was acknowledged before it was asked for."""
        given = set(self._given)
        answer = await self._ask(http, "GET", PANEL)
        if answer is None or answer.status_code not in ACKNOWLEDGED:
            return
        panel = answer.json()
        shown = {dose["id"] for name in ("atrasadas", "pendentes", "proximas") for dose in panel[name]}
        self.panels_read += bool(shown)
        if stale := shown & given:
            self.complaints.append(f"the panel shows doses that were given before it was read: {sorted(stale)[:3]}")

    async def _ask(self, http: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response | None:
        """An answer, taken down; None when the connection was cut."""
        started, me = time.monotonic(), id(asyncio.current_task())
        self._begun[me] = started
        try:
            answer = await http.request(method, path, **options)
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException) or not self.cuts:
                self.complaints.append(f"{type(error).__name__} at {method} {path}")
            self.replies.append(Reply(time.monotonic(), time.monotonic() - started, 0))
            return None
        finally:
            del self._begun[me]
        now = time.monotonic()
        self.replies.append(Reply(now, now - started, answer.status_code))
        if answer.status_code == REFUSED:
            self.last_refusal = answer.text
        if complaint := _complaint(answer):
            self.complaints.append(f"{complaint} at {method} {path}: {answer.text[:200]}")
        return answer


def _complaint(answer: httpx.Response) -> str | None:
    """What is wrong with an answer: work is acknowledged, or refused by a problem that says to try again."""
    if answer.status_code in ACKNOWLEDGED:
        return None
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} that is no problem"
    problem = answer.json()["type"]
    # A repeat may meet the first try, still under way.
    expected = {(REFUSED, "/problemas/unavailable"), (409, "/problemas/conflict")}
    return None if (answer.status_code, problem) in expected else f"{answer.status_code} {problem}"
