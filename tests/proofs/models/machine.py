"""A state machine that acts on the real API, step by step, and says what it expected of each.

Hypothesis runs in a thread of its own; the API in the event loop of the tests.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, TypeVar

import httpx
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from tests.cast import Hospital
from tests.core.auth.door import StillClock
from tests.proofs import ledger
from zoapets.core.permissions import ROLES, Permission

T = TypeVar("T")
STEPS_OF_AN_EXAMPLE = ledger.pick(20, 50)
# Of each machine, at least.
STEPS = ledger.pick(100, 5000)
# In one turn: the first ones that hypothesis thinks of are too simple to show anything.
FEWEST_EXAMPLES = 6
DEADLINE_S = 60
REFUSED = 400


class Diverged(AssertionError):  # noqa: N818 - what a test fails with
    """The API and the model differ."""


@dataclass
class Ground:
    """Where a machine acts: a hospital, a clock that only its steps move, and how many steps there were."""

    loop: asyncio.AbstractEventLoop
    hospital: Hospital
    clock: StillClock
    start: datetime = field(init=False)
    steps: int = 0
    # The first difference: it is the one to look at, and nothing that follows is looked at any more.
    parted: str = ""

    def __post_init__(self) -> None:
        self.start = self.clock.now()

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Do it in the event loop, and wait."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(DEADLINE_S)


class Machine(RuleBasedStateMachine):
    """What every machine has: three people, and `told`."""

    ground: ClassVar[Ground]
    roles: ClassVar[tuple[str, str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.hospital = self.ground.hospital
        # Whether anything was done since the last look.
        self.done = False
        # Every example begins on the same day: in a year of examples, the people's tokens would end.
        self.clock.at = self.ground.start
        self.people = [self.do(self.hospital.signed_in(role)) for role in self.roles]
        # Looked at before the first step, and after the one that only makes the ground.
        self.ground.steps -= 2

    @invariant()
    def a_step_was_taken(self) -> None:
        self.ground.steps += 1

    @classmethod
    def do(cls, act: Coroutine[Any, Any, T]) -> T:
        return cls.ground.run(act)

    @property
    def clock(self) -> StillClock:
        return self.ground.clock

    def may(self, actor: int, permission: Permission) -> bool:
        return permission in ROLES[self.roles[actor]]

    def told(self, answer: httpx.Response, expected: str) -> Any:
        """What was answered, which must be `expected`: a status and, of a refusal, its code."""
        word = word_of(answer)
        if word != expected:
            self.part(f"{answer.request.method} {answer.request.url.path}: {word}, not {expected}: {answer.text}")
        self.done = self.done or answer.status_code < REFUSED
        return answer.json() if answer.content else None

    def same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected and not self.ground.parted:
            self.part(f"{what}: {found}, not {expected}")

    def part(self, difference: str) -> NoReturn:
        self.ground.parted = self.ground.parted or difference
        raise Diverged(difference)


def word_of(answer: httpx.Response) -> str:
    if answer.status_code < REFUSED:
        return str(answer.status_code)
    return f"{answer.status_code} {answer.json()['type'].removeprefix('/problemas/')}"


async def divergence(
    kind: type[Machine], hospital: Hospital, clock: StillClock, *, seek: int = STEPS
) -> tuple[str, int]:
    """Where the API and the model part, after at most so many steps ("" for nowhere); and how many there were."""
    ground = Ground(asyncio.get_running_loop(), hospital, clock)
    machine = type(kind.__name__, (kind,), {"ground": ground})
    turn = 0
    while ground.steps < seek and not ground.parted:
        turn += 1
        # The same examples in every run, and others in each turn.
        chosen = settings(
            max_examples=max(FEWEST_EXAMPLES, 1 + (seek - ground.steps) // STEPS_OF_AN_EXAMPLE),
            stateful_step_count=STEPS_OF_AN_EXAMPLE,
            derandomize=False,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        try:
            await asyncio.to_thread(run_state_machine_as_test, seed(turn)(machine), settings=chosen)
        except (Diverged, Flaky):
            # Told of a difference, hypothesis looks again, at what that difference has changed meanwhile.
            if not ground.parted:
                raise
    return ground.parted and f"turn {turn}: {ground.parted}", ground.steps


def hours(count: float) -> float:
    """In seconds."""
    return timedelta(hours=count).total_seconds()
