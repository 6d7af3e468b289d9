"""Schemathesis over the application's own document: what is sent follows from it, what comes back must fit it."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.proofs.input.watch import SIGNED_IN, Watch
from zoapets.common.schema import Email, Microchip, Normal, Telefone

SEED = 20260302
_digits = st.text("0123456789", min_size=7, max_size=7)
# Of formats that are ours: values that are read, many where they must differ from record to record.
VALUES: dict[type[Normal], st.SearchStrategy[str]] = {
    Email: _digits.map(lambda number: f"ana{number}@exemplo.com.br"),
    Microchip: _digits.map(lambda number: f"07600000{number}"),
    Telefone: _digits.map(lambda number: f"+55 (11) 98{number}"),
}
# Checks of schemathesis that are not made, each with its reason.
NOT_CHECKED = {
    "positive_data_acceptance": "rooms have rules over several fields and records, which no schema says",
    "object_level_authorization": "held by the access matrix, for every role and every other hospital",
    "ignored_auth": "held by the access matrix, for every kind of token",
}
# What may refuse invalid data, beside what schemathesis knows: a body too large, an edit of what has changed.
REFUSALS = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428", "429"]
VIOLATION = re.compile(r"violates `(\w+)` at /properties/(\w+)")
PHASES = ("examples", "coverage", "fuzzing", "stateful")


# Whether the operation of this method and path is to be tried.
Only = Callable[[str, str], bool]


@dataclass(frozen=True)
class Outcome:
    """How much was sent in each phase, and everything that was wrong."""

    requests: Counter[str]
    findings: list[str]


def _register_formats() -> None:
    kinds = Normal.__subclasses__()
    for kind in kinds:
        schemathesis.openapi.format(kind.__name__.lower(), VALUES.get(kind, st.just(kind.example)))


async def fuzz(watch: Watch, *, cases: int, phases: tuple[str, ...] = PHASES, only: Only | None = None) -> Outcome:
    """Send `cases` cases for each operation that `only` (method, path) lets through, in each phase."""
    outcome = await asyncio.to_thread(_run, watch, _config(cases, phases), only)
    return Outcome(
        outcome.requests, outcome.findings + [f"{what} ({n} times)" for what, n in watch.all_findings.items()]
    )


async def a_few(watch: Watch, *, only: Only) -> Outcome:
    """The slice: a case or two of every operation, and for each 12th all that its schema covers."""
    seen: list[str] = []

    def each_twelfth(method: str, path: str) -> bool:
        if not only(method, path):
            return False
        name = f"{method} {path}"
        if name not in seen:
            seen.append(name)
        return seen.index(name) % 12 == 0

    first = await fuzz(watch, cases=1, phases=("examples", "fuzzing"), only=only)
    second = await fuzz(watch, cases=1, phases=("coverage",), only=each_twelfth)
    return Outcome(first.requests + second.requests, first.findings + second.findings)


def _config(cases: int, phases: tuple[str, ...]) -> SchemathesisConfig:
    checks: dict[str, Any] = {name: {"enabled": False} for name in NOT_CHECKED}
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": SIGNED_IN},
            "continue-on-failure": True,
            "warnings": False,
            "generation": {"max-examples": cases, "deterministic": True, "no-shrink": True, "database": "none"},
            "phases": {name: {"enabled": name in phases} for name in PHASES},
            "checks": checks | {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        }
    )


def _run(watch: Watch, config: SchemathesisConfig, only: Only | None) -> Outcome:
    _register_formats()
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", watch, config=config)
    if only is not None:
        schema = schema.include(lambda ctx: only(ctx.operation.method.upper(), ctx.operation.path))
    requests: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            requests[event.phase.value] += len(event.recorder.interactions)
            findings.update(_failures(event))
        elif isinstance(event, events.NonFatalError):
            findings[f"{event.label}: {event.info.title}: {event.value}"] += 1
        elif isinstance(event, events.FatalError):
            raise event.exception
    return Outcome(requests, [f"{what} ({times} times)" for what, times in findings.items()])


def _failures(event: events.ScenarioFinished) -> Iterator[str]:
    for case, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            failure, sent = check.failure_info.failure, check.failure_info.code_sample
            if not _is_of_nothing(failure.message, event.recorder.cases[case].value.body):
                yield f"{event.label}: {check.name}: {failure.title}: {failure.message}: {sent}"


def _is_of_nothing(message: str, body: Any) -> bool:
    """Whether all that is said to be invalid are formats of fields that are null: a format is of texts alone."""
    violated = VIOLATION.findall(message)
    return bool(violated) and all(
        rule == "format" and isinstance(body, dict) and name in body and body[name] is None for rule, name in violated
    )
