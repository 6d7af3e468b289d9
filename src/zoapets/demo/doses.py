"""The doses of a made-up hospital: given on time, late or not at all, put off, voided; due now, or to come."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from zoapets.common.ids import new_id
from zoapets.demo.catalogue import words
from zoapets.demo.draft import Draft, Row, dated
from zoapets.demo.people import Staff
from zoapets.demo.protocols import Order
from zoapets.demo.wards import Stay

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MISSED, LATE, REMARKED = 0.04, 0.12, 0.12
VOIDED = ("Registrada no paciente errado.", "Horário digitado errado; a dose foi dada mais tarde.")
VOIDED_BETWEEN = (40 * HOUR, 8 * HOUR)
# What a reason for a missed dose speaks of, where it does not suit every drug.
ONLY_FOR: dict[str, Callable[[Order], bool]] = {
    "Acesso venoso": lambda order: order.dose.via == "IV",
    "Vômito": lambda order: order.dose.via == "VO",
    "Jejum": lambda order: order.dose.via == "VO",
    "Frequência cardíaca": lambda order: order.drug.classe == "cardiovascular",
    "Glicemia": lambda order: order.drug.classe == "insulina",
}


class Halt(NamedTuple):
    """From `at` on, no dose of an item is given."""

    status: str
    motivo: str
    at: datetime


@dataclass
class Doses:
    """Writes the doses; nobody gives one before its prescription, in the future, or after the stay."""

    draft: Draft
    staff: Staff
    _given: list[Row] = field(default_factory=list)

    def schedule(
        self,
        prescricao: Row,
        item: Row,
        stay: Stay,
        order: Order,
        instants: list[datetime],
        *,
        left_at: datetime | None,
        halt: Halt | None,
    ) -> None:
        """Every dose of an item; all that are past have their record, but for the one of `left_at`."""
        for at in instants:
            dose = self.draft.add(
                "administracoes",
                id=new_id(),
                prescricao_id=prescricao["id"],
                prescricao_item_id=item["id"],
                internacao_id=stay.row["id"],
                data_hora_agendada=at,
                status="pendente",
                data_hora_realizada=None,
                realizado_por_id=None,
                registrada_em=None,
                observacoes=None,
                justificativa=None,
                motivo_suspensao=None,
                anulada_em=None,
                anulada_por_id=None,
                motivo_anulacao=None,
                substitui_id=None,
                **dated(prescricao["created_at"]),
            )
            if halt is not None and at >= halt.at:
                dose |= {"status": "suspensa", "motivo_suspensao": halt.motivo, "updated_at": halt.at, "versao": 2}
            elif at <= self.draft.now and at != left_at:
                self._record(dose, stay, order)

    def _record(self, dose: Row, stay: Stay, order: Order) -> None:
        rng, at = self.draft.rng, dose["data_hora_agendada"]
        # The last moment at which it can have been written down.
        last = min(stay.end, self.draft.now - MINUTE)
        chance = rng.random()
        done = min(at + timedelta(seconds=int(rng.triangular(-600, 1500, 240))), last)
        if chance < LATE and at + 95 * MINUTE < last:
            done = at + rng.randint(35, 90) * MINUTE
        written = min(done + timedelta(seconds=rng.randint(0, 240)), last)
        dose |= {
            "realizado_por_id": rng.choice(self.staff.on_duty(done)),
            "registrada_em": written,
            "updated_at": written,
            "versao": 2,
        }
        if chance < MISSED:
            dose |= {"status": "nao_realizada", "justificativa": self._reason(order)}
            return
        dose |= {"status": "realizada", "data_hora_realizada": done}
        if rng.random() < REMARKED and stay.pet.especie in {"canina", "felina"}:
            dose["observacoes"] = rng.choice(words().observacoes_enfermagem)
        if stay.is_open:
            self._given.append(dose)

    def _reason(self, order: Order) -> str:
        reasons = [
            reason
            for reason in words().justificativas_nao_realizada
            if all(suits(order) for text, suits in ONLY_FOR.items() if reason.startswith(text))
        ]
        return self.draft.rng.choice(reasons)

    def void_some(self) -> None:
        """One record for each of the usual mistakes was voided by a vet, and the dose recorded again."""
        first, last = (self.draft.now - ago for ago in VOIDED_BETWEEN)
        recent = [dose for dose in self._given if first <= dose["registrada_em"] <= last]
        for dose, motivo in zip(self.draft.rng.sample(recent, len(VOIDED)), VOIDED, strict=True):
            voided_at = dose["registrada_em"] + self.draft.rng.randint(12, 40) * MINUTE
            again = voided_at + self.draft.rng.randint(3, 15) * MINUTE
            replacement = dose | {
                "id": new_id(),
                "substitui_id": dose["id"],
                "data_hora_realizada": again,
                "registrada_em": again,
                **dated(voided_at, again, 2),
            }
            self.draft.add("administracoes", **replacement)
            dose |= {
                "status": "anulada",
                "anulada_em": voided_at,
                "anulada_por_id": self.draft.rng.choice(self.staff.vets),
                "motivo_anulacao": motivo,
                "updated_at": voided_at,
                "versao": 3,
            }
