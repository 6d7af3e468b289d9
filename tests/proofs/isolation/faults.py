"""What goes wrong in the server in the midst of a unit of work, where the client's header asks for it.

`raise`: an exception after a statement. `timeout`: a statement that the database stops. `cancel:<ms>`: the task is
cancelled after so many milliseconds, wherever it is then.
"""

import asyncio
from contextvars import ContextVar
from typing import Any

from sqlalchemy import text

from zoapets.core import http, tenancy
from zoapets.core.database import UnitOfWork
from zoapets.core.pool import Gate
from zoapets.core.statements import Query, query

HEADER = b"x-fault"
TIMEOUT_MS = 5
_fault: ContextVar[str] = ContextVar("fault", default="")
ENDLESS: Query[Any] = query(text("select count(*) from generate_series(1, 1000000000000)"))


class InjectedError(RuntimeError):
    """Nothing that anything in the application expects."""


class FaultyWork(UnitOfWork):
    """Fails in its midst."""

    __slots__ = ()


def _failing(verb: str) -> Any:
    statement = getattr(UnitOfWork, verb)

    async def method(self: UnitOfWork, query: Query[Any], /, **params: Any) -> Any:
        result = await statement(self, query, **params)
        if _fault.get() == "raise":
            raise InjectedError
        if _fault.get() == "timeout":
            await UnitOfWork.one(self, ENDLESS)
        return result

    return method


for _verb in ("all", "first", "one", "page", "run"):
    setattr(FaultyWork, _verb, _failing(_verb))


class Faulty:
    """The application, where the header says when to cancel."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind, _, after_ms = dict(scope["headers"]).get(HEADER, b"").decode().partition(":")
        _fault.set(kind)
        task = asyncio.current_task()
        if kind == "cancel" and task is not None:
            asyncio.get_running_loop().call_later(float(after_ms) / 1000, task.cancel)
        await self._app(scope, receive, send)


def install() -> None:
    """From now on, in this process."""

    def gate(*given: Any, **options: Any) -> Gate:
        return tenancy.tenant_gate(
            *given, **options | ({"timeout_ms": TIMEOUT_MS} if _fault.get() == "timeout" else {})
        )

    setattr(http, "UnitOfWork", FaultyWork)  # noqa: B010 - it is another module's, and stays so for this process
    setattr(http, "tenant_gate", gate)  # noqa: B010
