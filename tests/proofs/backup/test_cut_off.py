"""Cut off, a copy leaves nothing behind that looks whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage
from tests.cli.ground import SECRETS
from tests.proofs import ledger
from tests.proofs.backup.copies import taken
from tests.proofs.backup.sameness import registry
from tests.proofs.ledger import Ledger
from zoapets.core.database import prepare
from zoapets.core.owner.backup.file import opened
from zoapets.core.owner.backup.importing import restore
from zoapets.core.owner.backup.manifest import Step, UnfitFileError
from zoapets.core.owner.hospitals import RefusedError

SEED = 20260714
MOMENTS = ledger.pick(2, 40)
KILLS = ledger.pick(1, 5)


class Killer:
    """Ends the import's connection, from the server's side, when a table has come this far."""

    def __init__(self, process: int, at: tuple[str, str]) -> None:
        self._process = process
        self._at = at

    def __call__(self, step: Step) -> None:
        if step.is_done and (step.doing, step.table) == self._at:
            # What pg_terminate_backend does, without a moment in which the import could go on.
            os.kill(self._process, signal.SIGTERM)


async def test_an_import_whose_connection_ends_leaves_nothing(
    owner: Any, installation: Stage, small_file: Path, proof: Ledger
) -> None:
    before = await registry(owner)
    with opened(small_file, lambda _: None) as copy:
        moments = [(doing, t.name) for doing in ("importing", "comparing") for t in copy.manifest.tables]
    chosen = Random(SEED).sample(moments, min(MOMENTS, len(moments)))  # noqa: S311 - the same each time

    for moment in chosen:
        said: list[str] = []
        connection = await asyncpg.connect(installation.owner_url)
        await prepare(connection)
        connection.add_query_logger(lambda record, said=said: said.append(record.query))
        killer = Killer(connection.get_server_pid(), moment)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await restore(connection, small_file, slug="cortado", now=installation.now, heard=killer)
        connection.terminate()
        [role] = [query.split()[2] for query in said if query.startswith("create role tenant_")]
        assert await registry(owner) == before, moment
        assert await owner.fetchval("select to_regrole($1)", role) is None, moment

    made = await restore(owner, small_file, slug="cortado", now=installation.now, heard=lambda _: None)
    assert made.hospital.slug == "cortado"
    proof.shown(
        "an import whose connection ends leaves nothing, and can be begun again", moments=len(chosen), seed=SEED
    )


# An export that says when it has come to its n-th table, and goes no further.
HALTING = """
import asyncio, sys
from zoapets.cli import main
from zoapets.core.owner.backup import exporting
copied, left = exporting.copied, int(sys.argv[1])
async def halting(*args):
    global left
    if not left:
        print("halted", flush=True)
        await asyncio.Event().wait()
    left -= 1
    await copied(*args)
exporting.copied = halting
main(sys.argv[2:])
"""


async def test_an_export_that_is_killed_leaves_no_file_that_looks_whole(
    installation: Stage, source: Hospital, tmp_path: Path, proof: Ledger
) -> None:
    urls = {"DATABASE_URL": installation.settings.database_url, "DATABASE_OWNER_URL": installation.owner_url}
    tables = Random(SEED).sample(range(20), KILLS)  # noqa: S311 - the same each time

    for table in tables:
        killed_export(source.slug, tmp_path / "killed.zip", table, {**os.environ, **SECRETS, **urls})
        [begun] = tmp_path.iterdir()  # noqa: ASYNC240 - a folder of the test's own
        assert begun.name.endswith(".partial"), table
        with pytest.raises(UnfitFileError), opened(begun, lambda _: None):
            pass
        begun.unlink()
    proof.shown("an export killed with kill -9 leaves no file of its name, and none that passes for whole", kills=KILLS)


def killed_export(slug: str, path: Path, table: int, environment: dict[str, str]) -> None:
    """Begin an export, and kill it where it has come to its n-th table."""
    command = [sys.executable, "-c", HALTING, f"{table}", "tenants", "export", slug, str(path), "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    assert said == "halted\n"


async def test_a_file_is_never_written_over_and_is_for_its_owner_alone(
    owner: Any, source: Hospital, file: Path, tmp_path: Path
) -> None:
    before = looked_at(file)

    with pytest.raises(RefusedError, match="already"):
        await taken(owner, source, file)
    with pytest.raises(RefusedError, match="No such file or directory"):
        await taken(owner, source, tmp_path / "missing" / "file.zip")

    assert looked_at(file) == before
    assert before[1:] == (0o600, [file.name])


def looked_at(file: Path) -> tuple[bytes, int, list[str]]:
    """What is in it, who may read it, and what is beside it."""
    return file.read_bytes(), file.stat().st_mode & 0o777, [path.name for path in file.parent.iterdir()]
