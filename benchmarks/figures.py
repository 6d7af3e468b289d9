"""What a benchmark finds: a ratio within one run, or a measure that stands by itself, beside what it should be."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(statistics.median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, pairs: Sequence[tuple[float, float]]) -> Self:
        """Of the first over the second, round by round: what the machine does meanwhile hits both alike."""
        return cls.of([first / second for first, second in pairs])


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the report. `target` is None for what is only shown; `value` is None for what was not measured."""

    name: str
    compares: str
    value: Spread | None
    unit: str = "x"
    target: float | None = None
    at_least: bool = False
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the median is as the target asks; None where there is nothing to say."""
        if self.value is None or self.target is None:
            return None
        return self.value.median >= self.target if self.at_least else self.value.median <= self.target


def not_measured(name: str, compares: str, why: str) -> Figure:
    return Figure(name=name, compares=compares, value=None, note=why)


async def interleaved(rounds: int, first: Measure, second: Measure) -> list[tuple[float, float]]:
    """Both measures, `rounds` times, in turn: A B, B A, A B, so that neither always comes after the other."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            theirs, ours = await second(), await first()
        else:
            ours, theirs = await first(), await second()
        pairs.append((ours, theirs))
    return pairs
