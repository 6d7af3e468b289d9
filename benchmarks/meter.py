"""A server's answers a second, and what it used of CPU for each: that, what else the machine does hardly moves."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import Run
from benchmarks.servers import Server


@dataclass
class Meter:
    """What the runs against a server came to."""

    server: Server
    rates: list[int] = field(default_factory=list, init=False)
    _cpu: float = field(default=0.0, init=False)
    _answers: int = field(default=0, init=False)

    async def rate(self, run: Awaitable[Run]) -> float:
        """Answers a second of this run."""
        before = self.server.cpu_seconds()
        done = await run
        self._cpu += self.server.cpu_seconds() - before
        self._answers += done.answers
        self.rates.append(round(done.rate))
        return done.rate

    @property
    def cpu_ms(self) -> float:
        """Of all the server's processes, an answer."""
        return 1000 * self._cpu / self._answers


def by_cpu(first: Meter, second: Meter) -> str:
    """How many answers the first gives for the CPU of one of the second's."""
    return f"{second.cpu_ms / first.cpu_ms:.2f} by the servers' CPU"


def measured(first: Meter, second: Meter) -> dict[str, Any]:
    """For the report."""
    return {
        "req/s": [first.rates, second.rates],
        "servers' CPU ms an answer": [round(first.cpu_ms, 3), round(second.cpu_ms, 3)],
    }
