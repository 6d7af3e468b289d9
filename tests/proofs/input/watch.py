"""Stands between who sends and the application: signs requests in, and judges every answer and every write."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.cast import Hospital, Person
from tests.proofs.input.judge import REFUSED, Answer, faults
from zoapets.core.docs import describe
from zoapets.core.http import READS

# What a sender writes in place of a token; whatever else it writes there goes through as it is.
SIGNED_IN = "Bearer sessao"
NOBODY = 401
Signing = Callable[[], Awaitable[Person]]


class Watch:
    """The application as an ASGI callable for another thread's loop, and what was wrong with its answers.

    The application runs where it always does, in the loop that this object was made in.
    """

    def __init__(
        self,
        app: Any,
        hospital: Hospital,
        sign_in: Signing,
        *,
        slowest: float | None = None,
        twin: "Watch | None" = None,
    ) -> None:
        self._app = app
        # Somebody of another tenant, who sends the same.
        self._twin = twin
        self._documented = _statuses(app)
        self._hospital = hospital
        self._sign_in = sign_in
        self._slowest = slowest
        self._loop = asyncio.get_running_loop()
        self._person: Person | None = None
        self._written = -1
        self.statuses: Counter[int] = Counter()
        self.findings: Counter[str] = Counter()
        # What was wrong with the answer before.
        self.last: list[str] = []

    @property
    def requests(self) -> int:
        """How many were answered, the twin's included."""
        return self.statuses.total() + (self._twin.requests if self._twin else 0)

    @property
    def all_findings(self) -> Counter[str]:
        return self.findings + (self._twin.findings if self._twin else Counter())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        asked = asyncio.run_coroutine_threadsafe(self.ask(scope, body), self._loop)
        messages, _ = await asyncio.wrap_future(asked)
        for message in messages:
            await send(message)

    async def ask(self, scope: dict[str, Any], body: bytes) -> tuple[list[dict[str, Any]], Answer]:
        """The answer to one request, judged."""
        asked = scope
        if self._written < 0:
            self._written = await self._count()
        ours = (b"authorization", SIGNED_IN.encode()) in scope["headers"]
        scope = _fresh(asked)
        messages, answer = await self._answered(scope, body)
        if answer.status == NOBODY and ours:
            # A request before this one ended the session, or put the person out.
            self._person = None
            scope = _fresh(asked)
            messages, answer = await self._answered(scope, body)
        self.statuses[answer.status] += 1
        wrong = list(faults(answer, slowest=self._slowest))
        written = await self._count()
        if written != self._written and (answer.status >= REFUSED or scope["method"] in READS):
            wrong.append(f"{answer.status}, and something was written")
        documented = self._documented.get((scope["method"], str(scope.get("path_template"))))
        if documented and answer.status not in documented:
            wrong.append(f"{answer.status} is not in the document")
        self._written = written
        self.last = wrong
        for fault in wrong:
            self.findings[f"{scope['method']} {scope['path'][:200]}: {fault}"] += 1
        if self._twin is not None:
            await self._twin.ask(asked, body)
        return messages, answer

    async def _answered(self, scope: dict[str, Any], body: bytes) -> tuple[list[dict[str, Any]], Answer]:
        if self._person is None:
            self._person = await self._sign_in()
            self._written = await self._count()
        bearer = f"Bearer {self._person.token}".encode()
        headers = [
            (name, bearer if (name, value) == (b"authorization", SIGNED_IN.encode()) else value)
            for name, value in scope["headers"]
        ]
        scope["headers"] = headers
        messages: list[dict[str, Any]] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        started = time.perf_counter()
        await self._app(scope, receive, send)
        seconds = time.perf_counter() - started
        start, *rest = messages
        said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        answer = Answer(start["status"], said, b"".join(part.get("body", b"") for part in rest), seconds)
        return messages, answer

    async def _count(self) -> int:
        [(last,)] = await self._hospital.sql("select coalesce(max(id), 0) from {s}.auditoria")
        return int(last)


def _fresh(scope: dict[str, Any]) -> dict[str, Any]:
    """A scope as a server would make it: the framework keeps what it knows of a request in its state."""
    return {**scope, "state": {}}


def _statuses(app: Any) -> dict[tuple[str, str], set[int]]:
    """What each operation may answer; 405 is the path's, which is in no document."""
    document = describe(app.litestar, "Zoa Pets", "1")
    return {
        (method.upper(), path): {405, *map(int, said["responses"])}
        for path, item in document["paths"].items()
        for method, said in item.items()
    }
