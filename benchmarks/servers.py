"""Servers under test: processes of their own, started as users start them, and what they use of memory."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import HOST, request

ROOT = Path(__file__).resolve().parents[1]
START_S = 60.0
STOP_S = 15.0
POLL_S = 0.005
READY = "/health/ready"
KIB_A_MIB = 1024


class ServerError(RuntimeError):
    """A server did not start; the message ends with what it said."""


@dataclass(frozen=True)
class Server:
    """A running server and the file with its access lines. `started` is how long (s) it took to be ready."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    started: float

    def processes(self) -> list[int]:
        """Its process and all that descend from it."""
        parents = _parents()
        tree = [self.process.pid]
        for pid in tree:
            tree += [child for child, parent in parents.items() if parent == pid]
        return tree

    def cpu_seconds(self) -> float:
        """What all of its processes have used so far, however busy the machine was with others."""
        return sum(_ticks(pid) for pid in self.processes()) / os.sysconf("SC_CLK_TCK")

    def connections(self) -> dict[int, int]:
        """How many connections each process has accepted on its port."""
        inodes = _sockets(self.port)
        counts = {}
        for pid in self.processes():
            if count := sum(inode in inodes for inode in _open_sockets(pid)):
                counts[pid] = count
        return counts


@asynccontextmanager
async def serving(
    command: Sequence[str], environ: Mapping[str, str], log: Path, *, ready: str = READY
) -> AsyncIterator[Server]:
    """`command` with PORT in its environment, from its start to its end; ready when `ready` answers 200."""
    port = free_port()
    given = {"PATH": os.environ["PATH"], "HOST": HOST, **environ, "PORT": str(port)}
    command = [part.replace("{port}", str(port)) for part in command]
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=given, cwd=ROOT, stdout=output, stderr=output)  # noqa: S603, ASYNC220 - ours; it returns at once
    try:
        await _wait_until_ready(process, port, ready, log)
        yield Server(process, port, log, time.perf_counter() - began)
    finally:
        await _end(process)


def zoapets(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "zoapets", *arguments]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def proportional_mib(pid: int) -> float:
    """What a process holds, with pages that several hold shared out among them."""
    return _rollup(pid)["Pss"] / KIB_A_MIB


def own_mib(pid: int) -> float:
    """What a process holds for itself alone: without libraries and without PostgreSQL's shared buffers."""
    return _rollup(pid)["Anonymous"] / KIB_A_MIB


def resident_mib(pid: int) -> float:
    return _rollup(pid)["Rss"] / KIB_A_MIB


async def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        if await _answers_200(port, path):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"it did not become ready:\n{_end_of(log)}")
        await asyncio.sleep(POLL_S)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _answers_200(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(request("GET", path, connection="close"))
        return (await reader.read(12)).endswith(b" 200")
    except OSError:
        return False
    finally:
        writer.close()


async def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, STOP_S)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _rollup(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}


def _parents() -> dict[int, int]:
    """Of every process, its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(entry.name)] = int(fields[1])
    return found


def _sockets(port: int) -> set[str]:
    """The inodes of established connections to a port."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "01":
            found.add(fields[9])
    return found


def _open_sockets(pid: int) -> list[str]:
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.append(target[8:-1])
    return found
