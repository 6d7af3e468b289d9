"""The whole of the proofs (`make proofs`): first what may share the machine, then what is measured, and the report."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.proofs import ledger

ALL = "tests/proofs"
# They have bounds on times.
MEASURED = (f"{ALL}/faults", f"{ALL}/rivals")
# What takes longest begins first, so that no process waits for the other at the end.
LONGEST = f"{ALL}/input"
SIDE_BY_SIDE = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def main(asked: list[str]) -> int:
    """`asked` are paths, all of the proofs when there is none; the answer is the worst of what pytest has said."""
    started = time.monotonic()
    asked = asked or [LONGEST, *sorted(str(path.parent) for path in Path(ALL).glob("*/__init__.py"))]
    measured = [path for path in asked if path.startswith(MEASURED)]
    beside = [path for path in dict.fromkeys(asked) if path not in measured]
    runs = [[*SIDE_BY_SIDE, *beside] if beside else [], measured]
    ledger.begin()
    environ = os.environ | {ledger.FULL: "full"}
    command = [sys.executable, "-m", "pytest"]
    codes = [subprocess.run([*command, *run], env=environ, check=False).returncode for run in runs if run]  # noqa: S603 - ours
    ledger.write_report("NOT green" if any(codes) else "green", time.monotonic() - started)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
