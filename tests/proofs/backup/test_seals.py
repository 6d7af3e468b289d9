"""A copy's audit trail is sealed as it was, its chain goes on, and one that was tampered with is not brought."""

from pathlib import Path
from typing import Any

import pytest

from tests.cast import Stage, until
from tests.proofs.backup.copies import brought, sealed, small, taken
from tests.proofs.ledger import Ledger
from zoapets.core.owner.audit import seal, verify
from zoapets.core.owner.hospitals import RefusedError, find


async def test_the_chain_of_seals_goes_on_in_the_copy(
    owner: Any, installation: Stage, tmp_path: Path, proof: Ledger
) -> None:
    hospital = await small(installation)
    await sealed(hospital)
    await hospital.pet()
    noted = await verify(owner, hospital.schema)
    assert noted.unsealed

    copy, made = await brought(owner, installation, await taken(owner, hospital, tmp_path / "sealed.zip"))
    brought_rows = (await verify(owner, copy.schema, head=noted.head)).rows
    await copy.pet()
    hospital_row = await find(owner, copy.slug)

    async def is_sealed() -> bool:
        return not (await seal(owner, hospital_row))[1]

    await until(is_sealed, seconds=60)
    verdict = await verify(owner, copy.schema, head=noted.head)
    assert (verdict.faults, brought_rows) == ([], noted.rows)
    assert (verdict.rows > noted.rows, verdict.unsealed) == (True, 0)
    assert made.hospital.slug == copy.slug
    proof.shown("a copy's trail is intact, and its chain leads on from the one that was copied", rows=verdict.rows)


async def test_a_trail_that_was_tampered_with_is_not_brought(
    owner: Any, installation: Stage, tmp_path: Path, proof: Ledger
) -> None:
    hospital = await small(installation)
    await sealed(hospital)
    await hospital.sql(
        "update {s}.auditoria set ator_id = gen_random_uuid() where id = (select min(id) from {s}.auditoria)"
    )
    file = await taken(owner, hospital, tmp_path / "forged.zip")

    with pytest.raises(RefusedError, match=r"row 1 .*changed since it was sealed"):
        await brought(owner, installation, file)

    proof.seen("a copy of a trail that was tampered with")
