"""The figures as a table for people and as JSON."""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
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


def document(figures: Iterable[Figure], *, began: datetime, seconds: float, quick: bool) -> dict[str, Any]:
    """All of it, with what each round measured."""
    return {
        "began": began.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "quick": quick,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "figures": [_as_json(figure) for figure in figures],
    }


def write(folder: Path, figures: list[Figure], *, began: datetime, quick: bool) -> str:
    """Into `folder`, as `result.json` and `result.md`; the text of the latter."""
    seconds = (datetime.now(UTC) - began).total_seconds()
    found = document(figures, began=began, seconds=seconds, quick=quick)
    (folder / "result.json").write_text(json.dumps(found, indent=2, ensure_ascii=False, default=str) + "\n")
    head = (
        f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {seconds / 60:.1f} minutes{', quick' if quick else ''}."
    )
    text = "\n".join([head, "", *table(figures), ""])
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
