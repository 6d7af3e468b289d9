"""A hospital's day: the nursing panel and its statistics, while time passes and midnight comes, as a dict has them."""

from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.cast import Hospital
from tests.core.auth.door import StillClock
from tests.proofs.ledger import Ledger
from tests.proofs.models.machine import Machine, divergence
from zoapets.modules.administracoes.service import AdministracoesService

ACTOR, PICK = st.integers(0, 2), st.integers(0, 40)
MOST_ORDERS, HOURS_AHEAD = 3, 2
WALL = ZoneInfo("America/Sao_Paulo")
RECORDS = {"realizar": "realizada", "nao-realizar": "nao_realizada"}


class Day(Machine):
    """One patient in a ward of its own, whose panel is looked at after every step."""

    roles: ClassVar[tuple[str, str, str]] = ("Enfermeiro", "Veterinário", "Administrador")
    drug: ClassVar[dict[str, Any] | None] = None

    @initialize()
    def admit(self) -> None:
        if type(self).drug is None:
            type(self).drug = self.do(self.hospital.medicamento())
        self.ward = self.do(self.hospital.ala())["id"]
        bed = self.do(self.hospital.leito(alaId=self.ward))["id"]
        self.stay = self.do(self.hospital.internacao(leitoId=bed))
        self.doses: dict[str, dict[str, Any]] = {}
        self.orders = 0
        self.tolerate(30)

    @rule(minutes=st.sampled_from([0, 15, 30, 90]))
    def tolerate(self, minutes: int) -> None:
        body = {"toleranciaAtrasoMinutos": minutes}
        self.told(self.do(self.people[2].patch("/configuracoes", body)), "200")
        self.tolerance = timedelta(minutes=minutes)

    @precondition(lambda self: self.orders < MOST_ORDERS)
    @rule(every=st.sampled_from([1, 4, 6, 8]), shift=st.integers(-300, 300))
    def prescribe(self, every: int, shift: int) -> None:
        start = self.clock.now() + timedelta(minutes=shift)
        assert self.drug is not None
        one = {"medicamentoId": self.drug["id"], "dose": 25, "unidade": "mg", "via": "IV", "duracaoDias": 1}
        items = [one | {"frequenciaHoras": every, "inicio": start.isoformat()}]
        body = {"petId": self.stay["petId"], "internacaoId": self.stay["id"], "tipo": "hospitalar", "itens": items}
        made = self.told(self.do(self.people[1].post("/prescricoes", body)), "201")
        self.orders += 1
        listed = self.do(self.people[0].get("/administracoes", prescricaoId=made["id"], limit=100)).json()["data"]
        times = [start + timedelta(hours=every * n) for n in range(24 // every)]
        self.same("times", [datetime.fromisoformat(dose["dataHoraAgendada"]) for dose in listed], times)
        for dose, at in zip(listed, times, strict=True):
            self.doses[dose["id"]] = {"at": at, "status": "pendente", "given": None}

    @precondition(lambda self: self.doses)
    @rule(
        actor=ACTOR, pick=PICK, verb=st.sampled_from(["realizar", "realizar", "nao-realizar"]), ago=st.integers(0, 40)
    )
    def record(self, actor: int, pick: int, verb: str, ago: int) -> None:
        dose_id, dose = sorted(self.doses.items(), key=lambda one: (one[1]["at"], one[0]))[pick % len(self.doses)]
        given = self.clock.now() - timedelta(minutes=ago)
        body: dict[str, str] = {"justificativa": "Recusou."}
        expected = "200" if dose["status"] == "pendente" else "409 dose-ja-registrada"
        if verb == "realizar":
            body = {"dataHoraRealizada": given.isoformat()}
            if expected == "200" and given < datetime.fromisoformat(self.stay["admitidaEm"]):
                expected = "409 dose-fora-da-internacao"
        self.told(self.do(self.people[actor].patch(f"/administracoes/{dose_id}/{verb}", body)), expected)
        if expected == "200":
            dose |= {"status": RECORDS[verb], "given": given if verb == "realizar" else None}

    @rule(minutes=st.sampled_from([1, 15, 29, 30, 31, 59, 120, 240, 420]))
    def wait(self, minutes: int) -> None:
        self.clock.forward(60 * minutes)
        self.done = True

    @invariant()
    def the_panel_is_the_dicts(self) -> None:
        if not self.done:
            return
        self.done = False
        now = self.clock.now()
        seen = self.do(
            self.people[0].get("/administracoes/painel-enfermagem", alaId=self.ward, horas=HOURS_AHEAD, limite=1000)
        ).json()
        pending = sorted((d["at"], one) for one, d in self.doses.items() if d["status"] == "pendente")
        late = now - self.tolerance
        expected = {
            "atrasadas": [(one, int((now - at).total_seconds() // 60)) for at, one in pending if at < late],
            "pendentes": [(one, int((now - at).total_seconds() // 60)) for at, one in pending if late <= at <= now],
            "proximas": [(one, 0) for at, one in pending if now < at <= now + timedelta(hours=HOURS_AHEAD)],
        }
        for name, rows in expected.items():
            self.same(name, [(dose["id"], dose["minutosAtraso"]) for dose in seen[name]], rows)
        self.same("estatisticas", seen["estatisticas"], self.statistics(now))

    def statistics(self, now: datetime) -> dict[str, float]:
        """Of the day on the wall, from midnight to midnight."""
        midnight = datetime.combine(now.astimezone(WALL).date(), time(), tzinfo=WALL)
        today = [d for d in self.doses.values() if midnight <= d["at"] < midnight + timedelta(days=1)]
        late = now - self.tolerance
        given = [d for d in today if d["status"] == "realizada"]
        on_time = sum(abs(d["given"] - d["at"]) <= self.tolerance for d in given)
        overdue = sum(d["status"] == "pendente" and d["at"] < late for d in today)
        withheld = sum(d["status"] == "nao_realizada" for d in today)
        due = len(given) + withheld + overdue
        return {
            "total": len(today),
            "realizadas": len(given),
            "realizadasNoPrazo": on_time,
            "realizadasForaDoPrazo": len(given) - on_time,
            "pendentes": sum(d["status"] == "pendente" for d in today) - overdue,
            "atrasadas": overdue,
            "naoRealizadas": withheld,
            "suspensas": 0,
            "taxaAdesao": 100 if due == 0 else round(100 * on_time / due, 2),
        }


async def test_the_day_is_as_the_model_has_it(new_hospital: Hospital, still: StillClock, proof: Ledger) -> None:
    parted, steps = await divergence(Day, new_hospital, still)
    assert parted == ""
    proof.shown("the nursing panel over the day: no divergence from the model", steps=steps)


async def test_the_model_sees_a_dose_that_is_late_ten_minutes_too_late(
    new_hospital: Hospital, still: StillClock, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tolerance = AdministracoesService._tolerance
    monkeypatch.setattr(AdministracoesService, "_tolerance", lambda self: tolerance(self) - timedelta(minutes=10))
    parted, steps = await divergence(Day, new_hospital, still, seek=2000)
    assert parted, "nothing was seen"
    proof.seen("a dose is late ten minutes too late", steps=steps)
