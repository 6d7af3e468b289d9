"""The audit trail read anew: in pieces or at once, and with a sealed row put where nothing is sealed yet."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage, seal_all
from zoapets.core.owner import audit
from zoapets.core.owner.audit import verify
from zoapets.core.owner.seals import moment

WRITE = "insert into {s}.tutores (id, nome, telefone) values (gen_random_uuid(), 'Ana', '1')"


@pytest.fixture
async def sealed(stage: Stage, new_hospital: Hospital) -> AsyncIterator[tuple[Any, Hospital]]:
    """The owner's connection, and a hospital with two seals."""
    connection = await asyncpg.connect(stage.owner_url)
    await connection.execute(f"set search_path = {new_hospital.schema}")
    for _ in range(2):
        await new_hospital.sql(WRITE)
        await seal_all(connection)
    yield connection, new_hospital
    await connection.close()


async def test_a_trail_read_a_seal_at_a_time_is_the_same(
    sealed: tuple[Any, Hospital], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, hospital = sealed
    at_once = await verify(connection, hospital.schema)
    monkeypatch.setattr(audit, "ROWS_AT_ONCE", 1)

    assert await verify(connection, hospital.schema) == at_once
    assert at_once.faults == []


async def test_a_sealed_row_that_is_put_behind_the_seals_is_broken_and_not_new(sealed: tuple[Any, Hospital]) -> None:
    connection, hospital = sealed
    row = await connection.fetchval("select max(id) from auditoria")
    await connection.execute("update auditoria set transacao = transacao + 1000 where id = $1", row)
    await hospital.sql(WRITE)

    verdict = await verify(connection, hospital.schema)

    assert [fault.row for fault in verdict.faults] == [row]
    assert verdict.unsealed == 1


def test_a_time_that_is_none_is_said_to_be_none() -> None:
    assert moment(0) == "1970-01-01T00:00:00.000+00:00"
    assert moment(1e300) == "no time at all"
