"""A hospital that is copied while people write in it is copied as it was at one moment."""

from pathlib import Path
from typing import Any

import pytest

from tests.cast import Hospital, Stage
from tests.proofs import ledger
from tests.proofs.backup.copies import brought, taken
from tests.proofs.backup.sameness import torn
from tests.proofs.backup.writers import MANY, Writers, writing
from tests.proofs.ledger import Ledger
from zoapets.core.owner.backup import exporting
from zoapets.core.owner.backup.manifest import UnfitFileError

ROUNDS = ledger.pick(1, 10)
# As many writes, at least, between two tables.
BETWEEN = ledger.pick(1, MANY)


def each_after_some_writes(monkeypatch: pytest.MonkeyPatch, writers: Writers) -> None:
    """Between any two tables, more is written and acknowledged."""
    copied = exporting.copied

    async def after_some_writes(*args: Any) -> None:
        await writers.some_more(BETWEEN)
        await copied(*args)

    monkeypatch.setattr(exporting, "copied", after_some_writes)


async def test_a_copy_taken_under_writes_is_of_one_moment(
    owner: Any, installation: Stage, busy: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    meanwhile = 0
    async with writing(busy) as writers:
        each_after_some_writes(monkeypatch, writers)
        for n in range(ROUNDS):
            before = writers.written
            await taken(owner, busy, tmp_path / f"{n}.zip")
            meanwhile += writers.written - before
    rows = 0
    for n in range(ROUNDS):
        copy, made = await brought(owner, installation, tmp_path / f"{n}.zip")
        assert await torn(owner, copy.schema) == []
        rows += made.manifest.rows
    assert meanwhile >= ROUNDS * BETWEEN * len(made.manifest.tables)
    proof.shown("a copy taken under writes is of one moment", copies=ROUNDS, rows=rows, writers=MANY, writes=meanwhile)


async def test_one_moment_sees_a_copy_that_reads_each_table_at_its_own(
    owner: Any, installation: Stage, busy: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    monkeypatch.setattr(exporting, "ISOLATION", "read_committed")
    async with writing(busy) as writers:
        each_after_some_writes(monkeypatch, writers)
        file = await taken(owner, busy, tmp_path / "torn.zip")

    try:
        copy, _ = await brought(owner, installation, file)
    except UnfitFileError as error:
        faults = [f"{error}"]
    else:
        faults = await torn(owner, copy.schema)

    assert faults
    proof.seen("an export without one snapshot (read committed)", faults=len(faults))
