"""The whole of the proofs (`make proofs`): first what may share the machine, then what is measured, and the report."""

import os
import subprocess
import sys
import time

from tests.proofs import ledger

ALL = "tests/proofs"
# They have bounds on times.
MEASURED = (f"{ALL}/faults", f"{ALL}/rivals")
SIDE_BY_SIDE = ["-n", "2", "--dist", "loadfile"]


def main(asked: list[str]) -> int:
    """`asked` are paths, all of the proofs when there is none; the answer is the worst of what pytest has said."""
    started, measured = time.monotonic(), [path for path in asked if path.startswith(MEASURED)]
    runs = [[*SIDE_BY_SIDE, *(f"--ignore={path}" for path in MEASURED), ALL], [*MEASURED]]
    if asked:
        runs = [[*SIDE_BY_SIDE, *others] if (others := [p for p in asked if p not in measured]) else [], measured]
    ledger.begin()
    environ = os.environ | {ledger.FULL: "full"}
    command = [sys.executable, "-m", "pytest"]
    codes = [subprocess.run([*command, *run], env=environ, check=False).returncode for run in runs if run]  # noqa: S603 - ours
    ledger.write_report("NOT green" if any(codes) else "green", time.monotonic() - started)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
