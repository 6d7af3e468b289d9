"""What every command has in common: help, exit codes, and the way errors are told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoapets import __version__
from zoapets.cli import main

COMMANDS = ["demo", "serve", "migrate", "doctor", "tenants", "users", "openapi"]
TENANTS = ["create", "list", "suspend", "resume", "check", "export", "import", "verify"]


def run(*tokens: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m zoapets`, with no configuration but this."""
    command = [sys.executable, "-m", "zoapets", *tokens]
    environment = {"PATH": os.environ["PATH"], **(environ or {})}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - ours


def test_the_help_names_every_command_and_the_exit_codes() -> None:
    said = run("--help")

    assert said.returncode == 0
    assert [name for name in COMMANDS if name not in said.stdout] == []
    assert "Exit codes: 0 done" in said.stdout


@pytest.mark.parametrize(
    "command",
    [*([name] for name in COMMANDS), *(["tenants", verb] for verb in TENANTS)]
    + [["users", verb] for verb in ("create", "reset-password")],
    ids=" ".join,
)
def test_every_command_says_what_it_does(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert f"Usage: zoapets {' '.join(command)}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    "tokens", [["tenant"], ["serve", "--port", "1"], ["tenants", "create"], ["demo", "--port", "0"]]
)
def test_what_is_misspelt_or_missing_is_exit_code_2(tokens: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tokens) == 2
    written = capsys.readouterr()
    assert (written.out, bool(written.err)) == ("", True)


def test_an_unfit_configuration_is_told_whole_with_exit_code_2() -> None:
    said = run("serve", environ={"JWT_SECRET": "super-secret-key-change-in-production", "PORT": "http"})

    assert said.returncode == 2
    for name in ("DATABASE_HOST", "JWT_SECRET", "JWT_REFRESH_SECRET", "PORT"):
        assert f"error: {name} " in said.stderr
    assert ".env.example" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_document_needs_neither_configuration_nor_database(tmp_path: Path) -> None:
    printed = run("openapi")
    written = run("openapi", "--output", str(tmp_path / "openapi.json"))

    assert (printed.returncode, written.returncode) == (0, 0), printed.stderr
    document = json.loads(printed.stdout)
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", __version__)
    assert "/auth/login" in document["paths"]
    assert json.loads((tmp_path / "openapi.json").read_text()) == document


def test_a_file_that_cannot_be_written_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["openapi", "--output", str(tmp_path / "missing" / "openapi.json")]) == 1
    assert "No such file or directory" in capsys.readouterr().err
