"""Prescriptions and their doses: suspended, resumed and ended, given, withheld and voided, as a dict has it."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.cast import Hospital
from tests.core.auth.door import StillClock
from tests.proofs.ledger import Ledger
from tests.proofs.models.machine import Machine, divergence, hours
from zoapets.core.permissions import Permission
from zoapets.modules.administracoes.service import AdministracoesService

ACTOR, PICK = st.integers(0, 2), st.integers(0, 40)
FORBIDDEN, ALREADY, NOT_STAYING = "403 forbidden", "409 prescricao-encerrada", "409 internacao-nao-em-andamento"
BECOMES = {"suspender": "suspensa", "retomar": "ativa", "encerrar": "encerrada"}
RECORDS = {"realizar": "realizada", "nao-realizar": "nao_realizada"}
REASON = {"motivo": "Assim foi pedido."}
MOST_ORDERS = 3
TOLERANCE = timedelta(minutes=30)


class Doses(Machine):
    """One stay, a few prescriptions, dozens of doses."""

    roles: ClassVar[tuple[str, str, str]] = ("Veterinário", "Enfermeiro", "Administrador")
    drug: ClassVar[dict[str, Any] | None] = None

    @initialize()
    def admit(self) -> None:
        if type(self).drug is None:
            type(self).drug = self.do(self.hospital.medicamento())
        self.stay = self.do(self.hospital.internacao())
        self.staying = True
        self.orders: list[dict[str, Any]] = []
        self.doses: dict[str, dict[str, Any]] = {}

    def listed(self) -> list[dict[str, Any]]:
        answer = self.do(self.people[0].get("/administracoes", internacaoId=self.stay["id"], limit=100))
        doses: list[dict[str, Any]] = answer.json()["data"]
        return doses

    def learn(self, order: dict[str, Any]) -> None:
        """The ids of the doses that were scheduled; their times are the model's own."""
        expected = sorted(
            (at, item["id"])
            for item, asked in zip(order["items"], order["asked"], strict=True)
            for at in (asked["start"] + timedelta(hours=asked["every"] * n) for n in range(24 // asked["every"]))
        )
        new = [dose for dose in self.listed() if dose["prescricaoId"] == order["id"]]
        found = sorted((datetime.fromisoformat(d["dataHoraAgendada"]), d["prescricaoItemId"]) for d in new)
        self.same("the times of the doses", found, expected)
        for dose in new:
            at = datetime.fromisoformat(dose["dataHoraAgendada"])
            self.doses[dose["id"]] = {"item": dose["prescricaoItemId"], "at": at, "status": "pendente", "by": None}

    @precondition(lambda self: len(self.orders) < MOST_ORDERS)
    @rule(
        actor=ACTOR,
        asked=st.lists(st.tuples(st.sampled_from([6, 12, 24]), st.integers(-4, 4)), min_size=1, max_size=2),
    )
    def prescribe(self, actor: int, asked: list[tuple[int, int]]) -> None:
        plans: list[dict[str, Any]] = [
            {"every": every, "start": self.clock.now() + timedelta(hours=shift)} for every, shift in asked
        ]
        assert self.drug is not None
        one = {"medicamentoId": self.drug["id"], "dose": 25, "unidade": "mg", "via": "IV", "duracaoDias": 1}
        items = [one | {"frequenciaHoras": plan["every"], "inicio": plan["start"].isoformat()} for plan in plans]
        body = {"petId": self.stay["petId"], "internacaoId": self.stay["id"], "tipo": "hospitalar", "itens": items}
        allowed = self.may(actor, Permission.PRESCRICOES_PRESCREVER)
        expected = FORBIDDEN if not allowed else "201" if self.staying else NOT_STAYING
        made = self.told(self.do(self.people[actor].post("/prescricoes", body)), expected)
        if expected == "201":
            lines = [{"id": item["id"], "status": "ativa"} for item in made["itens"]]
            self.orders.append({"id": made["id"], "status": "ativa", "items": lines, "asked": plans})
            self.learn(self.orders[-1])

    @precondition(lambda self: self.orders)
    @rule(
        actor=ACTOR, pick=PICK, which=st.none() | st.integers(0, 1), verb=st.sampled_from([*sorted(BECOMES), "retomar"])
    )
    def change(self, actor: int, pick: int, which: int | None, verb: str) -> None:
        order, target = self.orders[pick % len(self.orders)], BECOMES[verb]
        touched = order["items"] if which is None else [order["items"][which % len(order["items"])]]
        expected = "200"
        if not self.may(actor, Permission.PRESCRICOES_PRESCREVER):
            expected = FORBIDDEN
        elif verb == "retomar" and not self.staying:
            expected = NOT_STAYING
        elif order["status"] == "encerrada" or (order if which is None else touched[0])["status"] in {
            "encerrada",
            target,
        }:
            expected = ALREADY
        path = f"/prescricoes/{order['id']}" + ("" if which is None else f"/itens/{touched[0]['id']}")
        self.told(self.do(self.people[actor].post(f"{path}/{verb}", REASON)), expected)
        if expected == "200":
            if which is None:
                order["status"] = target
            self.follow(touched, target)

    def follow(self, items: list[dict[str, Any]], target: str) -> None:
        """What the doses of these items do when the items become `target`."""
        changed = {item["id"] for item in items if item["status"] != "encerrada"}
        for item in items:
            item["status"] = target if item["id"] in changed else item["status"]
        for dose in self.doses.values():
            if dose["item"] not in changed:
                continue
            if target == "ativa" and dose["status"] == "suspensa" and dose["at"] >= self.clock.now():
                dose["status"] = "pendente"
            elif target != "ativa" and dose["status"] == "pendente":
                dose["status"] = "suspensa"

    @precondition(lambda self: self.doses)
    @rule(actor=ACTOR, pick=PICK, verb=st.sampled_from(["realizar", "realizar", "nao-realizar"]))
    def record(self, actor: int, pick: int, verb: str) -> None:
        dose_id, dose = self.chosen(pick)
        expected = "200"
        if not self.may(actor, Permission.ADMINISTRACOES_REGISTRAR):
            expected = FORBIDDEN
        elif not self.staying:
            expected = "409 dose-fora-da-internacao"
        elif dose["status"] == "suspensa":
            expected = "409 dose-suspensa"
        elif dose["status"] != "pendente":
            expected = "409 dose-ja-registrada"
        body = {"justificativa": "Recusou."} if verb == "nao-realizar" else None
        self.told(self.do(self.people[actor].patch(f"/administracoes/{dose_id}/{verb}", body)), expected)
        if expected == "200":
            dose |= {"status": RECORDS[verb], "by": str(self.people[actor].id)}

    @precondition(lambda self: self.doses)
    @rule(actor=ACTOR, pick=PICK)
    def void(self, actor: int, pick: int) -> None:
        dose_id, dose = self.chosen(pick, *RECORDS.values())
        expected = "200"
        if not self.may(actor, Permission.ADMINISTRACOES_ANULAR):
            expected = FORBIDDEN
        elif not self.staying:
            expected = "409 dose-fora-da-internacao"
        elif dose["status"] not in RECORDS.values():
            expected = "409 nada-para-anular"
        self.told(self.do(self.people[actor].patch(f"/administracoes/{dose_id}/anular", REASON)), expected)
        if expected != "200":
            return
        dose["status"] = "anulada"
        again = [found["id"] for found in self.listed() if found["substituiId"] == dose_id]
        ordered = any(
            item["id"] == dose["item"] and item["status"] == "ativa" for o in self.orders for item in o["items"]
        )
        self.same("how often the voided dose is due again", len(again), int(ordered))
        for replacement in again:
            self.doses[replacement] = {"item": dose["item"], "at": dose["at"], "status": "pendente", "by": None}

    def chosen(self, pick: int, *rather: str) -> tuple[str, dict[str, Any]]:
        """A dose; of one of the statuses that are named, if there is any and the pick is even."""
        some = [one for one in self.doses.items() if one[1]["status"] in rather] if pick % 2 == 0 else []
        among = some or list(self.doses.items())
        return among[pick % len(among)]

    @precondition(lambda self: self.orders)
    @rule(actor=ACTOR, sure=st.integers(0, 5))
    def discharge(self, actor: int, sure: int) -> None:
        if sure:
            return
        allowed = self.may(actor, Permission.INTERNACOES_ALTA)
        expected = FORBIDDEN if not allowed else "200" if self.staying else "409 internacao-encerrada"
        self.told(self.do(self.people[actor].post(f"/internacoes/{self.stay['id']}/alta")), expected)
        if expected == "200":
            self.staying = False
            for order in self.orders:
                if order["status"] != "encerrada":
                    order["status"] = "encerrada"
                    self.follow(order["items"], "encerrada")

    @rule(later=st.sampled_from([0.1, 0.5, 3, 9]))
    def wait(self, later: float) -> None:
        self.clock.forward(hours(later))
        self.done = True

    @invariant()
    def the_doses_are_the_dicts(self) -> None:
        if not self.done:
            return
        self.done = False
        late = self.clock.now() - TOLERANCE
        expected = {
            one: ("atrasada" if dose["status"] == "pendente" and dose["at"] < late else dose["status"], dose["by"])
            for one, dose in self.doses.items()
        }
        self.same("doses", {d["id"]: (d["status"], d["realizadoPorId"]) for d in self.listed()}, expected)

    def teardown(self) -> None:
        for order in getattr(self, "orders", []):
            read = self.do(self.people[0].get(f"/prescricoes/{order['id']}")).json()
            found = (read["status"], {item["id"]: item["status"] for item in read["itens"]})
            self.same("an order", found, (order["status"], {item["id"]: item["status"] for item in order["items"]}))


async def test_prescriptions_and_doses_are_as_the_model_has_them(
    new_hospital: Hospital, still: StillClock, proof: Ledger
) -> None:
    parted, steps = await divergence(Doses, new_hospital, still)
    assert parted == ""
    proof.shown("prescriptions and doses: no divergence from the model", steps=steps)


async def test_the_model_sees_doses_of_the_past_taken_up_again(
    new_hospital: Hospital, still: StillClock, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = AdministracoesService.resume

    async def all_of_them(self: AdministracoesService, itens: list[Any]) -> int:
        self.ctx.now -= timedelta(days=2)
        return await resume(self, itens)

    monkeypatch.setattr(AdministracoesService, "resume", all_of_them)
    parted, steps = await divergence(Doses, new_hospital, still, seek=2000)
    assert "doses:" in parted, parted
    proof.seen("resuming takes up doses whose time has passed", steps=steps)
