"""The verbs of internacoes."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.ids import new_id
from zoapets.common.schema import changes
from zoapets.core.crud import Crud, searched
from zoapets.entities.internacoes import Internacao, Leito, Prioridade, StatusInternacao
from zoapets.entities.pets import Pet
from zoapets.modules.internacoes import events, queries, rules
from zoapets.modules.internacoes.schemas import (
    InternacaoCreate,
    InternacaoListada,
    InternacaoRead,
    MapaLeitos,
    Obito,
)
from zoapets.modules.leitos.service import LeitosService
from zoapets.modules.pets.service import PetNaoEncontrado, PetsService
from zoapets.modules.prescricoes.service import PrescricoesService


class InternacaoNaoEncontrada(NotFound):
    """This hospital has no stay of this id."""

    title = "Internação não encontrada."


class InternacaoEncerrada(Conflict):
    """The stay ended in alta or obito, and stays ended."""

    title = "Esta internação já foi encerrada."
    advice = "Para o mesmo animal, abra outra internação em POST /internacoes."
    constraint = "internacao_encerrada"


class PetJaInternado(Conflict):
    """The pet has an open stay."""

    title = "Este pet já está internado."
    advice = "Veja a internação aberta em GET /internacoes com `petId`."
    constraint = "uq_internacoes_pet_aberta"


class PetEmOutroLeito(PetJaInternado):
    """The pet lies in a bed."""

    title = "Este pet já ocupa um leito."
    constraint = "ex_ocupacoes_pet"


class PacienteJaAdmitido(Conflict):
    """The patient has a bed."""

    title = "O paciente já foi admitido em um leito."
    advice = "Para mudar de leito, use POST /internacoes/{id}/transferir."


class PacienteSemLeito(Conflict):
    """The patient waits for a bed."""

    title = "O paciente ainda não está em um leito."
    advice = "Admita-o em POST /internacoes/{id}/admitir."


class PacienteJaIsolado(Conflict):
    """The patient is isolated."""

    title = "O paciente já está em isolamento."
    advice = "Para corrigir o motivo, use PATCH /internacoes/{id}."


class PacienteSemIsolamento(Conflict):
    """The patient is not isolated."""

    title = "O paciente não está em isolamento."


class InternacoesService(Crud[Internacao, InternacaoRead]):
    """A pet in a bed, from its arrival to alta or obito.

    Who changes a stay locks its pet, then the stay, then the one bed it takes, in this order and never another, and
    writes only then. The bed that is left needs no lock: who wants it finds it taken until the commit; then it is
    free at once, whatever must be done to it is said by hand.
    """

    entity = Internacao
    read = InternacaoRead
    listed = InternacaoListada
    not_found = InternacaoNaoEncontrada
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(Pet.busca),
        "status": Internacao.status == bindparam("status"),
        "prioridade": Internacao.prioridade == bindparam("prioridade"),
        "isolamento": Internacao.isolamento == bindparam("isolamento"),
        "ala_id": Leito.ala_id == bindparam("ala_id"),
        "leito_id": Internacao.leito_id == bindparam("leito_id"),
        "pet_id": Internacao.pet_id == bindparam("pet_id"),
        "veterinario_id": Internacao.veterinario_id == bindparam("veterinario_id"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return queries.ONE

    @classmethod
    def list_source(cls) -> Select[Any]:
        return queries.LISTED

    @classmethod
    def order(cls) -> list[Any]:
        return [Internacao.data_entrada.desc(), Internacao.id]

    async def mapa_leitos(self, *, unidade_id: UUID | None = None, ala_id: UUID | None = None) -> MapaLeitos:
        """Every bed in use, what it is and who lies in it, by unidade and ala; in one statement."""
        rows = await self.db.all(queries.MAP, unidade_id=unidade_id, ala_id=ala_id)
        return rules.bed_map(rows, self.ctx.now)

    async def internar(self, data: InternacaoCreate) -> InternacaoRead:
        """A stay: in its bed when `leito_id` is given, waiting for one otherwise.

        Unprocessable for a pet that is archived or dead, a veterinarian who is no active user, a date in the future,
        isolation without a reason; PetJaInternado; LeitoOcupado or LeitoIndisponivel.
        """
        entrada = rules.entrance(data.data_entrada, self.ctx.now)
        rules.check_isolation(isolamento=data.isolamento, motivo=data.motivo_isolamento)
        await self._hold_pet(data.pet_id)
        veterinario_id = data.veterinario_id or self.ctx.actor_id
        await self._check_vet(veterinario_id)
        if data.leito_id is not None:
            # Before the stay is written: its foreign key takes a share of the bed, and rivals that each hold a share
            # wait for each other.
            await LeitosService(self.ctx).take(data.leito_id)
        waits = data.leito_id is None
        started = await self.create(
            data,
            status=StatusInternacao.AGUARDANDO if waits else StatusInternacao.EM_ANDAMENTO,
            veterinario_id=veterinario_id,
            data_entrada=entrada,
            admitida_em=None if waits else entrada,
        )
        self.ctx.emit(events.InternacaoIniciada(started.id, data.pet_id, data.leito_id))
        if data.leito_id is None:
            return started
        await self._occupy(started.id, data.pet_id, data.leito_id)
        return await self.get(started.id)

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> InternacaoRead:
        """A corrected stay, while it is open; isolation has a reason, and its end forgets it."""
        stay = await self._hold(id)
        given = {**(changes(data) if data is not None else {}), **more}
        if "veterinario_id" in given:
            await self._check_vet(given["veterinario_id"])
        if given.keys() & {"isolamento", "motivo_isolamento"}:
            isolamento = given.get("isolamento", stay.isolamento)
            motivo = given.get("motivo_isolamento", stay.motivo_isolamento if isolamento else None)
            rules.check_isolation(isolamento=isolamento, motivo=motivo)
            more |= {"isolamento": isolamento, "motivo_isolamento": motivo}
        return await super().update(id, data, **more)

    async def isolar(self, id: UUID, motivo: str) -> InternacaoRead:
        """Isolate the patient; PacienteJaIsolado the second time."""
        if (await self._hold(id)).isolamento:
            raise PacienteJaIsolado
        return await super().update(id, isolamento=True, motivo_isolamento=motivo)

    async def encerrar_isolamento(self, id: UUID) -> InternacaoRead:
        """End the isolation; PacienteSemIsolamento when there is none."""
        if not (await self._hold(id)).isolamento:
            raise PacienteSemIsolamento
        return await super().update(id, isolamento=False, motivo_isolamento=None)

    async def priorizar(self, id: UUID, prioridade: Prioridade) -> InternacaoRead:
        """Say how urgent the patient is; saying it again does no harm."""
        return await self.update(id, prioridade=prioridade)

    async def admitir(self, id: UUID, leito_id: UUID) -> InternacaoRead:
        """Give a waiting patient its bed; PacienteJaAdmitido when it has one, LeitoOcupado, LeitoIndisponivel."""
        stay = await self._hold(id)
        if stay.status is not StatusInternacao.AGUARDANDO:
            raise PacienteJaAdmitido
        await LeitosService(self.ctx).take(leito_id)
        await self._occupy(id, stay.pet_id, leito_id)
        self.ctx.emit(events.PacienteAdmitido(id, stay.pet_id, leito_id))
        return await super().update(
            id,
            status=StatusInternacao.EM_ANDAMENTO,
            leito_id=leito_id,
            admitida_em=max(self.ctx.now, stay.data_entrada),
        )

    async def transferir(self, id: UUID, leito_id: UUID, motivo: str) -> InternacaoRead:
        """Move the patient to another bed; the one it leaves is free at once. PacienteSemLeito when it waits."""
        stay = await self._hold(id)
        if stay.leito_id is None:
            raise PacienteSemLeito
        await LeitosService(self.ctx).take(leito_id)
        await self._vacate(id)
        await self._occupy(id, stay.pet_id, leito_id, motivo=motivo)
        self.ctx.emit(events.LeitoTrocado(id, stay.pet_id, stay.leito_id, leito_id))
        return await super().update(id, leito_id=leito_id)

    async def dar_alta(self, id: UUID, observacoes: str | None = None) -> InternacaoRead:
        """Dar alta: the bed is free, orders end and open doses are suspended, or nothing happens."""
        stay = await self._hold(id)
        closed = await self._close(id, stay, StatusInternacao.ALTA, observacoes_alta=observacoes)
        self.ctx.emit(events.AltaDada(id, stay.pet_id))
        return closed

    async def registrar_obito(self, id: UUID, data: Obito) -> InternacaoRead:
        """Close the stay as `dar_alta` does, and write down that the pet has died."""
        stay = await self._hold(id)
        closed = await self._close(
            id, stay, StatusInternacao.OBITO, causa_obito=data.causa, observacoes_alta=data.observacoes
        )
        await PetsService(self.ctx).registrar_obito(stay.pet_id, self.ctx.now)
        self.ctx.emit(events.ObitoRegistrado(id, stay.pet_id))
        return closed

    # --- inside

    async def _hold_pet(self, pet_id: UUID) -> None:
        """Lock a pet that can stay here."""
        pet = await self.db.first(queries.HOLD_PET, id=pet_id)
        if pet is None:
            raise PetNaoEncontrado
        if pet.arquivado_em is not None:
            raise Unprocessable(errors=[FieldError("petId", "este pet está arquivado")])
        if pet.obito_em is not None:
            raise Unprocessable(errors=[FieldError("petId", "este pet tem óbito registrado")])

    async def _hold(self, id: UUID) -> queries.EstadiaTravada:
        """The stay, locked after its pet; InternacaoEncerrada when it has ended."""
        if await self.db.first(queries.HOLD_PET_OF, id=id) is None:
            raise self.not_found
        stay = await self.db.one(queries.HOLD, id=id)
        if stay.status.is_final:
            raise InternacaoEncerrada(status_atual=stay.status)
        return stay

    async def _occupy(self, id: UUID, pet_id: UUID, leito_id: UUID, motivo: str | None = None) -> None:
        await self.db.run(
            queries.OCCUPY,
            a_id=new_id(),
            a_internacao_id=id,
            a_pet_id=pet_id,
            a_leito_id=leito_id,
            a_motivo=motivo,
            agora=self.ctx.now,
        )

    async def _vacate(self, id: UUID) -> None:
        await self.db.run(queries.VACATE, a_internacao_id=id, agora=self.ctx.now)

    async def _close(
        self, id: UUID, stay: queries.EstadiaTravada, status: StatusInternacao, **how: Any
    ) -> InternacaoRead:
        await PrescricoesService(self.ctx).encerrar_da_internacao(id, motivo=status.value)
        await self._vacate(id)
        return await super().update(
            id,
            status=status,
            leito_id=None,
            data_alta=max(self.ctx.now, stay.data_entrada),
            encerrada_por_id=self.ctx.actor_id,
            **how,
        )

    async def _check_vet(self, user_id: UUID) -> None:
        if not await self.db.one(queries.IS_ACTIVE_USER, id=user_id):
            raise Unprocessable(errors=[FieldError("veterinarioId", "deve ser uma pessoa ativa deste hospital")])
