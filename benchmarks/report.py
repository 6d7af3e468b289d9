"""The figures as a table for people and as JSON."""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Spread

WORDS = {True: "yes", False: "**no**", None: "–"}


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """A markdown table, a line for each figure."""
    yield "| name | what it compares | median | least–most | target | met |"
    yield "| --- | --- | ---: | ---: | ---: | --- |"
    for figure in figures:
        cells = [figure.name, figure.compares, *_measured(figure), _target(figure), WORDS[figure.met]]
        if figure.note:
            cells[1] += f" ({figure.note})"
        yield "| " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class Circumstances:
    """When, on what, and how busy it was with others before it began."""

    began: datetime
    seconds: float
    load_before: float
    quick: bool

    def __str__(self) -> str:
        said = f"{self.began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}"
        said += f", load average {self.load_before:.1f} before, {self.seconds / 60:.1f} minutes"
        return f"{said}, quick: these figures say little." if self.quick else f"{said}."


def document(figures: Iterable[Figure], run: Circumstances) -> dict[str, Any]:
    """All of it, with what each round measured."""
    return {
        "began": run.began.isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 1),
        "load_before": run.load_before,
        "quick": run.quick,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "figures": [_as_json(figure) for figure in figures],
    }


def write(folder: Path, figures: list[Figure], run: Circumstances) -> str:
    """Into `folder`, as `result.json` and `result.md`; the text of the latter."""
    found = json.dumps(document(figures, run), indent=2, ensure_ascii=False, default=str)
    (folder / "result.json").write_text(found + "\n")
    text = "\n".join([str(run), "", *table(figures), ""])
    (folder / "result.md").write_text(text)
    return text


def _measured(figure: Figure) -> tuple[str, str]:
    spread = figure.value
    if spread is None:
        return "–", "–"
    unit = "" if figure.unit == "x" else f" {figure.unit}"
    rounds = "" if spread.least == spread.most else f"{_short(spread.least)}–{_short(spread.most)}"
    return f"{_short(spread.median)}{unit}", rounds


def _target(figure: Figure) -> str:
    if figure.target is None:
        return "–"
    return f"{'≥' if figure.at_least else '≤'} {_short(figure.target)}"


def _short(number: float) -> str:
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"  # noqa: PLR2004 - three digits


def _as_json(figure: Figure) -> dict[str, Any]:
    spread: Spread | None = figure.value
    return {
        "name": figure.name,
        "compares": figure.compares,
        "value": None if spread is None else spread.median,
        "least": None if spread is None else spread.least,
        "most": None if spread is None else spread.most,
        "unit": figure.unit,
        "target": figure.target,
        "at_least": figure.at_least,
        "met": figure.met,
        "note": figure.note,
        "detail": figure.detail,
    }
