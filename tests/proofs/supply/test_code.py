"""The linter's security rules (those of bandit) hold, and whatever they were told to overlook has its reason."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import ruff

from tests.house.source import PACKAGE, ROOT
from tests.proofs.ledger import Ledger

OVERLOOKED = re.compile(r"#\s*noqa(?P<codes>:[^-#\n]*)?(?P<reason>-[^\n]*)?")
SECURITY = re.compile(r"\bS\d{3}\b")


def without_reason(files: Iterable[Path]) -> tuple[int, list[str]]:
    """How many lines a security rule overlooks, and those of them that do not say why."""
    overlooked, findings = 0, []
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if (match := OVERLOOKED.search(line)) is None:
                continue
            codes, reason = match["codes"], match["reason"]
            if codes is None or SECURITY.search(codes):
                overlooked += 1
                if codes is None or not (reason or "").strip("- "):
                    findings.append(f"{path.name}:{number}: {line.strip()[-60:]}")
    return overlooked, findings


def security_faults(*paths: Path) -> list[str]:
    """What the security rules say of these files, with nothing overlooked but by `noqa`."""
    command = [ruff.find_ruff_bin(), "check", "--isolated", "--select", "S", "--output-format", "concise", "--quiet"]
    said = subprocess.run([*command, *paths], check=False, capture_output=True, text=True)  # noqa: S603 - of ours
    return said.stdout.splitlines()


def test_the_security_rules_hold(proof: Ledger) -> None:
    # Of a migration: SQL as text is what it is.
    findings = [
        line for line in security_faults(PACKAGE, ROOT / "tools") if not ("/migrations/" in line and "S608" in line)
    ]

    overlooked, silent = without_reason(sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tools").rglob("*.py")]))

    assert not findings, "\n".join(findings)
    assert not silent, "\n".join(silent)
    proof.shown("bandit's rules hold; whatever is overlooked says why", overlooked=overlooked)


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)  # noqa: S307",
        "eval(text)  # noqa",
        "eval(text)  # noqa: S307 -",
    ],
)
def test_it_sees_a_rule_overlooked_without_a_reason(tmp_path: Path, line: str, proof: Ledger) -> None:
    (tmp_path / "module.py").write_text(line + "\n")

    assert without_reason([tmp_path / "module.py"]) == (1, [f"module.py:1: {line}"])
    proof.seen(f"`{line}`")


def test_it_sees_code_that_a_rule_is_against(tmp_path: Path, proof: Ledger) -> None:
    (tmp_path / "module.py").write_text("import subprocess\nsubprocess.call('ls', shell=True)\neval('1')\n")

    findings = security_faults(tmp_path)

    assert any("S307" in line for line in findings)
    proof.seen("`eval` and a shell in a module", findings=len(findings))
