"""A copy knows the migrations: it waits for one that is under way, and brings what is behind up to date."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cast import PASSWORD_HASH, Hospital, Stage, number, until
from tests.proofs import ledger
from tests.proofs.backup.copies import brought, small, taken
from tests.proofs.backup.sameness import differing, torn
from tests.proofs.ledger import Ledger
from zoapets.common.ids import new_id
from zoapets.core.owner.backup import exporting
from zoapets.core.owner.backup.file import opened
from zoapets.core.owner.backup.manifest import UnfitFileError
from zoapets.core.owner.hospitals import RefusedError, drifts, find, set_status
from zoapets.core.owner.migrations import OWNER_ROLE, TENANT, for_schema, head, history, render
from zoapets.entities.shared import TenantStatus

# Of the revisions before this one, in a slice the newest.
OLDER = sorted(history(TENANT) - {head(TENANT)})[ledger.pick(-1, 0) :]


async def waits_for_a_lock(owner: Any, process: int) -> None:
    waiting = "select true from pg_locks where pid = $1 and not granted"
    await until(lambda: owner.fetchval(waiting, process), seconds=20)


async def exported_while_rewritten(owner: Any, installation: Stage, hospital: Hospital, path: Path) -> set[str]:
    """Export while somebody rewrites a table, as a migration may; the columns that the file has of it."""
    other = await asyncpg.connect(installation.owner_url)
    draft = other.transaction()
    await draft.start()
    await other.execute(
        f"alter table {hospital.schema}.pet_pesos alter column peso_kg type numeric(12, 4),"
        " add column conferido boolean not null default false"
    )
    exporting_it = asyncio.create_task(taken(owner, hospital, path))
    await waits_for_a_lock(other, owner.get_server_pid())
    await draft.commit()
    await exporting_it
    await other.close()
    with opened(path, lambda _: None) as copy:
        [table] = [each for each in copy.manifest.tables if each.name == "pet_pesos"]
    [(rows,)] = await hospital.sql("select count(*) from {s}.pet_pesos")
    return {*table.columns, f"{table.rows} of {rows} rows"}


async def test_an_export_that_meets_a_migration_is_of_after_it(
    owner: Any, installation: Stage, tmp_path: Path, proof: Ledger
) -> None:
    hospital = await small(installation)
    [(rows,)] = await hospital.sql("select count(*) from {s}.pet_pesos")

    found = await exported_while_rewritten(owner, installation, hospital, tmp_path / "after.zip")

    assert {"conferido", f"{rows} of {rows} rows"} <= found
    # Its tables are none that a revision makes: it is told so, and nothing is guessed.
    with pytest.raises(UnfitFileError, match=r"columns of pet_pesos .* strange conferido"):
        await brought(owner, installation, tmp_path / "after.zip")
    proof.shown("an export that meets a migration waits for it, and is of the moment after", rows=rows)


async def test_meeting_a_migration_sees_an_export_that_looks_before_it_locks(
    owner: Any, installation: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    hospital = await small(installation)
    lock = exporting._lock

    async def looking_first(connection: Any, *rest: Any) -> None:
        await connection.fetchval("select count(*) from public.tenants")
        await lock(connection, *rest)

    monkeypatch.setattr(exporting, "_lock", looking_first)

    found = await exported_while_rewritten(owner, installation, hospital, tmp_path / "before.zip")

    [(rows,)] = await hospital.sql("select count(*) from {s}.pet_pesos")
    assert f"0 of {rows} rows" in found
    proof.seen("an export whose snapshot is older than its locks: a rewritten table looks empty", rows_lost=rows)


async def test_a_migration_that_does_not_end_is_told(
    owner: Any, installation: Stage, source: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LOCK_TIMEOUT_MS", 50)
    other = await asyncpg.connect(installation.owner_url)
    draft = other.transaction()
    await draft.start()
    await other.execute(f"lock table {source.schema}.pets in access exclusive mode")

    with pytest.raises(RefusedError, match="is being migrated"):
        await taken(owner, source, tmp_path / "waiting.zip")

    await draft.rollback()
    await other.close()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a folder of the test's own


@pytest.mark.parametrize("revision", OLDER)
async def test_a_hospital_that_is_behind_is_imported_and_brought_up_to_date(
    owner: Any, installation: Stage, tmp_path: Path, revision: str, proof: Ledger
) -> None:
    hospital = await at_revision(installation, revision)

    copy, made = await brought(owner, installation, await taken(owner, hospital, tmp_path / "old.zip"))

    assert (made.manifest.revision, made.hospital.revisao) == (revision, head(TENANT))
    assert [d for d in [drift async for drift in drifts(owner)] if d.slug == copy.slug and not d.is_equal] == []
    [user] = await copy.sql("select nome, email from {s}.users")
    assert [tuple(user)] == [tuple(row) for row in await hospital.sql("select nome, email from {s}.users")]
    proof.shown(f"a hospital at revision {revision} is imported and brought up to date", rows=made.manifest.rows)


async def at_revision(installation: Stage, revision: str) -> Hospital:
    """A hospital as an older version of the system made it, with one person."""
    hospital = await installation.hospital()
    await hospital.sql("drop schema {s} cascade")
    await hospital.sql(f"create schema {{s}} authorization {OWNER_ROLE}")
    async with installation.owner_lock, installation.owner.transaction():
        await installation.owner.execute(
            f"grant usage on schema {hospital.schema} to {hospital.schema};"
            f"set local role {OWNER_ROLE}; set local search_path = {hospital.schema};"
        )
        await installation.owner.execute(for_schema(render(TENANT, None, revision), hospital.schema))
        await installation.owner.execute("insert into configuracoes default values")
        await installation.owner.execute(
            "insert into users (id, nome, email, senha_hash) values ($1, 'Ana', $2, $3)",
            new_id(),
            f"ana{number()}@antigo.test",
            PASSWORD_HASH,
        )
    return hospital


async def test_a_suspended_hospital_is_exported_and_its_copy_is_open(
    owner: Any, installation: Stage, tmp_path: Path
) -> None:
    hospital = await small(installation)
    await set_status(owner, await find(owner, hospital.slug), TenantStatus.SUSPENSO, installation.now)

    copy, made = await brought(owner, installation, await taken(owner, hospital, tmp_path / "suspended.zip"))

    assert (made.manifest.hospital.status, made.hospital.status) == (TenantStatus.SUSPENSO, TenantStatus.ATIVO)
    assert await differing(owner, hospital.schema, copy.schema) == set()
    assert await torn(owner, copy.schema) == []
