"""`zoapets demo`: up by itself, what it prints works, and nothing that it started outlives it."""

import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.test_serve import DEADLINE_SECONDS, free_port
from zoapets.cli import main
from zoapets.cli.folder import erase, keys
from zoapets.cli.output import FailureError
from zoapets.demo.installation import LOGINS, PASSWORD, PLATFORM_EMAIL

needs_shell = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "sed"))), reason="what it prints is for bash"
)


@dataclass
class Demo:
    """A running `zoapets demo`, and the lines it has printed so far."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]

    def wait_for(self, text: str) -> None:
        """Read until a line has this in it."""
        assert self.process.stdout is not None
        while not any(text in line for line in self.lines):
            line = self.process.stdout.readline()
            assert line, f"it ended before it said {text!r}:\n{''.join(self.lines)}"
            self.lines.append(line)

    def up(self) -> "Demo":
        self.wait_for("--reset starts over")
        return self

    def ends(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    port = free_port()
    command = [sys.executable, "-m", "zoapets", "demo", "--folder", str(folder), *options]
    environ = {"PATH": os.environ["PATH"], "PORT": str(port)}
    with subprocess.Popen(  # noqa: S603 - ours
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Demo(process, f"http://127.0.0.1:{port}", [])
        finally:
            # On Linux its servers end with it, however it ends.
            process.kill()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One demo's folder for all tests here: making the data takes longer than any of them."""
    with tempfile.TemporaryDirectory(prefix="zd-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)  # run by root, the servers are `nobody`'s
        yield Path(place) / "data"


@contextmanager
def watched(folder: Path) -> Iterator[list[int]]:
    """Every process that works in this folder."""
    pids = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(folder).encode() in (process / "cmdline").read_bytes()
    ]
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def wait_until_ended(processes: list[int]) -> None:
    left = set(processes)
    while left:
        ended, _, _ = select.select(left, [], [], DEADLINE_SECONDS)
        assert ended, "something outlives the demo"
        left -= set(ended)


def sign_in(running: Demo, email: str) -> httpx.Response:
    return httpx.post(
        f"{running.url}/auth/login", json={"email": email, "password": PASSWORD}, timeout=DEADLINE_SECONDS
    )


def painel(running: Demo) -> dict[str, list[Any]]:
    token = sign_in(running, "enfermagem@aurora.test").json()["accessToken"]
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.get(f"{running.url}/administracoes/painel-enfermagem", headers=headers, timeout=DEADLINE_SECONDS)
    panel: dict[str, list[Any]] = answer.json()
    return panel


@dataclass
class Before:
    """What the starts before the last one left: exit codes, the panel, and what a vet saw with a token."""

    codes: list[int]
    panel: dict[str, list[Any]]
    headers: dict[str, str]
    pets: Any


@pytest.fixture(scope="module")
def before(folder: Path) -> Before:
    """A first start that is interrupted while it makes the data, and a second one that is ended when it is up."""
    with demo(folder) as running:
        running.wait_for("aurora: prescriptions and doses")
        with watched(folder) as processes:
            codes = [running.ends(signal.SIGINT)]
            wait_until_ended(processes)
    with demo(folder) as running:
        panel = painel(running.up())
        headers = {"authorization": f"Bearer {sign_in(running, 'vet@aurora.test').json()['accessToken']}"}
        pets = httpx.get(f"{running.url}/pets", headers=headers, timeout=DEADLINE_SECONDS).json()
        with watched(folder) as processes:
            codes.append(running.ends(signal.SIGTERM))
            wait_until_ended(processes)
    return Before(codes, panel, headers, pets)


@pytest.fixture(scope="module")
def running(folder: Path, before: Before) -> Iterator[Demo]:
    """The third start, for all tests here."""
    assert before
    with demo(folder) as third:
        yield third.up()


def test_it_ends_with_all_that_it_started_on_ctrl_c_and_on_sigterm(before: Before) -> None:
    assert before.codes == [0, 0]


def test_a_first_start_that_was_interrupted_is_made_good_by_the_next(before: Before) -> None:
    assert all(before.panel[part] for part in ("atrasadas", "pendentes", "proximas"))


def test_a_later_start_finds_the_data_and_the_logins_again(before: Before, running: Demo) -> None:
    assert httpx.get(f"{running.url}/pets", headers=before.headers).json() == before.pets
    assert not any("aurora: staff" in line for line in running.lines)


def test_everybody_signs_in_as_printed_and_the_parts_are_well(running: Demo) -> None:
    printed = set(re.findall(r"\S+@\S+\.test", "".join(running.lines)))
    expected = {f"{login}@{slug}.test" for login in LOGINS for slug in ("aurora", "horizonte")} | {PLATFORM_EMAIL}

    assert {email for email in printed if "{" not in email} == expected
    roles = {sign_in(running, email).json()["user"]["roles"][0] for email in sorted(expected)}
    assert roles == {*LOGINS.values(), "Plataforma"}
    assert httpx.get(f"{running.url}/health/ready").json()["status"] == "ok"
    assert httpx.get(f"{running.url}/docs").status_code == 200


@needs_shell
def test_the_printed_lines_work_as_they_stand(running: Demo) -> None:
    lines = [line for line in running.lines if "curl" in line]
    first = painel(running)["pendentes"][0]["id"]

    script = "\necho\n".join(lines)
    done = subprocess.run(["bash", "-ceu", script], capture_output=True, text=True, check=True)  # noqa: S603, S607 - ours

    assert len(lines) == 3
    panel, given = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert panel["pendentes"][0]["id"] == first
    assert (given["id"], given["status"]) == (first, "realizada")


@pytest.mark.parametrize("options", [(), ("--reset",)], ids=["start", "reset"])
def test_a_folder_in_use_is_neither_started_on_nor_erased(
    folder: Path, running: Demo, options: tuple[str, ...]
) -> None:
    with demo(folder, *options) as second:
        said, _ = second.process.communicate(timeout=DEADLINE_SECONDS)

    assert second.process.returncode == 1
    assert "in use by another running instance" in said
    assert sign_in(running, "vet@aurora.test").is_success


def test_the_signing_keys_are_for_the_owner_alone_and_stay(folder: Path, running: Demo, tmp_path: Path) -> None:
    assert running
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600
    made = keys(tmp_path)
    assert keys(tmp_path) == made != keys(folder)
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(FailureError, match="cannot be read"):
        keys(tmp_path)


def test_a_port_that_is_taken_is_told_before_anything_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        code = main(["demo", "--port", str(port), "--folder", str(tmp_path / "data")])
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert code == 1
    assert f"port {port} is taken" in (said := capsys.readouterr().err)
    assert "PORT=" in said
    assert not (tmp_path / "data").exists()


def test_starting_over_removes_a_demos_data_and_nothing_else(tmp_path: Path) -> None:
    for name in ("postgres", "valkey", "demo-files", "files"):
        (tmp_path / name).mkdir()
    for name in ("secrets.json", "postgres.log", "mine.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(FailureError, match="is not a demo's folder"):
        erase(tmp_path)
    assert (tmp_path / "postgres").exists()

    (tmp_path / "in-use.lock").write_text("1")
    erase(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"files", "mine.txt", "in-use.lock", "servers.lock"}
    erase(tmp_path / "missing")
