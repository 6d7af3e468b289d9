"""A new hospital out of a file: whole or not at all, and equal to what was exported, row by row."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec

from zoapets.core.owner.audit import adopt
from zoapets.core.owner.backup import shape
from zoapets.core.owner.backup.file import DAMAGED, NEWER, Copy, opened
from zoapets.core.owner.backup.manifest import Heard, Manifest, Step, Table, UnfitFileError
from zoapets.core.owner.backup.rows import Tally
from zoapets.core.owner.backup.shape import TableShape
from zoapets.core.owner.hospitals import HospitalRow, RefusedError, find, registrable, slug_taken
from zoapets.core.owner.migrations import OWNER_ROLE, TENANT, for_schema, history, render
from zoapets.core.owner.provisioning import Place, Registration, establish
from zoapets.entities.shared import TenantTipo
from zoapets.entities.users import MotivoRevogacao

ORIGEM = "importacao"
# No trigger of the hospital's own fires: what they wrote is among the rows, and what they refuse happened long ago.
_REPLAYING = "set local role none; set local session_replication_role = replica; set local role " + OWNER_ROLE
_LIVING = "set local role none; set local session_replication_role = origin; set local role " + OWNER_ROLE


class Imported(NamedTuple):
    """The new hospital, and what it was made of."""

    hospital: HospitalRow
    manifest: Manifest
    sha256: str


class Origem(msgspec.Struct):
    """What the audit says of the file a hospital came from."""

    arquivo_sha256: str
    slug: str
    exportado_em: datetime
    revisao: str
    linhas: int


async def restore(
    connection: Any, path: Path, *, slug: str, nome: str | None = None, now: datetime, heard: Heard
) -> Imported:
    """A new hospital `slug`, of all that is in the file; nothing else in the database is touched.

    Raises:
        UnfitFileError: the file is damaged, of a newer version, or not what it claims to be.
        RefusedError: the slug is taken or unfit, or the plan or the name in the file are; or its audit trail is not
            what was sealed.
    """
    with opened(path, heard) as copy:
        new = await _registration(connection, copy.manifest, slug, nome)
        try:
            with slug_taken(slug):
                async with connection.transaction():
                    await connection.execute(shape.TEXT_FORM)
                    place = await establish(connection, new, origem=ORIGEM)
                    await _fill(connection, copy, place, heard)
                    await _after_load(connection, copy, place, now)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            # The messages of PostgreSQL's details quote people's data: what is said is the constraint.
            named = (getattr(error, name, None) for name in ("table_name", "column_name", "constraint_name"))
            where = " ".join(filter(None, named)) or "the rows"
            raise UnfitFileError(f"{where}: refused by the database: {type(error).__name__}", DAMAGED) from error
        return Imported(await find(connection, slug), copy.manifest, copy.sha256)


async def _registration(connection: Any, manifest: Manifest, slug: str, nome: str | None) -> Registration:
    if manifest.revision not in history(TENANT):
        raise UnfitFileError(f"the file is at revision {manifest.revision}, which this version does not know", NEWER)
    was = manifest.hospital
    new = Registration(
        slug=slug,
        nome=was.nome if nome is None else nome,
        fuso=was.fuso,
        cnpj=was.cnpj,
        plano=was.plano or Registration.plano,
        platform=was.tipo is TenantTipo.PLATAFORMA,
    )
    new, reasons = await registrable(connection, new)
    if await connection.fetchval("select true from public.tenants where slug = $1", slug):
        reasons.append(f"slug: {slug!r} is taken")
    if reasons:
        raise RefusedError(*reasons)
    return new


async def _fill(connection: Any, copy: Copy, place: Place, heard: Heard) -> None:
    """Tables as they were at the file's revision, every row of the file, every rule checked; then up to date."""
    manifest = copy.manifest
    await connection.execute(for_schema(render(TENANT, None, manifest.revision), place.schema))
    tables = await shape.tables(connection, place.schema)
    _match("tables", {table.name for table in manifest.tables}, set(tables))
    for table in manifest.tables:
        _match(f"columns of {table.name}", set(table.columns), set(tables[table.name].columns))
    foreign_keys = await shape.foreign_keys(connection, place.schema)
    for key in foreign_keys:
        await connection.execute(f"alter table {key.table} drop constraint {key.name}")
    # What the migrations themselves have written, the file holds.
    await connection.execute(f"truncate {', '.join(table.quoted for table in tables.values())}")
    await _load(connection, copy, place, heard)
    for table in manifest.tables:
        await _compare(connection, table, tables[table.name], heard)
    await _set_counters(connection, manifest, place)
    # PostgreSQL checks each over all rows: in whatever order they came, and in one query instead of one for each row.
    for key in foreign_keys:
        await connection.execute(f"alter table {key.table} add constraint {key.name} {key.definition}")
    if newer := render(TENANT, manifest.revision):
        await connection.execute(for_schema(newer, place.schema))
    await connection.execute(f"analyze {', '.join(table.quoted for table in tables.values())}")


async def _load(connection: Any, copy: Copy, place: Place, heard: Heard) -> None:
    announcers = await shape.announcers(connection, place.schema)
    for trigger in announcers:
        await connection.execute(f"alter table {trigger.table} enable always trigger {trigger.name}")
    await connection.execute(_REPLAYING)
    for table in copy.manifest.tables:
        await connection.copy_to_table(
            table.name,
            schema_name=place.schema,
            columns=table.columns,
            source=_pieces(copy, table, heard),
            format="text",
        )
    await connection.execute(_LIVING)
    for trigger in announcers:
        await connection.execute(f"alter table {trigger.table} enable trigger {trigger.name}")


async def _pieces(copy: Copy, table: Table, heard: Heard) -> AsyncIterator[bytes]:
    for piece in copy.table(table, heard, "importing"):
        yield piece


async def _compare(connection: Any, table: Table, stored: TableShape, heard: Heard) -> None:
    """UnfitFileError unless what PostgreSQL now holds is, row by row, what was exported."""
    tally = Tally(len(table.columns))

    async def take(piece: bytes) -> None:
        tally.take(piece)
        heard(Step("comparing", table.name, tally.rows, is_done=False))

    await connection.copy_from_query(stored.rows(table.columns), output=take, format="text")
    if (tally.rows, tally.row_hash) != (table.rows, table.row_hash):
        raise UnfitFileError(f"the rows of {table.name}, once stored, are not those of the file", DAMAGED)
    heard(Step("comparing", table.name, tally.rows, is_done=True))


async def _set_counters(connection: Any, manifest: Manifest, place: Place) -> None:
    counters = await shape.counters(connection, place.schema)
    _match("counters", {sequence.name for sequence in manifest.sequences}, set(counters))
    for sequence in manifest.sequences:
        counter = counters[sequence.name]
        await connection.execute(
            "select setval($1::text::regclass, $2, $3)", counter.quoted, sequence.last, sequence.is_called
        )
        numbered = f"select max({counter.column})::bigint from {counter.table}"  # noqa: S608 - quoted
        highest = None if counter.table is None else await connection.fetchval(numbered)
        if highest is not None and highest >= sequence.last + sequence.is_called:
            raise UnfitFileError(f"the counter {sequence.name} is behind the rows that it has numbered", DAMAGED)


async def _after_load(connection: Any, copy: Copy, place: Place, now: datetime) -> None:
    """What is to differ from the hospital that was exported. Whatever begins anew in a copy begins here."""
    manifest = copy.manifest
    await adopt(connection, place.schema)
    # No token names them here; the list of open sessions must not either.
    await connection.execute(
        "update sessoes set revogada_em = $1, motivo_revogacao = $2 where revogada_em is null and expira_em > $1",
        now,
        MotivoRevogacao.IMPORTACAO.value,
    )
    await connection.executemany(
        "insert into public.feature_flags (tenant_id, flag, ativa) values ($1, $2, $3)",
        [(place.id, flag, active) for flag, active in manifest.hospital.flags.items()],
    )
    told = Origem(copy.sha256, manifest.hospital.slug, manifest.made_at, manifest.revision, manifest.rows)
    await connection.execute(
        "insert into auditoria (em, origem, tabela, acao, registro_id, depois)"
        " values (clock_timestamp(), $1, 'tenants', 'inserir', $2, $3::text::jsonb)",
        ORIGEM,
        f"{place.id}",
        msgspec.json.encode(told).decode(),
    )


def _match(what: str, claimed: set[str], there: set[str]) -> None:
    if claimed != there:
        missing, strange = ", ".join(sorted(there - claimed)) or "-", ", ".join(sorted(claimed - there)) or "-"
        raise UnfitFileError(
            f"the {what} are not those of its revision: missing {missing}; strange {strange}",
            "Nothing was changed. If zoapets tenants check finds the hospital to differ, mend it and export it again.",
        )
