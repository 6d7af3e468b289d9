"""The verbs of doses: schedule, show, give once, or say why not."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from zoapets.common.errors import Conflict, FieldError, NotFound, PreconditionFailed, Unprocessable
from zoapets.common.ids import new_id, new_ids
from zoapets.common.paging import Page
from zoapets.core.crud import Crud
from zoapets.core.events import Event
from zoapets.entities.internacoes import Internacao, StatusInternacao
from zoapets.entities.prescricoes import Administracao, Prescricao, StatusAdministracao
from zoapets.modules.administracoes import queries, rules
from zoapets.modules.administracoes.schemas import (
    AdministracaoRead,
    Anulacao,
    DoseNoPainel,
    Estatisticas,
    NaoRealizacao,
    Painel,
    Realizacao,
    StatusDose,
)

# The first of the panel's three lists.
LATE = 0
_OPEN = (StatusAdministracao.PENDENTE,)
_RECORDED = (StatusAdministracao.REALIZADA, StatusAdministracao.NAO_REALIZADA)


class AdministracaoNaoEncontrada(NotFound):
    """This hospital has no dose of this id."""

    title = "Administração não encontrada."


class DoseJaRegistrada(Conflict):
    """The dose has its record."""

    title = "Esta dose já foi registrada."
    advice = "Veja o registro; se estiver errado, anule-o com o motivo."
    constraint = "registro_imutavel"


class DoseSuspensa(Conflict):
    """The dose was suspended with its prescription."""

    title = "Esta dose está suspensa."
    advice = "Fale com o veterinário responsável; uma prescrição suspensa pode ser retomada."


class DoseForaDaInternacao(Conflict):
    """Before the admission, or after the stay has ended."""

    title = "A dose fica fora do período da internação."
    advice = "Uma dose só é registrada entre a admissão e a alta."
    constraint = "dose_fora_da_internacao"


class DoseCedoDemais(Conflict):
    """Earlier than the hospital allows."""

    title = "É cedo demais para esta dose."
    advice = "Espere a hora da dose; o hospital define a antecedência em /configuracoes."


class NadaParaAnular(Conflict):
    """Only a recorded dose can be voided, and only once."""

    title = "Só um registro (realizada ou não realizada) pode ser anulado, e uma vez."


class DoseRealizada(Event, frozen=True):
    administracao_id: UUID
    internacao_id: UUID
    em: datetime


class DoseNaoRealizada(Event, frozen=True):
    administracao_id: UUID
    internacao_id: UUID


class RegistroAnulado(Event, frozen=True):
    administracao_id: UUID
    internacao_id: UUID
    substituida_por: UUID | None


class AdministracoesService(Crud[Administracao, AdministracaoRead]):
    """Doses. A record is made once, by a named person; a wrong one is voided with a reason, and stays."""

    entity = Administracao
    read = AdministracaoRead
    not_found = AdministracaoNaoEncontrada
    filters_own_columns = True
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "pendente": queries.PENDING & (Administracao.data_hora_agendada >= queries.TOLERANCIA),
        "atrasada": queries.PENDING & (Administracao.data_hora_agendada < queries.TOLERANCIA),
        # In so many words, so that the planner sees which of them the small indexes hold.
        **{status.value: Administracao.status == status for status in StatusAdministracao if status not in _OPEN},
        "internacao_id": Administracao.internacao_id == bindparam("internacao_id"),
        # By the stay, of which there is an index.
        "prescricao_id": (Administracao.prescricao_id == bindparam("prescricao_id"))
        & Administracao.internacao_id.in_(
            select(Prescricao.internacao_id).where(Prescricao.id == bindparam("prescricao_id")).scalar_subquery()
        ),
        "pet_id": Administracao.internacao_id.in_(
            select(Internacao.id).where(Internacao.pet_id == bindparam("pet_id")).scalar_subquery()
        ),
        "desde": Administracao.data_hora_agendada >= bindparam("desde"),
        "ate": Administracao.data_hora_agendada < bindparam("ate"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return select(*queries.dose_columns(Administracao))

    @classmethod
    def order(cls) -> list[Any]:
        return [Administracao.data_hora_agendada, Administracao.id]

    def always(self) -> dict[str, Any]:
        return {"agora": self.ctx.now, "tolerancia": self._tolerance()}

    async def search(self, *, page: int, limit: int, **wanted: Any) -> Page[Any]:
        """One page of doses in the order of their times."""
        status = wanted.pop("status", None)
        if status is not None:
            wanted[status.value] = True
        return await super().search(page=page, limit=limit, **wanted)

    async def panel(
        self, *, limite: int, horas: int, ala_id: UUID | None = None, leito_id: UUID | None = None
    ) -> Painel:
        """The nursing panel, now: late, due and coming doses, and what the day has become so far."""
        which = {"by_ward": ala_id is not None, "by_bed": leito_id is not None}
        where = {"ala_id": ala_id, "leito_id": leito_id}
        now, tolerance = self.ctx.now, self._tolerance()
        doses = await self.db.all(
            queries.due(**which),
            agora=now,
            tolerancia=tolerance,
            horizonte=now + timedelta(hours=horas),
            limite=limite,
            **where,
        )
        item_ids = list({dose.prescricao_item_id for dose in doses})
        prescription_ids = list({dose.prescricao_id for dose in doses})
        items = {item.id: item for item in await self.db.all(queries.ITEMS, ids=item_ids)}
        prescriptions = {found.id: found for found in await self.db.all(queries.PRESCRIPTIONS, ids=prescription_ids)}
        lists: tuple[list[DoseNoPainel], ...] = ([], [], [])
        for dose in doses:
            row = DoseNoPainel(
                dose.id,
                dose.data_hora_agendada,
                StatusDose.ATRASADA if dose.lista == LATE else StatusDose.PENDENTE,
                rules.minutes_late(dose.data_hora_agendada, now),
                dose.versao,
                items[dose.prescricao_item_id],
                prescriptions[dose.prescricao_id],
            )
            lists[dose.lista].append(row)
        late, due, coming = lists
        start, end = rules.day_of(now, self.ctx.hospital.fuso)
        counts = await self.db.one(
            queries.day(**which), inicio=start, fim=end, tolerancia=tolerance, janela=now - tolerance, **where
        )
        return Painel(late, due, coming, _statistics(counts))

    async def give(self, id: UUID, data: Realizacao) -> AdministracaoRead:
        """Record that the dose was given, by the actor. Never twice, never in the future, never outside the stay."""
        at = data.data_hora_realizada or self.ctx.now
        if rules.is_future(at, self.ctx.now):
            raise Unprocessable(errors=[FieldError("dataHoraRealizada", "não pode estar no futuro")])
        given = await self._record(
            id, StatusAdministracao.REALIZADA, data_hora_realizada=at, observacoes=data.observacoes
        )
        if rules.is_too_early(at, given.data_hora_agendada, self.ctx.hospital.ajustes.antecedencia_maxima_minutos):
            raise DoseCedoDemais
        self.ctx.emit(DoseRealizada(id, given.internacao_id, at))
        return given

    async def withhold(self, id: UUID, data: NaoRealizacao) -> AdministracaoRead:
        """Record that the dose was not given, and why."""
        withheld = await self._record(
            id,
            StatusAdministracao.NAO_REALIZADA,
            justificativa=data.justificativa,
            observacoes=data.observacoes,
        )
        self.ctx.emit(DoseNaoRealizada(id, withheld.internacao_id))
        return withheld

    async def void(self, id: UUID, data: Anulacao) -> AdministracaoRead:
        """Void a wrong record: it stays, with the reason, and the dose is due again if it is still ordered."""
        # What is ordered cannot change until the dose is due again: who changes it holds these two as well, before any
        # dose.
        await self.db.first(queries.SHARE_STAY, id=id)
        await self.db.first(queries.SHARE_ORDER, id=id)
        voided = await self._act(
            id,
            _RECORDED,
            status=StatusAdministracao.ANULADA,
            anulada_em=self.ctx.now,
            anulada_por_id=self.ctx.actor_id,
            motivo_anulacao=data.motivo,
        )
        situation = await self.db.one(queries.SITUATION, id=id, **self.always())
        replacement = await self._replace(voided) if situation.item_ativo else None
        self.ctx.emit(RegistroAnulado(id, voided.internacao_id, replacement))
        return voided

    # --- for the rooms that order and end treatments

    @staticmethod
    def schedule(times: list[tuple[UUID, datetime]]) -> dict[str, Any]:
        """What `queries.SCHEDULE` asks for, beside its prescription: new doses, each of an item and an instant."""
        return {
            "dose_ids": new_ids(len(times)),
            "dose_itens": [item for item, _ in times],
            "dose_instantes": [at for _, at in times],
        }

    async def suspend(self, itens: list[UUID], motivo: str) -> int:
        """Suspend the doses of these items that are still pending; how many."""
        return await self.db.run(queries.SUSPEND, a_itens=itens, motivo=motivo, agora=self.ctx.now)

    async def resume(self, itens: list[UUID]) -> int:
        """Put suspended doses from now on back on the schedule; those whose time has passed stay suspended."""
        return await self.db.run(queries.RESUME, a_itens=itens, a_desde=self.ctx.now, agora=self.ctx.now)

    # --- inside

    def _tolerance(self) -> datetime:
        return self.ctx.now - timedelta(minutes=self.ctx.hospital.ajustes.tolerancia_atraso_minutos)

    async def _record(self, id: UUID, status: StatusAdministracao, **values: Any) -> AdministracaoRead:
        return await self._act(
            id,
            _OPEN,
            status=status,
            realizado_por_id=self.ctx.actor_id,
            registrada_em=self.ctx.now,
            **values,
        )

    async def _act(self, id: UUID, on: tuple[StatusAdministracao, ...], **values: Any) -> AdministracaoRead:
        """Give the dose these values, if it is in a status of `on`; otherwise say why not."""
        expected = self.ctx.expected_version
        statement = queries.act(tuple(values), on=on, guarded=expected is not None)
        sent = {f"new_{name}": value for name, value in values.items()}
        while (done := await self.db.first(statement, a_id=id, a_versao=expected, **self.always(), **sent)) is None:
            refusal = await self._refusal(id, on)
            if refusal is not None:
                raise refusal
            # It could not be done a moment ago, and now it can: somebody has just taken the prescription up again.
        return done

    async def _refusal(self, id: UUID, on: tuple[StatusAdministracao, ...]) -> Exception | None:
        """Why an act found nothing to change; None when it would find it now."""
        found = await self.db.first(queries.SITUATION, id=id, **self.always())
        if found is None:
            return self.not_found()
        if found.internacao_status is not StatusInternacao.EM_ANDAMENTO:
            return DoseForaDaInternacao()
        status = (
            StatusAdministracao.PENDENTE if found.status is StatusDose.ATRASADA else StatusAdministracao(found.status)
        )
        if status in on:
            return PreconditionFailed() if self.ctx.expected_version not in {None, found.versao} else None
        if on is _RECORDED:
            return NadaParaAnular()
        if status is StatusAdministracao.SUSPENSA:
            return DoseSuspensa()
        return DoseJaRegistrada(status_atual=found.status)

    async def _replace(self, voided: AdministracaoRead) -> UUID:
        replacement = new_id()
        await self.db.run(
            queries.REPLACE,
            id=replacement,
            prescricao_id=voided.prescricao_id,
            prescricao_item_id=voided.prescricao_item_id,
            internacao_id=voided.internacao_id,
            data_hora_agendada=voided.data_hora_agendada,
            substitui_id=voided.id,
            created_at=self.ctx.now,
            updated_at=self.ctx.now,
        )
        return replacement


def _statistics(day: queries.DayCounts) -> Estatisticas:
    due = day.realizadas + day.nao_realizadas + day.atrasadas
    return Estatisticas(
        total=day.total,
        realizadas=day.realizadas,
        realizadas_no_prazo=day.no_prazo,
        realizadas_fora_do_prazo=day.realizadas - day.no_prazo,
        pendentes=day.pendentes,
        atrasadas=day.atrasadas,
        nao_realizadas=day.nao_realizadas,
        suspensas=day.suspensas,
        taxa_adesao=rules.adherence(on_time=day.no_prazo, due=due),
    )
