"""One prescription, suspended, resumed and ended by many at once: its history could be a single vet's."""

from datetime import timedelta
from itertools import cycle, islice, pairwise
from typing import Any
from uuid import UUID

import pytest

from tests.cast import Hospital
from tests.modules.test_prescricoes import item
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, Told, misspoken, traces, winners, words
from zoapets.modules.prescricoes.service import PrescricoesService

BECOMES = {"suspender": "suspensa", "retomar": "ativa", "encerrar": "encerrada"}
EVENTS = {verb: ["prescricao-mudada"] for verb in BECOMES}
# What a change leads from, and to.
LEGAL = {("ativa", "suspensa"), ("suspensa", "ativa"), ("ativa", "encerrada"), ("suspensa", "encerrada")}
REFUSALS: dict[str, set[str]] = {verb: {"409 prescricao-encerrada"} for verb in BECOMES}
AFTER_THE_STAY = REFUSALS | {
    "retomar": {"409 prescricao-encerrada", "409 internacao-nao-em-andamento"},
    "alta": {"409 internacao-encerrada"},
}


async def ordered(hospital: Hospital, drug: dict[str, Any]) -> dict[str, Any]:
    """A prescription of two items, of which some doses are due and some to come."""
    stay = await hospital.internacao()
    start = (hospital.stage.now - timedelta(hours=1)).isoformat()
    items = [item(hospital, drug, unidade="mg", frequenciaHoras=hours, inicio=start) for hours in (6, 12)]
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": items}
    return await hospital.made("/prescricoes", body)


async def for_one_prescription(arena: Arena, drug: dict[str, Any], *wanted: str) -> list[str]:
    """Findings of one round in which each of `wanted` is tried as often as the others."""
    hospital, vet = arena.hospital, await arena.hospital.signed_in("Veterinário")
    order = await ordered(hospital, drug)
    told = await arena.contest(
        [
            Rival("alta", vet, "POST", f"/internacoes/{order['internacaoId']}/alta")
            if verb == "alta"
            else Rival(verb, vet, "POST", f"/prescricoes/{order['id']}/{verb}", {"motivo": f"Rival {n}"})
            for n, verb in enumerate(islice(cycle(wanted), RIVALS))
        ]
    )
    found = misspoken(told, AFTER_THE_STAY if "alta" in wanted else REFUSALS)
    changes = [one for one in told if one.rival.wants != "alta"]
    found += await traces(hospital, changes, EVENTS)
    return found + await _history(hospital, order, told, wanted) + await _doses(hospital, order, told)


async def _history(hospital: Hospital, order: dict[str, Any], told: list[Told], wanted: tuple[str, ...]) -> list[str]:
    """Whether what was acknowledged is what the audit has, a change at a time, each from where the last one led."""
    rows = await hospital.sql(
        "select requisicao_id, depois->>'status' as status from {s}.auditoria"
        " where tabela = 'prescricoes' and registro_id = $1 and acao = 'alterar' order by id",
        order["id"],
    )
    found = []
    steps = ["ativa"] + [row["status"] for row in rows]
    if not set(pairwise(steps)) <= LEGAL:
        found.append(f"a history that cannot be: {steps}")
    by_request = {row["requisicao_id"]: row["status"] for row in rows}
    found += [
        f"{one.rival.wants} was acknowledged, and is not in the history {steps}"
        for one in winners(told, *BECOMES)
        if by_request.pop(one.request_id, None) != BECOMES[one.rival.wants]
    ]
    ended = len(winners(told, "alta"))
    if ended != ("alta" in wanted) or len(by_request) > ended:
        found.append(f"{ended} discharges, and changes that nobody was told of: {by_request}, {words(told)}")
    ends = [status for status in steps if status == "encerrada"]
    if len(ends) != 1:
        found.append(f"ended {len(ends)} times: {words(told)}")
    [row] = await hospital.sql("select status, versao from {s}.prescricoes where id = $1", UUID(order["id"]))
    if (row["status"], row["versao"]) != (steps[-1], len(steps)):
        found.append(f"the history {steps} has led to {row['status']}, version {row['versao']}")
    return found


async def _doses(hospital: Hospital, order: dict[str, Any], told: list[Told]) -> list[str]:
    """Ended, it has no pending dose and no active item."""
    doses = await hospital.sql(
        "select status, count(*) as n from {s}.administracoes where prescricao_id = $1 group by 1", UUID(order["id"])
    )
    items = await hospital.sql(
        "select distinct status from {s}.prescricao_itens where prescricao_id = $1", UUID(order["id"])
    )
    left = {row["status"]: row["n"] for row in doses}, {row["status"] for row in items}
    expected = {"suspensa": order["administracoesGeradas"]}, {"encerrada"}
    return [] if left == expected else [f"ended, but there are {left}: {words(told)}"]


MIXES = [("suspender", "retomar", "encerrar"), ("suspender", "retomar", "encerrar", "alta")]


@pytest.mark.parametrize("wanted", MIXES, ids="+".join)
async def test_its_history_could_be_one_vets(arena: Arena, proof: Ledger, wanted: tuple[str, ...]) -> None:
    drug = await arena.hospital.medicamento()
    found = await arena.rounds(lambda: for_one_prescription(arena, drug, *wanted))
    assert found == []
    arena.took(proof, f"one prescription ({', '.join(wanted)}): one history, one end, no dose left open")


async def test_the_check_sees_a_prescription_that_nobody_holds(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold_nothing(*_: Any, **__: Any) -> None:
        """Nobody waits."""

    monkeypatch.setattr(PrescricoesService, "lock", hold_nothing)
    drug = await broken.hospital.medicamento()
    found = await until_seen(
        "cannot be|ended", lambda: for_one_prescription(broken, drug, "suspender", "retomar", "encerrar")
    )
    proof.seen("nobody holds the prescription that they change", findings=len(found))
