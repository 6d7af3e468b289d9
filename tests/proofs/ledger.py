"""What a run of the proofs has found, a line at a time, and the report that is made of it.

Every process of the run appends to the same folder, so that a worker that dies takes no finding with it.
"""

import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(".proofs")
FULL = "ZOAPETS_PROOFS"


def is_full() -> bool:
    """Whether this run is the whole of the proofs, or the slice that `make test` runs."""
    return os.environ.get(FULL) == "full"


def pick(part: int, whole: int) -> int:
    """How much to do: `part` in a slice, `whole` when all of it is asked for."""
    return whole if is_full() else part


class Ledger:
    """Takes down figures that were shown, and breaks that were seen."""

    def __init__(self, section: str, test: str) -> None:
        self._section = section
        self._test = test

    def shown(self, what: str, **figures: Any) -> None:
        """A proof held: `figures` say over how much."""
        self._append({"kind": "shown", "what": what, "figures": figures})

    def seen(self, broken: str, **figures: Any) -> None:
        """A deliberate break (`broken` says which) was caught by this proof."""
        self._append({"kind": "seen", "what": broken, "figures": figures})

    def _append(self, line: dict[str, Any]) -> None:
        if not is_full():
            return
        FOLDER.mkdir(exist_ok=True)
        with (FOLDER / f"{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps({"section": self._section, "test": self._test, **line}, default=str) + "\n")


def begin() -> None:
    """Forget what an earlier run has found."""
    for file in FOLDER.glob("*.jsonl"):
        file.unlink()


def write_report(outcome: str, seconds: float) -> None:
    """`report.json` and `report.md`, of all that was taken down."""
    lines = sorted(_lines(), key=lambda line: (line["section"], line["kind"], line["what"]))
    head = {
        "outcome": outcome,
        "date": datetime.now(UTC).date().isoformat(),
        "minutes": round(seconds / 60, 1),
        "machine": f"{os.cpu_count()} cores, {_memory_gib()} GiB, {platform.system()}, Python "
        f"{platform.python_version()}",
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "report.json").write_text(json.dumps({**head, "lines": lines}, indent=1, ensure_ascii=False) + "\n")
    shown, seen = ([line for line in lines if line["kind"] == kind] for kind in ("shown", "seen"))
    text = [
        f"`make proofs`, {head['date']}, {head['minutes']} min, {head['machine']}: {outcome}.",
        "",
        "| Section | Shown | Figures |",
        "|---|---|---|",
        *(f"| {line['section']} | {line['what']} | {_figures(line)} |" for line in shown),
        "",
        "| Section | Deliberate break | Caught by | Figures |",
        "|---|---|---|---|",
        *(f"| {line['section']} | {line['what']} | `{line['test']}` | {_figures(line)} |" for line in seen),
    ]
    (FOLDER / "report.md").write_text("\n".join(text) + "\n")


def _lines() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def _figures(line: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in line["figures"].items())


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
