"""Beds and stays: who lies where, who waits, who may not come in, step by step as a dict has it."""

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.cast import Hospital
from tests.core.auth.door import StillClock
from tests.proofs.ledger import Ledger
from tests.proofs.models.machine import Machine, divergence, hours
from zoapets.core.permissions import Permission
from zoapets.entities.internacoes import SituacaoLeito
from zoapets.modules.leitos import service

ACTOR, PET, BED = (st.integers(0, 2) for _ in range(3))
STAY = st.integers(0, 30)
FORBIDDEN, ENDED = "403 forbidden", "409 internacao-encerrada"
REASON = {"motivo": "Assim foi pedido."}


class Stays(Machine):
    """Three pets, three beds, and stays by the dozen."""

    roles: ClassVar[tuple[str, str, str]] = ("Veterinário", "Recepcionista", "Enfermeiro")

    @initialize()
    def open_a_ward(self) -> None:
        hospital, do = self.hospital, self.do
        self.ward = do(hospital.ala())["id"]
        self.beds = [do(hospital.leito(alaId=self.ward))["id"] for _ in range(3)]
        tutor = do(hospital.tutor())["id"]
        self.pets = [do(hospital.pet(tutorId=tutor))["id"] for _ in range(3)]
        self.state = dict.fromkeys(self.beds, "livre")
        self.dead: set[str] = set()
        self.stays: list[dict[str, Any]] = []

    def occupant(self, bed: str) -> dict[str, Any] | None:
        return next((stay for stay in self.stays if stay["bed"] == bed), None)

    def refusal_of(self, bed: str) -> str | None:
        """Why the bed cannot be given."""
        if self.occupant(bed) is not None:
            return "409 leito-ocupado"
        return None if self.state[bed] == "livre" else "409 leito-indisponivel"

    @rule(actor=ACTOR, pet=PET, bed=st.none() | BED)
    def internar(self, actor: int, pet: int, bed: int | None) -> None:
        chosen, place = self.pets[pet], None if bed is None else self.beds[bed]
        is_in = any(stay["pet"] == chosen and stay["status"] in {"aguardando", "em_andamento"} for stay in self.stays)
        expected = "201"
        if not self.may(actor, Permission.INTERNACOES_ADMITIR):
            expected = FORBIDDEN
        elif chosen in self.dead:
            expected = "422 unprocessable"
        elif place is not None and (refused := self.refusal_of(place)):
            expected = refused
        elif is_in:
            expected = "409 pet-ja-internado"
        body = {"petId": chosen, "motivo": "Dor", "leitoId": place}
        made = self.told(self.do(self.people[actor].post("/internacoes", body)), expected)
        if expected == "201":
            status = "aguardando" if place is None else "em_andamento"
            self.stays.append({"id": made["id"], "pet": chosen, "status": status, "bed": place, "isolated": False})

    @precondition(lambda self: self.stays)
    @rule(actor=ACTOR, stay=STAY, bed=BED, verb=st.sampled_from(["admitir", "transferir"]))
    def to_bed(self, actor: int, stay: int, bed: int, verb: str) -> None:
        chosen, place = self.stays[stay % len(self.stays)], self.beds[bed]
        needs = Permission.INTERNACOES_ADMITIR if verb == "admitir" else Permission.INTERNACOES_MOVER
        expected = "200"
        if not self.may(actor, needs):
            expected = FORBIDDEN
        elif chosen["status"] in {"alta", "obito"}:
            expected = ENDED
        elif verb == "admitir" and chosen["bed"] is not None:
            expected = "409 paciente-ja-admitido"
        elif verb == "transferir" and chosen["bed"] is None:
            expected = "409 paciente-sem-leito"
        elif refused := self.refusal_of(place):
            expected = refused
        body = {"leitoId": place} | (REASON if verb == "transferir" else {})
        moved = self.told(self.do(self.people[actor].post(f"/internacoes/{chosen['id']}/{verb}", body)), expected)
        if expected == "200":
            chosen |= {"status": "em_andamento", "bed": place}
            self.same("the bed that was answered", moved["leitoId"], place)

    @precondition(lambda self: self.stays)
    @rule(actor=ACTOR, stay=STAY, verb=st.sampled_from(["alta", "alta", "obito"]))
    def leave(self, actor: int, stay: int, verb: str) -> None:
        chosen = self.stays[stay % len(self.stays)]
        expected = "200"
        if not self.may(actor, Permission.INTERNACOES_ALTA):
            expected = FORBIDDEN
        elif chosen["status"] in {"alta", "obito"}:
            expected = ENDED
        body = {"causa": "Parada."} if verb == "obito" else None
        self.told(self.do(self.people[actor].post(f"/internacoes/{chosen['id']}/{verb}", body)), expected)
        if expected == "200":
            chosen |= {"status": verb, "bed": None}
            if verb == "obito":
                self.dead.add(chosen["pet"])

    @precondition(lambda self: self.stays)
    @rule(actor=ACTOR, stay=STAY, verb=st.sampled_from(["isolar", "encerrar-isolamento"]))
    def isolate(self, actor: int, stay: int, verb: str) -> None:
        chosen, isolates = self.stays[stay % len(self.stays)], verb == "isolar"
        expected = "200"
        if not self.may(actor, Permission.INTERNACOES_MOVER):
            expected = FORBIDDEN
        elif chosen["status"] in {"alta", "obito"}:
            expected = ENDED
        elif chosen["isolated"] == isolates:
            expected = "409 paciente-ja-isolado" if isolates else "409 paciente-sem-isolamento"
        body = REASON if isolates else None
        self.told(self.do(self.people[actor].post(f"/internacoes/{chosen['id']}/{verb}", body)), expected)
        if expected == "200":
            chosen["isolated"] = isolates

    @rule(actor=ACTOR, bed=BED, state=st.sampled_from(["livre", "higienizacao", "bloqueado"]))
    def say_of_bed(self, actor: int, bed: int, state: str) -> None:
        place = self.beds[bed]
        expected = "200"
        if not self.may(actor, Permission.INTERNACOES_MOVER):
            expected = FORBIDDEN
        elif state != "livre" and self.occupant(place) is not None:
            expected = "409 leito-ocupado"
        self.told(self.do(self.people[actor].post(f"/leitos/{place}/situacao", {"situacao": state})), expected)
        if expected == "200":
            self.state[place] = state

    @rule(later=st.sampled_from([0.5, 7, 30]))
    def wait(self, later: float) -> None:
        self.clock.forward(hours(later))

    @invariant()
    def the_map_is_the_dicts(self) -> None:
        if not self.done:
            return
        self.done = False
        seen = self.do(self.people[0].get("/internacoes/mapa-leitos", alaId=self.ward)).json()
        found = {
            bed["id"]: (bed["estado"], bed["ocupante"] and bed["ocupante"]["internacaoId"])
            for bed in seen["unidades"][0]["alas"][0]["leitos"]
        }
        expected: dict[str, tuple[str, str | None]] = {}
        for bed in self.beds:
            stay = self.occupant(bed)
            expected[bed] = (self.state[bed], None) if stay is None else ("ocupado", stay["id"])
        self.same("the map of beds", found, expected)

    def teardown(self) -> None:
        for stay in getattr(self, "stays", []):
            read = self.do(self.people[0].get(f"/internacoes/{stay['id']}")).json()
            found = {"status": read["status"], "bed": read["leitoId"], "isolated": read["isolamento"]}
            self.same(f"stay {stay['id']}", found, {key: stay[key] for key in found})


async def test_beds_and_stays_are_as_the_model_has_them(
    new_hospital: Hospital, still: StillClock, proof: Ledger
) -> None:
    parted, steps = await divergence(Stays, new_hospital, still)
    assert parted == ""
    proof.shown("beds and stays: no divergence from the model", steps=steps)


async def test_the_model_sees_a_bed_given_while_it_is_cleaned(
    new_hospital: Hospital, still: StillClock, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = service.LeitosService._hold_empty

    async def always_free(self: service.LeitosService, id: Any) -> Any:
        held = await take(self, id)
        return type(held)(SituacaoLeito.LIVRE, held.arquivado)

    monkeypatch.setattr(service.LeitosService, "_hold_empty", always_free)
    parted, steps = await divergence(Stays, new_hospital, still, seek=1000)
    assert "not 409 leito-indisponivel" in parted, parted
    proof.seen("a bed is given while it is cleaned", steps=steps)
