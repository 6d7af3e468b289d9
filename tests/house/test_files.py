"""Files stay short, are named for what they hold, and leave commits to core."""

import ast

import pytest

from tests.house.source import ROOT, modules

MOST_LINES = 400
# File -> the ADR (docs/adr/) that gives the reason.
LONGER: dict[str, str] = {}


def python_files() -> list[str]:
    folders = (ROOT / name for name in ("src", "tests", "tools", "benchmarks"))
    return [path.relative_to(ROOT).as_posix() for folder in folders for path in sorted(folder.rglob("*.py"))]


def test_no_file_is_longer_than_one_can_read() -> None:
    lines = {name: len((ROOT / name).read_text().splitlines()) for name in python_files()}

    assert {name: count for name, count in lines.items() if count > MOST_LINES and name not in LONGER} == {}
    assert {name for name in LONGER if lines.get(name, 0) <= MOST_LINES} == set(), "no longer long: strike it out"
    for name, adr in LONGER.items():
        assert (ROOT / "docs" / "adr" / adr).exists(), f"{name} names no ADR"


@pytest.mark.parametrize("word", ["util", "utils", "helper", "helpers", "misc"])
def test_no_module_is_named_for_nothing(word: str) -> None:
    assert [name for name in python_files() if f"/{word}.py" in name or f"/{word}/" in name] == []


def test_nothing_outside_core_commits() -> None:
    """A unit of work ends in one place, so that no half of it can be stored."""
    found = [
        f"{name}:{call.lineno}"
        for name, tree in modules()
        if not name.startswith("core/")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"commit", "rollback"}
    ]

    assert found == []
