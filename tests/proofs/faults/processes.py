"""Processes of ours, to be killed and frozen; and waiting for something to become true."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

# Bounds a failure; nothing takes this long.
DEADLINE_S = 180.0
_POLL_S = 0.01


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = DEADLINE_S) -> float:
    """Return once it holds, with the seconds that took; AssertionError with `what` when it does not in time."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(_POLL_S)
    return time.monotonic() - started


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent = _state(int(entry.name))
            if parent == pid and state != "Z":
                found.append(int(entry.name))
    return sorted(found)


def command(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def runs(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return _state(pid)[0] != "Z"
    return False


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """The signal to each of them that still runs."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _state(pid: int) -> tuple[str, int]:
    """A process's state and its parent; its name, which stands before them in brackets, may hold anything."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1])
