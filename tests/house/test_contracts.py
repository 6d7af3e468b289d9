"""Who may import whom: the contracts of pyproject.toml hold, and each is seen to fail when it is broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
# Contract, the module that breaks it, and how.
BREAKS = [
    ("floors", "entities/pets.py", "import zoapets.common.text"),
    ("floors", "common/text.py", "import zoapets.core.crud"),
    ("floors", "core/crud.py", "import zoapets.modules.pets.schemas"),
    ("floors", "modules/pets/service.py", "import zoapets.app"),
    ("floors", "app.py", "import zoapets.embedded"),
    ("floors", "a_new_floor.py", "import zoapets.common"),
    ("rooms", "modules/tutores/service.py", "import zoapets.modules.pets.service"),
    ("controllers", "modules/pets/service.py", "import zoapets.modules.tutores.controller"),
    ("controllers", "core/http.py", "import zoapets.core.auth.controller"),
    ("no-http", "modules/pets/service.py", "import litestar"),
    ("no-http", "modules/pets/schemas.py", "import zoapets.core.http"),
    ("no-http", "modules/pets/rules.py", "import uvicorn"),
    ("no-http", "modules/pets/queries.py", "import litestar.params"),
    ("no-http", "modules/pets/jobs.py", "import litestar"),
    ("pure-rules", "modules/pets/rules.py", "import sqlalchemy"),
    ("pure-rules", "modules/pets/rules.py", "import asyncpg"),
    ("pure-rules", "modules/pets/rules.py", "import zoapets.modules.pets.queries"),
    ("one-gate", "modules/pets/service.py", "import asyncpg"),
]


def contracts() -> set[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"] for contract in pyproject["tool"]["importlinter"]["contracts"]}


def lint(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the project's contracts on the package under `root`."""
    command = [str(LINT_IMPORTS), "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml"), *flags]
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_every_contract_holds() -> None:
    answer = lint(ROOT)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_no_contract_goes_untried() -> None:
    assert {contract for contract, _, _ in BREAKS} == contracts()


@pytest.mark.parametrize(("contract", "module", "statement"), BREAKS)
def test_a_forbidden_import_is_found(tmp_path: Path, contract: str, module: str, statement: str) -> None:
    package = tmp_path / "src" / "zoapets"
    ignored = shutil.ignore_patterns("__pycache__", "static", "*.json")
    shutil.copytree(PACKAGE, package, ignore=ignored)
    with (package / module).open("a") as file:
        file.write(f"\n{statement}\n")

    answer = lint(tmp_path, "--contract", contract)

    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "0 kept, 1 broken" in answer.stdout
