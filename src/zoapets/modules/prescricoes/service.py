"""The verbs of prescriptions."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, select

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.ids import new_id
from zoapets.core.crud import Crud
from zoapets.core.events import Event
from zoapets.core.statements import columns
from zoapets.entities.internacoes import StatusInternacao
from zoapets.entities.pets import Pet
from zoapets.entities.prescricoes import Prescricao, StatusPrescricao, TipoPrescricao
from zoapets.entities.users import User
from zoapets.modules.administracoes.service import AdministracoesService
from zoapets.modules.prescricoes import queries, rules
from zoapets.modules.prescricoes.schemas import (
    Alerta,
    Drug,
    ItemCreate,
    ItemRead,
    Patient,
    PrescricaoCreate,
    PrescricaoCriada,
    PrescricaoListada,
    PrescricaoRead,
)

# How far from now a course may begin: history is entered late, and plans are made early.
EARLIEST, LATEST = timedelta(days=30), timedelta(days=366)


class PrescricaoNaoEncontrada(NotFound):
    """This hospital has no prescription of this id."""

    title = "Prescrição não encontrada."


class ItemNaoEncontrado(NotFound):
    """The prescription has no such item."""

    title = "Item de prescrição não encontrado."


class InternacaoNaoEmAndamento(Conflict):
    """Doses are scheduled only for a pet that is staying here."""

    title = "A internação não está em andamento."
    advice = "Admita o paciente antes de prescrever; depois da alta, use uma prescrição ambulatorial."


class PrescricaoEncerrada(Conflict):
    """What has ended stays ended."""

    title = "A prescrição (ou o item) já está encerrada, ou já está neste estado."


class AlertaExigeJustificativa(Conflict):
    """A grave warning is overridden only with a written reason."""

    title = "Há alerta grave: escreva `justificativaAlerta` no item para prescrever assim mesmo."
    advice = "Revise a prescrição; se for mesmo o caso, justifique em cada item indicado."


class PrescricaoFeita(Event, frozen=True):
    prescricao_id: UUID
    pet_id: UUID
    internacao_id: UUID | None
    doses: int


class PrescricaoMudada(Event, frozen=True):
    prescricao_id: UUID
    item_id: UUID | None
    status: StatusPrescricao
    motivo: str


class PrescricoesService(Crud[Prescricao, PrescricaoRead]):
    """Orders of a vet. What was ordered is not edited: it is suspended or ended, and ordered anew."""

    entity = Prescricao
    read = PrescricaoRead
    listed = PrescricaoListada
    not_found = PrescricaoNaoEncontrada
    filters_own_columns = True
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "pet_id": Prescricao.pet_id == bindparam("pet_id"),
        "internacao_id": Prescricao.internacao_id == bindparam("internacao_id"),
        "status": Prescricao.status == bindparam("status"),
        "tipo": Prescricao.tipo == bindparam("tipo"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return select(*columns(PrescricaoRead, Prescricao, veterinario=User.nome, itens=queries.ITEMS)).join(
            User, User.id == Prescricao.veterinario_id
        )

    @classmethod
    def list_source(cls) -> Select[Any]:
        shown = columns(PrescricaoListada, Prescricao, pet=Pet.nome, veterinario=User.nome, itens=queries.ITEM_COUNT)
        return select(*shown).join(Pet, Pet.id == Prescricao.pet_id).join(User, User.id == Prescricao.veterinario_id)

    @classmethod
    def order(cls) -> list[Any]:
        return [Prescricao.created_at.desc(), Prescricao.id.desc()]

    async def prescribe(self, data: PrescricaoCreate) -> PrescricaoCriada:
        """The prescription, its items and, for `hospitalar`, every dose: all of them or none."""
        patient = await self._patient(data)
        drugs = await self._drugs(data, patient)
        items = [self._item(item, drugs[item.medicamento_id], patient, n) for n, item in enumerate(data.itens)]
        self._demand_reasons(items)

        prescription_id, times = new_id(), self._times(data, items)
        await self.db.run(
            queries.PRESCRIBE_DOSES if times else queries.PRESCRIBE,
            id=prescription_id,
            pet_id=data.pet_id,
            internacao_id=data.internacao_id,
            veterinario_id=self.ctx.actor_id,
            tipo=data.tipo,
            observacoes=data.observacoes,
            now=self.ctx.now,
            itens=[_as_row(item) for item in items],
            **AdministracoesService.schedule(times),
        )
        doses = len(times)
        self.ctx.emit(PrescricaoFeita(prescription_id, data.pet_id, data.internacao_id, doses))
        return PrescricaoCriada(
            id=prescription_id,
            tipo=data.tipo,
            status=StatusPrescricao.ATIVA,
            motivo_status=None,
            observacoes=data.observacoes,
            pet_id=data.pet_id,
            internacao_id=data.internacao_id,
            veterinario_id=self.ctx.actor_id,
            veterinario=self.ctx.actor.nome,
            itens=items,
            created_at=self.ctx.now,
            updated_at=self.ctx.now,
            versao=1,
            administracoes_geradas=doses,
        )

    async def suspend(self, id: UUID, motivo: str, item_id: UUID | None = None) -> PrescricaoRead:
        """Hold the prescription, or one item: its remaining doses are suspended, with the reason."""
        itens = await self._change(id, StatusPrescricao.SUSPENSA, motivo, item_id)
        await AdministracoesService(self.ctx).suspend(itens, motivo)
        return await self.get(id)

    async def resume(self, id: UUID, motivo: str, item_id: UUID | None = None) -> PrescricaoRead:
        """Take it up again: suspended doses from now on are back on the schedule."""
        if await self._lock_stay(id) not in {None, StatusInternacao.EM_ANDAMENTO}:
            raise InternacaoNaoEmAndamento
        itens = await self._change(id, StatusPrescricao.ATIVA, motivo, item_id)
        await AdministracoesService(self.ctx).resume(itens)
        return await self.get(id)

    async def end(self, id: UUID, motivo: str, item_id: UUID | None = None) -> PrescricaoRead:
        """Stop the prescription, or one item, for good: only the remaining doses are suspended."""
        itens = await self._change(id, StatusPrescricao.ENCERRADA, motivo, item_id)
        await AdministracoesService(self.ctx).suspend(itens, motivo)
        return await self.get(id)

    async def encerrar_da_internacao(self, internacao_id: UUID, motivo: str) -> None:
        """End every open prescription of a stay. The caller holds the stay's lock."""
        for prescription_id in await self.db.all(queries.OPEN_OF_STAY, internacao_id=internacao_id):
            await self.end(prescription_id, motivo)

    # --- inside

    async def _patient(self, data: PrescricaoCreate) -> Patient:
        faults = [
            FieldError(f"itens[{n}].inicio", "deve estar entre 30 dias atrás e um ano à frente")
            for n, item in enumerate(data.itens)
            if not self.ctx.now - EARLIEST <= item.inicio <= self.ctx.now + LATEST
        ]
        if data.tipo is TipoPrescricao.HOSPITALAR and data.internacao_id is None:
            faults.append(FieldError("internacaoId", "é obrigatório em prescrição hospitalar"))
        if faults:
            raise Unprocessable(errors=faults)
        patient = await self.db.first(
            queries.PATIENT if data.internacao_id is None else queries.PATIENT_HELD,
            pet_id=data.pet_id,
            internacao_id=data.internacao_id,
        )
        if patient is None and data.internacao_id is not None:
            raise Unprocessable(errors=[FieldError("internacaoId", "não é uma internação deste pet")])
        if patient is not None and patient.internacao not in {None, StatusInternacao.EM_ANDAMENTO}:
            raise InternacaoNaoEmAndamento
        if patient is None or patient.arquivado_em is not None or patient.obito_em is not None:
            raise Unprocessable(errors=[FieldError("petId", "não é um pet ativo deste hospital")])
        return patient

    async def _drugs(self, data: PrescricaoCreate, patient: Patient) -> dict[UUID, Drug]:
        ids = list({item.medicamento_id for item in data.itens})
        found = await self.db.all(queries.DRUGS, ids=ids, especie=patient.especie, internacao_id=data.internacao_id)
        drugs = {drug.id: drug for drug in found if drug.arquivado_em is None}
        missing = [
            FieldError(f"itens[{n}].medicamentoId", "não é um medicamento ativo deste hospital")
            for n, item in enumerate(data.itens)
            if item.medicamento_id not in drugs
        ]
        if missing:
            raise Unprocessable(errors=missing)
        return drugs

    def _times(self, data: PrescricaoCreate, items: list[ItemRead]) -> list[tuple[UUID, datetime]]:
        """When every dose of a `hospitalar` prescription is due, by the hospital's wall clock."""
        if data.tipo is not TipoPrescricao.HOSPITALAR:
            return []
        fuso = self.ctx.hospital.fuso
        return [
            (item.id, at)
            for item in items
            for at in rules.times(item.inicio, item.frequencia_horas, item.duracao_dias, fuso)
        ]

    def _item(self, item: ItemCreate, drug: Drug, patient: Patient, n: int) -> ItemRead:
        if item.unidade.per_kg and patient.peso_kg is None:
            message = "dose por kg exige um peso: registre-o em POST /pets/{id}/pesos"
            raise Unprocessable(errors=[FieldError(f"itens[{n}].unidade", message)])
        result = rules.calculate(
            item.dose,
            item.unidade,
            peso_kg=patient.peso_kg,
            concentracao=drug.concentracao,
            concentracao_unidade=drug.concentracao_unidade,
        )
        return ItemRead(
            id=new_id(),
            medicamento_id=drug.id,
            medicamento=drug.nome,
            alta_vigilancia=drug.alta_vigilancia,
            dose=item.dose,
            unidade=item.unidade,
            via=item.via,
            frequencia_horas=item.frequencia_horas,
            duracao_dias=item.duracao_dias,
            inicio=item.inicio,
            peso_kg=patient.peso_kg,
            dose_calculada=result.dose,
            dose_calculada_unidade=result.unidade,
            volume_ml=result.volume_ml,
            orientacoes=item.orientacoes,
            justificativa_alerta=item.justificativa_alerta,
            alertas=self._warnings(item, drug, patient),
            status=StatusPrescricao.ATIVA,
            motivo_status=None,
        )

    def _warnings(self, item: ItemCreate, drug: Drug, patient: Patient) -> list[Alerta]:
        warnings = []
        if substance := rules.matching_allergy(patient.alergias, drug.nome, drug.principio_ativo, drug.classe):
            warnings.append(Alerta("alergia", f"Paciente alérgico a {substance}.", grave=True))
        if self.ctx.hospital.ajustes.verificar_faixas_de_dose:
            ranges = [rules.Faixa(f.via, f.dose_min, f.dose_max, f.unidade, f.fonte) for f in drug.faixas]
            left = rules.out_of_range(
                ranges, via=item.via, dose=item.dose, unidade=item.unidade, peso_kg=patient.peso_kg
            )
            if left is not None:
                told = f"Dose fora da faixa {left.dose_min} a {left.dose_max} {left.unidade} ({left.fonte})."
                warnings.append(Alerta("dose_fora_da_faixa", told, grave=True))
        if drug.vias and item.via not in drug.vias:
            warnings.append(Alerta("via_incomum", f"Vias do cadastro: {', '.join(drug.vias)}.", grave=False))
        if drug.em_uso:
            warnings.append(Alerta("duplicidade", f"Já há {drug.principio_ativo} ativo nesta internação.", grave=False))
        if item.unidade.per_kg and self._is_old(patient.pesado_em):
            warnings.append(Alerta("peso_antigo", "O último peso é antigo: pese o paciente.", grave=False))
        return warnings

    def _is_old(self, weighed_at: datetime | None) -> bool:
        keeps = timedelta(days=self.ctx.hospital.ajustes.validade_do_peso_dias)
        return weighed_at is not None and weighed_at < self.ctx.now - keeps

    def _demand_reasons(self, items: list[ItemRead]) -> None:
        faults = [
            FieldError(f"itens[{n}].justificativaAlerta", warning.mensagem)
            for n, item in enumerate(items)
            for warning in item.alertas
            if warning.grave and item.justificativa_alerta is None
        ]
        if faults:
            raise AlertaExigeJustificativa(errors=faults)

    async def _change(self, id: UUID, status: StatusPrescricao, motivo: str, item_id: UUID | None) -> list[UUID]:
        """Give the prescription, or one item of it, this status; the items that were touched."""
        await self._lock_stay(id)
        await self.lock(id)
        current = await self.get(id)
        if current.status is StatusPrescricao.ENCERRADA:
            raise PrescricaoEncerrada
        values = {"new_status": status, "motivo": motivo, "agora": self.ctx.now, "a_prescricao_id": id}
        if item_id is None:
            if current.status is status:
                raise PrescricaoEncerrada
            changed: list[UUID] = await self.db.all(queries.CHANGE_ITEMS, **values)
            await self.update(id, status=status, motivo_status=motivo)
        else:
            before = await self.db.first(queries.ITEM_STATUS, item_id=item_id, prescricao_id=id)
            if before is None:
                raise ItemNaoEncontrado
            if before in {StatusPrescricao.ENCERRADA, status}:
                raise PrescricaoEncerrada
            changed = await self.db.all(queries.CHANGE_ITEM, a_item_id=item_id, **values)
            await self.update(id, updated_at=self.ctx.now)
        self.ctx.emit(PrescricaoMudada(id, item_id, status, motivo))
        return changed

    async def _lock_stay(self, id: UUID) -> StatusInternacao | None:
        """Lock the stay (shared) before the prescription, as everybody does; its status, None without a stay."""
        status = await self.db.first(queries.STAY_STATUS, id=id)
        return None if status is None else StatusInternacao(status)


def _as_row(item: ItemRead) -> dict[str, Any]:
    """An item for `jsonb_to_recordset`: by column name."""
    row = msgspec.structs.asdict(item)
    for name in ("medicamento", "alta_vigilancia", "status", "motivo_status"):
        del row[name]
    return row
