"""How the commands speak: tables and progress for people, `--json` and exit codes for scripts."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
# Into a pipe or a file, where there is no width to ask for, nothing is cut.
PIPE_WIDTH = 200

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output, and nothing else.")]


class FailureError(Exception):
    """What was asked was not done: why, what to do about it, and the exit code."""

    def __init__(self, *reasons: str, advice: str = "", code: int = FAILED) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons
        self.advice = advice
        self.code = code


def console(*, stderr: bool = False) -> Console:
    """Made when it is needed: the streams may have changed since."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)


def say(text: str, *, style: str | None = None, stderr: bool = False) -> None:
    """One line, as it is: never wrapped, no markup."""
    console(stderr=stderr).print(text, style=style, markup=False, soft_wrap=True)


def complain(*reasons: str, advice: str = "") -> None:
    """What went wrong, on standard error."""
    for reason in reasons:
        say(f"error: {reason}", style="red", stderr=True)
    if advice:
        say(advice, stderr=True)


def emit(value: Any) -> None:
    """`value` as JSON on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headings; long values are folded, never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


@contextmanager
def progress(title: str, total: int, *, silent: bool) -> Iterator[Progress]:
    """A bar on standard error; into a pipe, its last state alone."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), disable=silent) as bar:
        bar.add_task(title, total=total)
        yield bar
