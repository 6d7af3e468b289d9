"""One dose: given, not given, voided and overtaken by the discharge at once, it has one record and one void at most."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.cast import Hospital
from tests.modules.test_prescricoes import item
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, misspoken, traces, winners, words
from zoapets.core.statements import Query
from zoapets.entities.prescricoes import StatusAdministracao
from zoapets.modules.administracoes import queries
from zoapets.modules.administracoes.schemas import AdministracaoRead

EVENTS = {
    "realizar": ["dose-realizada"],
    "nao-realizar": ["dose-nao-realizada"],
    "anular": ["registro-anulado"],
    "alta": ["prescricao-mudada", "alta-dada"],
}
BODIES = {
    "realizar": {"observacoes": "Sem intercorrências."},
    "nao-realizar": {"justificativa": "Recusou."},
    "anular": {"motivo": "Paciente errado."},
}
RECORDED = {"realizar": "realizada", "nao-realizar": "nao_realizada"}
IN_THE_STAY = {
    "realizar": {"409 dose-ja-registrada"},
    "nao-realizar": {"409 dose-ja-registrada"},
    "anular": {"409 nada-para-anular"},
}
AFTER_IT = {"409 dose-fora-da-internacao"}
OVERTAKEN = {wants: refusals | AFTER_IT for wants, refusals in IN_THE_STAY.items()} | {
    "alta": {"409 internacao-encerrada"}
}


@dataclass(frozen=True)
class Due:
    """A dose whose time has come, alone in its prescription."""

    id: str
    stay: str


async def due(hospital: Hospital, drug: dict[str, Any]) -> Due:
    stay, vet = await hospital.internacao(), await hospital.signed_in("Veterinário")
    start = (hospital.stage.now - timedelta(minutes=10)).isoformat()
    one = item(hospital, drug, unidade="mg", frequenciaHoras=24, inicio=start)
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [one]}
    made = await vet.post("/prescricoes", body)
    assert made.status_code == 201, made.text
    [dose] = (await vet.get("/administracoes", prescricaoId=made.json()["id"])).json()["data"]
    return Due(dose["id"], stay["id"])


async def for_one_dose(arena: Arena, drug: dict[str, Any], *wanted: str) -> list[str]:
    """Findings of one round in which each of `wanted` is tried as often as the others, by four people."""
    hospital, dose = arena.hospital, await due(arena.hospital, drug)
    staff = [await hospital.signed_in(role) for role in ("Enfermeiro", "Veterinário", "Administrador")]
    rivals = [
        Rival("alta", who, "POST", f"/internacoes/{dose.stay}/alta")
        if wants == "alta"
        else Rival(wants, who, "PATCH", f"/administracoes/{dose.id}/{wants}", BODIES[wants])
        for wants, who in zip(itertools.cycle(wanted), itertools.islice(_able(wanted, staff), RIVALS), strict=False)
    ]
    told = await arena.contest(rivals)
    found = misspoken(told, OVERTAKEN if "alta" in wanted else IN_THE_STAY) + await traces(hospital, told, EVENTS)
    records, voids, ends = winners(told, *RECORDED), winners(told, "anular"), winners(told, "alta")
    if len(records) > 1 or (not records and "alta" not in wanted):
        found.append(f"{len(records)} records of one dose: {words(told)}")
    if len(voids) > len(records) or len(ends) != ("alta" in wanted):
        found.append(f"{len(records)} records, {len(voids)} voids, {len(ends)} discharges: {words(told)}")
    [row] = await hospital.sql("select * from {s}.administracoes where id = $1", UUID(dose.id))
    again = await hospital.sql("select status from {s}.administracoes where substitui_id = $1", row["id"])
    stored = (row["status"], row["realizado_por_id"], row["versao"], [one["status"] for one in again])
    expected = _expected(records, voids, ends)
    if stored != expected:
        found.append(f"told {words(told)}, which makes {expected}, but stored is {stored}")
    return found


def _able(wanted: tuple[str, ...], staff: list[Any]) -> Any:
    """Who does the next of `wanted`: nurses may neither void nor discharge."""
    nurse, *others = staff
    for wants in itertools.cycle(wanted):
        yield nurse if wants in RECORDED else others[0]
        others.reverse()


def _expected(records: list[Any], voids: list[Any], ends: list[Any]) -> tuple[Any, ...]:
    """The dose, and what replaces it, after what its rivals were told."""
    if not records:
        return ("suspensa" if ends else "pendente", None, 2 if ends else 1, [])
    status = "anulada" if voids else RECORDED[records[0].rival.wants]
    replaced = [("suspensa" if ends else "pendente")] if voids else []
    return status, records[0].rival.who.id, 1 + len(records) + len(voids), replaced


MIXES = [
    ("realizar",),
    ("realizar", "nao-realizar"),
    ("realizar", "nao-realizar", "anular"),
    ("realizar", "nao-realizar", "anular", "alta"),
]


@pytest.mark.parametrize("wanted", MIXES, ids="+".join)
async def test_one_dose_has_one_record(arena: Arena, proof: Ledger, wanted: tuple[str, ...]) -> None:
    drug = await arena.hospital.medicamento()
    found = await arena.rounds(lambda: for_one_dose(arena, drug, *wanted))
    assert found == []
    arena.took(proof, f"one dose ({', '.join(wanted)}): one record, at most one void, one discharge")


@pytest.fixture
def anything_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doses are recorded in whatever status they are."""

    def act(names: tuple[str, ...], *, on: tuple[StatusAdministracao, ...], guarded: bool) -> Query[AdministracaoRead]:
        del on
        return queries_act(names, on=tuple(StatusAdministracao), guarded=guarded)

    queries_act = queries.act
    monkeypatch.setattr(queries, "act", act)


@pytest.mark.usefixtures("anything_goes")
async def test_the_check_sees_doses_recorded_in_any_status(broken: Arena, proof: Ledger) -> None:
    drug = await broken.hospital.medicamento()
    # The database still refuses; but it knows no words for it.
    kept = await for_one_dose(broken, drug, "realizar", "nao-realizar", "anular")
    assert not any("records of one dose" in finding for finding in kept), kept

    await broken.hospital.sql("drop trigger proteger_registro on {s}.administracoes")
    found = await until_seen("records of one dose", lambda: for_one_dose(broken, drug, "realizar", "nao-realizar"))

    proof.seen("a dose is recorded in any status, and no trigger refuses", findings=len(found))
