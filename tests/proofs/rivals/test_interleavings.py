"""Two or three whose steps fall in the one order in which a rule, or the order of locks, was once broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.cast import Hospital, Stage
from tests.modules.test_prescricoes import item
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.breaks import unlocked
from tests.proofs.rivals.state import untruths
from zoapets.modules.administracoes import queries
from zoapets.modules.administracoes.service import AdministracoesService

WAITING = """
select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""
REASON = {"motivo": "Assim foi pedido."}


@asynccontextmanager
async def held(stage: Stage, statement: str, *args: Any) -> AsyncIterator[Any]:
    """What the statement locks, held by somebody else; and a connection to look with, which is in no transaction."""
    holder, looker = [await asyncpg.connect(stage.owner_url) for _ in range(2)]
    try:
        async with holder.transaction():
            await holder.execute(statement, *args)
            yield looker
    finally:
        await holder.close()
        await looker.close()


async def settled(looker: Any, waiting: int, *tasks: asyncio.Task[Any]) -> None:
    """Until so many wait for a lock, or all of `tasks` are done."""
    # Nobody tells when a lock is waited for.
    while await looker.fetchval(WAITING) < waiting and not all(task.done() for task in tasks):  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def due_doses(hospital: Hospital) -> tuple[dict[str, Any], list[str]]:
    """A prescription and its three doses, of which the first two are due."""
    stay, drug = await hospital.internacao(), await hospital.medicamento()
    start = (hospital.stage.now - timedelta(hours=9)).isoformat()
    one = item(hospital, drug, unidade="mg", inicio=start)
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [one]}
    order = await hospital.made("/prescricoes", body)
    doses = (await (await hospital.signed_in()).get("/administracoes", prescricaoId=order["id"])).json()["data"]
    return order, [dose["id"] for dose in doses]


async def void_while_suspending(hospital: Hospital) -> list[str]:
    """Findings: a dose is given and voided while the suspension of its prescription waits for another dose."""
    admin, (order, doses) = await hospital.signed_in(), await due_doses(hospital)
    row = f"select from {hospital.schema}.administracoes where id = $1 for update"
    async with held(hospital.stage, row, UUID(doses[0])) as looker:
        suspending = asyncio.create_task(admin.post(f"/prescricoes/{order['id']}/suspender", REASON))
        await settled(looker, 1, suspending)
        given = await admin.patch(f"/administracoes/{doses[1]}/realizar")
        voiding = asyncio.create_task(admin.patch(f"/administracoes/{doses[1]}/anular", REASON))
        await settled(looker, 2, voiding)
    answers = [await suspending, given, await voiding]
    wrong = [answer.text for answer in answers if answer.status_code != 200]
    return wrong + await untruths(hospital)


async def end_while_voiding(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Findings: the prescription is ended after the void has seen that it is still ordered."""
    admin, (order, doses) = await hospital.signed_in(), await due_doses(hospital)
    await admin.patch(f"/administracoes/{doses[0]}/realizar")
    replace, ending = AdministracoesService._replace, list[asyncio.Task[Any]]()
    looker = await asyncpg.connect(hospital.stage.owner_url)

    async def later(self: AdministracoesService, voided: Any) -> UUID:
        ending.append(asyncio.create_task(admin.post(f"/prescricoes/{order['id']}/encerrar", REASON)))
        await settled(looker, 1, *ending)
        return await replace(self, voided)

    with monkeypatch.context() as patched:
        patched.setattr(AdministracoesService, "_replace", later)
        voided = await admin.patch(f"/administracoes/{doses[0]}/anular", REASON)
    await looker.close()
    answers = [voided, *await asyncio.gather(*ending)]
    return [one.text for one in answers if one.status_code != 200] + await untruths(hospital)


async def test_a_void_and_a_suspension_do_not_wait_for_each_other(new_hospital: Hospital, proof: Ledger) -> None:
    assert await void_while_suspending(new_hospital) == []
    proof.shown("a void during a suspension: no deadlock")


async def test_a_void_puts_no_dose_back_that_is_no_longer_ordered(
    new_hospital: Hospital, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await end_while_voiding(new_hospital, monkeypatch) == []
    proof.shown("a void while the prescription ends: no dose is left pending")


@pytest.fixture
def holding_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A void holds its dose alone."""
    for name in ("SHARE_STAY", "SHARE_ORDER"):
        monkeypatch.setattr(queries, name, unlocked(getattr(queries, name)))


async def test_the_check_sees_a_deadlock(
    new_hospital: Hospital, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, replace = queries.SHARE_ORDER, AdministracoesService._replace

    async def hold_late(self: AdministracoesService, voided: Any) -> UUID:
        await self.db.first(share, id=voided.id)
        return await replace(self, voided)

    monkeypatch.setattr(queries, "SHARE_ORDER", unlocked(share))
    monkeypatch.setattr(AdministracoesService, "_replace", hold_late)
    found = await void_while_suspending(new_hospital)
    assert any("/problemas/conflict" in finding for finding in found), found
    proof.seen("a void holds its dose before its prescription: a deadlock", findings=len(found))


@pytest.mark.usefixtures("holding_nothing")
async def test_the_check_sees_a_dose_that_nobody_ordered(
    new_hospital: Hospital, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await end_while_voiding(new_hospital, monkeypatch)
    assert any("pending dose" in finding for finding in found), found
    proof.seen("a void does not hold what is ordered", findings=len(found))
