"""The report: a line for each figure, and all of it as JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, Spread, not_measured
from benchmarks.report import Circumstances, table, write

FIGURES = [
    Figure(name="reads", compares="ours / theirs", value=Spread(0.8, 0.75, 1.2), target=0.75, at_least=True),
    Figure(name="start", compares="until ready", value=Spread.of([2.5]), unit="s", target=2, detail={"s": [2.5]}),
    Figure(name="dealt", compares="the busier worker", value=Spread.of([1234.5]), unit="of all", note="as it fell"),
    not_measured("servers", "granian / uvicorn", "granian is not installed"),
]


def test_each_line_says_name_what_ratio_target_and_whether_it_is_met() -> None:
    assert list(table(FIGURES))[2:] == [
        "| reads | ours / theirs | 0.80 | 0.75–1.20 | ≥ 0.75 | yes |",
        "| start | until ready | 2.50 s |  | ≤ 2 | **no** |",
        "| dealt | the busier worker (as it fell) | 1,234 of all |  | – | – |",
        "| servers | granian / uvicorn (granian is not installed) | – | – | – | – |",
    ]


def test_both_files_hold_every_figure_and_the_circumstances(tmp_path: Path) -> None:
    run = Circumstances(datetime(2026, 11, 25, 3, 0, tzinfo=UTC), 612.0, 0.3, quick=True)

    text = write(tmp_path, FIGURES, run)

    found = json.loads((tmp_path / "result.json").read_text())
    assert [figure["met"] for figure in found["figures"]] == [True, False, None, None]
    assert (found["quick"], found["figures"][1]["detail"]) == (True, {"s": [2.5]})
    assert (tmp_path / "result.md").read_text() == text
    assert text.startswith("2026-11-25 03:00 UTC, ")
    assert "10.2 minutes, quick" in text
