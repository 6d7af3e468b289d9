"""A disk that can be filled: a small file system of its own, for a hospital's tables or for all of PostgreSQL."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.proofs.faults.installation import Installation
from tests.proofs.faults.ward import Ward

_RELATIONS = """
select format('alter %s %I.%I set tablespace %I', case relkind when 'r' then 'table' else 'index' end,
  nspname, relname, $2::text) as move
from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1 and relkind in ('r', 'i')
"""


class SmallDisk:
    """Full between `fill` and `free`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Take every block that is left."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, mib: int) -> Iterator[SmallDisk]:
    """A disk of this size at `folder`; skips where none can be had."""
    folder.mkdir(mode=0o755, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:  # noqa: S603 - ours
        pytest.skip("a disk of a bounded size needs the right to mount one: root, and not in a closed container")
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        disk.free()
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - ours


@contextmanager
def on_a_small_disk(installation: Installation, ward: Ward) -> Iterator[SmallDisk]:
    """The ward's tables and indexes on a disk of their own."""
    with small_disk(installation.folder / "disk", mib=24) as disk:
        tables = disk.folder / "tables"
        tables.mkdir(mode=0o700)
        owner = (installation.folder / "servers" / "postgres").stat()
        os.chown(tables, owner.st_uid, owner.st_gid)
        installation.script(f"create tablespace small location '{tables}'")
        try:
            _move(installation, ward, "small")
            yield disk
        finally:
            disk.free()
            _move(installation, ward, "pg_default")
            installation.script("drop tablespace small")
            # Or a recovery would look for what was there.
            installation.script("checkpoint")


def _move(installation: Installation, ward: Ward, tablespace: str) -> None:
    moves = installation.sql(_RELATIONS, ward.schema, tablespace)
    installation.script("; ".join(row["move"] for row in moves))
