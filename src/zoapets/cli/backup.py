"""`zoapets tenants export`, `import` and `verify`: one hospital in one file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from zoapets.cli.output import FailureError, Json, console, emit, say, show_table
from zoapets.cli.owner import owner
from zoapets.common.clock import Clock
from zoapets.core.owner.backup.exporting import export
from zoapets.core.owner.backup.file import opened
from zoapets.core.owner.backup.importing import restore
from zoapets.core.owner.backup.manifest import Heard, Manifest, Step, UnfitFileError
from zoapets.core.owner.hospitals import HospitalRow, find


class Told(msgspec.Struct):
    """A file. `sha256` is the whole file's; `revisao` the migration that its tables are at."""

    file: str
    sha256: str
    bytes: int
    slug: str
    nome: str
    made_at: datetime
    revisao: str
    zoapets: str
    tables: dict[str, int]
    rows: int


class Restored(msgspec.Struct):
    """The new hospital, and the file it came from."""

    hospital: HospitalRow
    copy: Told


async def export_tenant(slug: str, file: Path, *, json: Json = False) -> None:
    """Write one hospital into one file, as it is at this moment; people go on working meanwhile.

    The file is a zip that holds every table as tab-separated text and a manifest. It gets its name when it is whole
    and was read back. It holds people's data and the hashes of their passwords, and it is not encrypted: only its
    owner may read it; keep it so where you take it.

    Args:
        slug: The hospital's slug or id.
        file: Where to; there must be no such file yet.
        json: Print what was written as JSON.
    """
    with _blaming():
        async with owner() as (connection, _, _):
            hospital = await find(connection, slug)
            with _shown(silent=json) as heard:
                exported = await export(connection, hospital, file, now=Clock().now(), heard=heard)
    told = _told(file, exported.manifest, exported.sha256)
    if json:
        emit(told)
    else:
        say(f"exported {told.slug}: {told.rows} rows of {len(told.tables)} tables, {told.bytes} bytes")
        say(f"sha256: {told.sha256}")


async def import_tenant(file: Path, *, slug: str, nome: str | None = None, json: Json = False) -> None:
    """Make a new hospital out of a file of `zoapets tenants export`; whole or not at all.

    The whole file is verified first, and every row is compared once it is stored. Nothing else is touched: a hospital
    that is there already is never written to. People sign in with their passwords; sessions that were open are ended.
    A file of an older version is brought up to date.

    Args:
        file: What zoapets tenants export has written.
        slug: The short name of the new hospital, which no other has.
        nome: Its name, where it is not to be the old one.
        json: Print what was made as JSON.
    """
    with _blaming():
        async with owner() as (connection, _, _):
            with _shown(silent=json) as heard:
                made = await restore(connection, file, slug=slug, nome=nome, now=Clock().now(), heard=heard)
    told = _told(file, made.manifest, made.sha256)
    if json:
        emit(Restored(made.hospital, told))
    else:
        hospital = made.hospital
        say(f"imported {hospital.slug} ({hospital.nome}), id {hospital.id}, schema {hospital.schema_name}")
        say(f"{told.rows} rows of {len(told.tables)} tables, each as it was in {told.slug} at {told.made_at:%F %T %Z}")


def verify_file(file: Path, *, json: Json = False) -> None:
    """Say what is in a file of `zoapets tenants export`, and whether it is whole. Needs no database.

    Exits with 1 when it is not.

    Args:
        file: What zoapets tenants export has written.
        json: Print what is in it as JSON.
    """
    with _blaming(), _shown(silent=json) as heard, opened(file, heard) as copy:
        told = _told(file, copy.manifest, copy.sha256)
    if json:
        emit(told)
        return
    show_table(("table", "rows"), [(name, f"{rows}") for name, rows in told.tables.items()])
    say(f"whole: {told.slug} ({told.nome!r}) at {told.made_at:%F %T %Z}, revision {told.revisao}, {told.rows} rows")
    say(f"sha256: {told.sha256}")


def _told(file: Path, manifest: Manifest, sha256: str) -> Told:
    return Told(
        file=f"{file}",
        sha256=sha256,
        bytes=file.stat().st_size,
        slug=manifest.hospital.slug,
        nome=manifest.hospital.nome,
        made_at=manifest.made_at,
        revisao=manifest.revision,
        zoapets=manifest.zoapets,
        tables={table.name: table.rows for table in manifest.tables},
        rows=manifest.rows,
    )


@contextmanager
def _blaming() -> Iterator[None]:
    try:
        yield
    except UnfitFileError as error:
        raise FailureError(f"{error}", advice=error.advice) from error


@contextmanager
def _shown(*, silent: bool) -> Iterator[Heard]:
    """What is being done, to which table, and how many rows have passed; on standard error, for who looks on."""
    columns = (TextColumn("{task.description:<40}"), BarColumn(), TextColumn("{task.fields[rows]} rows"))
    here = console(stderr=True)
    hidden = silent or not here.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=here, disable=hidden, transient=True) as bar:
        # How many rows there are is not known beforehand: the bar only moves.
        task = bar.add_task("", total=None, rows=0)

        def heard(step: Step) -> None:
            bar.update(task, description=f"{step.doing} {step.table}", rows=step.rows)

        yield heard
