"""One hospital, as it was at one moment, into one file, while everybody goes on working in it."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import asyncpg

from zoapets import __version__
from zoapets.core.owner.backup import shape
from zoapets.core.owner.backup.file import Draft, written
from zoapets.core.owner.backup.manifest import FORMAT, Heard, HospitalCopied, Manifest, Sequence, Step
from zoapets.core.owner.backup.shape import TableShape
from zoapets.core.owner.hospitals import HospitalRow, RefusedError, find
from zoapets.core.owner.migrations import TENANT, current, history

# Every table is read as it was at the first look at any of them.
ISOLATION: Literal["repeatable_read", "read_committed"] = "repeatable_read"
LOCK_TIMEOUT_MS = 10_000
TRIES = 3

_PLAN = """
select p.codigo from public.subscriptions s join public.plans p on p.id = s.plan_id
where s.tenant_id = $1 order by s.inicio_em desc, s.id desc limit 1
"""


class Exported(NamedTuple):
    """What was written, and the SHA-256 of the file."""

    manifest: Manifest
    sha256: str


class ChangedError(Exception):
    """The tables were changed between looking for them and locking them."""


async def export(connection: Any, hospital: HospitalRow, path: Path, *, now: datetime, heard: Heard) -> Exported:
    """All of a hospital at one moment, in a new file `path`; nobody waits for it, but a migration of this hospital.

    The file is read back and verified before it gets its name: what has the name is whole.

    Raises:
        RefusedError: the name is taken, the folder cannot be written to, or the hospital is being migrated.
    """
    try:
        with written(path, heard) as draft:
            manifest = await _at_one_moment(connection, hospital, draft, now=now, heard=heard)
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror or error}") from error
    return Exported(manifest, draft.sha256)


async def _at_one_moment(
    connection: Any, hospital: HospitalRow, draft: Draft, *, now: datetime, heard: Heard
) -> Manifest:
    for _ in range(TRIES):
        tables = await shape.tables(connection, hospital.schema_name)
        try:
            async with connection.transaction(isolation=ISOLATION, readonly=True):
                await _lock(connection, hospital, tables)
                return await _copy(connection, hospital, tables, draft, now=now, heard=heard)
        except (ChangedError, asyncpg.UndefinedTableError):
            continue
        except asyncpg.LockNotAvailableError:
            break
    raise RefusedError(f"{hospital.slug} is being migrated: wait for zoapets migrate to end, then export again")


async def _lock(connection: Any, hospital: HospitalRow, tables: dict[str, TableShape]) -> None:
    """Nobody may alter these tables from now on. ChangedError when somebody has, since they were looked up.

    LOCK TABLE comes first, as it takes no snapshot: a table that is rewritten after the snapshot would look empty.
    """
    await connection.execute(f"{shape.TEXT_FORM} set local lock_timeout = {LOCK_TIMEOUT_MS};")
    names = ", ".join(["public.tenants", *(table.quoted for table in tables.values())])
    await connection.execute(f"lock table {names} in access share mode")
    if await shape.tables(connection, hospital.schema_name) != tables:
        raise ChangedError


async def _copy(
    connection: Any, hospital: HospitalRow, tables: dict[str, TableShape], draft: Draft, *, now: datetime, heard: Heard
) -> Manifest:
    hospital = await find(connection, f"{hospital.id}")
    revision = await current(connection, hospital.schema_name)
    if revision is None or revision not in history(TENANT):
        raise RefusedError(f"{hospital.slug} is at revision {revision}, which this version does not know")
    for table in tables.values():
        await copied(connection, table, draft, heard)
    counters = await shape.counters(connection, hospital.schema_name)
    flags = await connection.fetch("select flag, ativa from public.feature_flags where tenant_id = $1", hospital.id)
    manifest = Manifest(
        format=FORMAT,
        zoapets=__version__,
        postgresql=await connection.fetchval("show server_version"),
        made_at=now,
        revision=revision,
        hospital=HospitalCopied(
            slug=hospital.slug,
            nome=hospital.nome,
            fuso=hospital.fuso,
            cnpj=hospital.cnpj,
            tipo=hospital.tipo,
            status=hospital.status,
            plano=await connection.fetchval(_PLAN, hospital.id),
            flags={row["flag"]: row["ativa"] for row in flags},
        ),
        tables=draft.tables,
        sequences=[await _standing(connection, counter) for counter in counters.values()],
    )
    draft.manifest(manifest)
    return manifest


async def copied(connection: Any, table: TableShape, draft: Draft, heard: Heard) -> None:
    """One table, into its member."""
    columns = list(table.columns)
    with draft.table(table.name, columns) as take:

        async def heard_of(piece: bytes) -> None:
            heard(Step("exporting", table.name, take(piece), is_done=False))

        await connection.copy_from_query(table.rows(columns), output=heard_of, format="text")
    heard(Step("exporting", table.name, draft.tables[-1].rows, is_done=True))


async def _standing(connection: Any, counter: shape.Counter) -> Sequence:
    row = await connection.fetchrow(f"select last_value, is_called from {counter.quoted}")  # noqa: S608 - quoted
    return Sequence(counter.name, row["last_value"], row["is_called"])
