"""The folder of `zoapets demo`: its signing keys, and starting over."""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from zoapets.cli.output import FailureError

# The locks of EmbeddedServers, and for how many seconds to wait for each: the servers of an instance that was killed
# take a moment to end.
IN_USE = "in-use.lock"
LOCKS = {IN_USE: 0.0, "servers.lock": 10.0}
POLL_S = 0.05
# What a demo makes, beside the locks and the copies of programs; nothing else is ever removed.
FOLDERS = ("postgres", "postgres.new", "valkey", "demo-files")
ACCESS_LOG = "access.log"
FILES = ("secrets.json", "postgres.log", "valkey.log", ACCESS_LOG)
ELSEWHERE = re.compile(r"/var/tmp/zoapets-[0-9a-f]{16}")  # noqa: S108 - where EmbeddedServers puts it, if it is ours


class Keys(msgspec.Struct, frozen=True):
    """The demo's signing keys: made up once, so that a login outlives a restart."""

    jwt_secret: str
    jwt_refresh_secret: str


def keys(folder: Path) -> Keys:
    """The keys in `folder/secrets.json`, which only its owner can read; made when missing."""
    path = folder / "secrets.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Keys)
    except FileNotFoundError:
        made = Keys(secrets.token_urlsafe(48), secrets.token_urlsafe(48))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(made))
        return made
    except msgspec.DecodeError as error:
        raise FailureError(
            f"{path} cannot be read: {error}", advice="Remove it, or start over with --reset."
        ) from error


def erase(folder: Path) -> None:
    """Remove a demo's data. FailureError when it is in use, or the folder is no demo's."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / IN_USE).exists():
        raise FailureError(f"{folder} is not a demo's folder: nothing was removed", advice="Check --folder.")
    with _held(folder):
        for place in (folder, *_elsewhere(folder)):
            for name in FOLDERS:
                if (place / name).exists():
                    shutil.rmtree(place / name)
            for name in FILES:
                (place / name).unlink(missing_ok=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    with ExitStack() as held:
        for name, seconds in LOCKS.items():
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
            held.callback(os.close, descriptor)
            if not _locked(descriptor, seconds):
                raise FailureError(f"{folder} is in use by another running instance: stop it first")
        yield


def _locked(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        else:
            return True


def _elsewhere(folder: Path) -> list[Path]:
    """Where the data is when the servers' user cannot enter the folder, as EmbeddedServers noted it."""
    note = folder / "where-the-data-is.txt"
    found = ELSEWHERE.search(note.read_text()) if note.exists() else None
    return [Path(found[0])] if found else []
