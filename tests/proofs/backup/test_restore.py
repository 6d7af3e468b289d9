"""A hospital that was copied comes back equal row by row, and nothing else is touched."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cast import PASSWORD, Hospital, Stage
from tests.proofs import ledger
from tests.proofs.backup.copies import brought, lived_in, taken
from tests.proofs.backup.forgery import without_a_row
from tests.proofs.backup.sameness import GROWS, ON_PURPOSE, REVISION, all_else, differing, digest, orphans, tables
from tests.proofs.ledger import Ledger
from zoapets.core.owner.backup import shape
from zoapets.core.owner.backup.manifest import UnfitFileError
from zoapets.core.owner.backup.rows import Tally
from zoapets.core.owner.hospitals import drifts
from zoapets.entities import Entity

MOST_SECONDS = 30


async def test_every_row_of_every_table_comes_back_and_nothing_else_is_touched(
    owner: Any, installation: Stage, source: Hospital, file: Path, proof: Ledger
) -> None:
    there = {table: await digest(owner, f"{source.schema}.{table}") for table in await tables(owner, source.schema)}
    empty = [table for table, what in there.items() if what.startswith("0 ")]
    assert empty == [], "nothing is shown of these: give `lived_in` (copies.py) a row of each"
    assert {table.name for table in Entity.metadata.sorted_tables} == {*there} - {REVISION}
    before = await all_else(owner)

    copy, made = await brought(owner, installation, file)

    assert await all_else(owner, but=copy) == before
    assert await differing(owner, source.schema, copy.schema) == set()
    # What differs on purpose does differ: nobody takes an exception for granted.
    assert await differing(owner, source.schema, copy.schema, on_purpose=False) == {*ON_PURPOSE, GROWS}
    assert await orphans(owner, copy.schema) == []
    assert [drift async for drift in drifts(owner) if drift.slug == copy.slug and not drift.is_equal] == []
    manifest = made.manifest
    assert {table.name for table in manifest.tables} == {*there} - {REVISION}
    proof.shown(
        "a copy is equal to its source row by row, and every other schema and `public` are as they were",
        tables=len(manifest.tables),
        rows=manifest.rows,
        other_tables=len(before),
    )


async def test_a_copy_is_known_where_the_source_is(
    owner: Any, installation: Stage, source: Hospital, file: Path, proof: Ledger
) -> None:
    copy, made = await brought(owner, installation, file)

    registered = "select nome, tipo, status, fuso, cnpj, revisao from public.tenants where id = $1"
    known = "select user_id, email from public.email_directory where tenant_id = $1 order by 1"
    flags = "select flag, ativa from public.feature_flags where tenant_id = $1"
    plans = "select plan_id from public.subscriptions where tenant_id = $1"
    for statement in (registered, known, flags, plans):
        assert await owner.fetch(statement, copy.id) == await owner.fetch(statement, source.id) != []
    [told] = await copy.sql("select depois from {s}.auditoria where tabela = 'tenants'")
    assert json.loads(told["depois"])["arquivo_sha256"] == made.sha256
    proof.shown("registry, plan, flags and directory of a copy are the source's", statements=4)


async def test_people_sign_in_at_the_copy_and_give_a_dose_there_alone(
    owner: Any, installation: Stage, source: Hospital, file: Path, proof: Ledger
) -> None:
    copy, _ = await brought(owner, installation, file)
    login = {"email": f"enfermagem@{source.slug}.test", "password": PASSWORD}

    ambiguous = await installation.http.post("/auth/login", json=login)
    entered = await installation.http.post("/auth/login", json={**login, "tenantId": copy.slug})

    assert copy.slug in ambiguous.text
    assert (ambiguous.status_code, entered.status_code) == (409, 200), entered.text
    bearer = {"authorization": f"Bearer {entered.json()['accessToken']}"}
    panel = (await installation.http.get("/administracoes/painel-enfermagem", headers=bearer)).json()
    dose = panel["pendentes"][0]["id"]
    given = await installation.http.patch(f"/administracoes/{dose}/realizar", json={}, headers=bearer)
    assert given.status_code == 200, given.text
    status = "select status from {s}.administracoes where id = $1"
    assert [row["status"] for row in await copy.sql(status, dose)] == ["realizada"]
    assert [row["status"] for row in await source.sql(status, dose)] == ["pendente"]
    # What was open when the copy was taken is ended; the nurse's is the one session that is open.
    assert len(await copy.sql("select from {s}.sessoes where revogada_em is null")) == 1
    proof.shown("a nurse signs in at the copy and gives a dose, which the source has not", doses=1)


async def test_sameness_sees_one_value_in_one_row(
    owner: Any, installation: Stage, source: Hospital, file: Path, proof: Ledger
) -> None:
    copy, _ = await brought(owner, installation, file)
    await copy.sql("update {s}.pets set observacoes = 'x' where id = (select min(id::text)::uuid from {s}.pets)")

    assert await differing(owner, source.schema, copy.schema) == {"pets"}
    proof.seen("one value changed in one row of a copy", tables=1)


class Careless(Tally):
    """Leaves the last column out of the rows' hash."""

    def take(self, piece: bytes) -> None:
        super().take(b"".join(line.rpartition(b"\t")[0] + b"\tx\n" for line in piece.splitlines()))


def unseen(kind: type[Tally]) -> set[str]:
    """The columns of every table in which another value leaves the rows' hash as it is."""
    found = set()
    for table in Entity.metadata.sorted_tables:
        row = [f"{column.name}-1".encode() for column in table.columns]
        for at, column in enumerate(table.columns):
            other = [*row[:at], b"other", *row[at + 1 :]]
            hashes = set()
            for rows in ((row, row), (row, other)):
                tally = kind(len(row))
                tally.take(b"".join(b"\t".join(each) + b"\n" for each in rows))
                hashes.add(tally.row_hash)
            if len(hashes) == 1:
                found.add(f"{table.name}.{column.name}")
    return found


def test_the_hash_of_rows_sees_every_column_and_one_that_does_not_is_seen(proof: Ledger) -> None:
    columns = sum(len(table.columns) for table in Entity.metadata.sorted_tables)

    assert unseen(Tally) == set()
    missed = unseen(Careless)

    assert {name.partition(".")[0] for name in missed} == {
        table.name for table in Entity.metadata.sorted_tables if len(table.columns) > 1
    }
    proof.shown("the rows' hash sees another value in every column", columns=columns)
    proof.seen("a hash of rows that leaves a column out", columns=len(missed))


@pytest.mark.skipif(not ledger.is_full(), reason="a figure of time is for the full run")
async def test_a_hundred_thousand_rows_are_back_within_half_a_minute(
    owner: Any, installation: Stage, tmp_path: Path, proof: Ledger
) -> None:
    hospital = await lived_in(installation, "bench")
    for _ in range(35):
        await hospital.sql(
            "insert into {s}.pet_pesos (id, pet_id, peso_kg, medido_em, registrado_por_id)"
            " select gen_random_uuid(), id, 5, now() - interval '1 day', (select id from {s}.users limit 1)"
            " from {s}.pets limit 2000"
        )
    started = time.monotonic()
    path = await taken(owner, hospital, tmp_path / "large.zip")
    exported = time.monotonic()
    copy, made = await brought(owner, installation, path)
    imported = time.monotonic()

    assert made.manifest.rows >= 100_000
    assert await differing(owner, hospital.schema, copy.schema) == set()
    assert exported - started < MOST_SECONDS
    assert imported - exported < MOST_SECONDS
    proof.shown(
        "a hospital of 100,000 rows is exported and imported within 30 s each",
        rows=made.manifest.rows,
        export_s=round(exported - started, 1),
        import_s=round(imported - exported, 1),
    )


async def test_sameness_sees_foreign_keys_that_nobody_checked(
    owner: Any, installation: Stage, small_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    forged = without_a_row(small_file, tmp_path / "forged.zip", "tutores")
    with pytest.raises(UnfitFileError, match="ForeignKeyViolation"):
        await brought(owner, installation, forged)

    async def none(*_: Any) -> list[shape.Rule]:
        return []

    monkeypatch.setattr(shape, "foreign_keys", none)
    copy, _ = await brought(owner, installation, forged)

    found = await orphans(owner, copy.schema)
    assert found != []
    proof.seen("an import that leaves foreign keys unchecked", foreign_keys=len(found))
