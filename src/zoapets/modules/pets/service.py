"""The verbs of pets."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, exists, insert, select

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.ids import new_id
from zoapets.common.paging import Page, page_of
from zoapets.core.crud import Crud, searched
from zoapets.core.statements import columns, query
from zoapets.entities.internacoes import Internacao, StatusInternacao
from zoapets.entities.pets import Pet, PetAlergia, PetPeso
from zoapets.entities.tutores import Tutor
from zoapets.modules.pets import queries
from zoapets.modules.pets.schemas import (
    Acontecimento,
    AlergiaCreate,
    AlergiaRead,
    PesoCreate,
    PesoRead,
    PetListado,
    PetRead,
)
from zoapets.modules.tutores.service import TutoresService, TutorNaoEncontrado

OLDEST_BIRTH = date(1900, 1, 1)


class PetNaoEncontrado(NotFound):
    """This hospital has no pet of this id."""

    title = "Pet não encontrado."


class AlergiaNaoEncontrada(NotFound):
    """This pet has no such open allergy."""

    title = "Alergia não encontrada, ou já marcada como erro."


class MicrochipEmUso(Conflict):
    """Another pet has this microchip."""

    title = "Já existe um pet com este microchip."
    advice = "Busque o cadastro existente por `microchip`."
    constraint = "uq_pets_microchip"


class PetInternado(Conflict):
    """A pet that is staying here cannot be archived."""

    title = "Este pet está internado."
    advice = "Encerre a internação antes de arquivar."


# Shared by all who give it pets: it cannot be archived meanwhile.
TUTOR_IS_OPEN = (
    select(Tutor.id)
    .where(Tutor.id == bindparam("tutor_id"), Tutor.arquivado_em.is_(None))
    .with_for_update(read=True)
    .exists()
)
IS_STAYING = query(
    select(
        exists().where(
            Internacao.pet_id == bindparam("id"),
            Internacao.status.in_([StatusInternacao.AGUARDANDO, StatusInternacao.EM_ANDAMENTO]),
        )
    )
)
ADD_WEIGHT = query(
    insert(PetPeso).values(
        {n: bindparam(n) for n in ("id", "pet_id", "peso_kg", "medido_em", "origem", "registrado_por_id", "created_at")}
    )
)
ADD_ALLERGY = query(
    insert(PetAlergia).values(
        {
            name: bindparam(name)
            for name in ("id", "pet_id", "substancia", "reacao", "gravidade", "registrada_por_id", "registrada_em")
        }
    )
)


class PetsService(Crud[Pet, PetRead]):
    """Animals; archived with a reason, never deleted."""

    entity = Pet
    read = PetRead
    listed = PetListado
    not_found = PetNaoEncontrado
    filters_own_columns = True
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(Pet.busca),
        "tutor_id": Pet.tutor_id == bindparam("tutor_id"),
        "especie": Pet.especie == bindparam("especie"),
        "microchip": Pet.microchip == bindparam("microchip"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        weight, allergies = queries.last_weight(Pet.id), queries.allergies(Pet.id)
        return select(
            *columns(PetRead, Pet, tutor=Tutor, peso_kg=weight, alergias=allergies, internacoes=queries.STAYS)
        ).join(Tutor)

    @classmethod
    def list_source(cls) -> Select[Any]:
        return select(*columns(PetListado, Pet, tutor=Tutor)).join(Tutor)

    async def create(self, data: msgspec.Struct, **more: Any) -> PetRead:
        """A new pet of an existing tutor."""
        self._check_birth(data)
        made = await self.create_if(TUTOR_IS_OPEN, data, **more)
        if made is None:
            await self._check_tutor(data)
            raise TutorNaoEncontrado
        return made

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> PetRead:
        """A corrected pet; a new tutor must exist."""
        self._check_birth(data)
        await self._check_tutor(data)
        return await super().update(id, data, **more)

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the pet away; PetInternado while it is staying here."""
        await self.lock(id)
        if await self.db.one(IS_STAYING, id=id):
            raise PetInternado
        await super().archive(id, motivo)

    async def registrar_obito(self, id: UUID, em: datetime) -> None:
        """Write down when the pet died: from then on it cannot be admitted."""
        await super().update(id, obito_em=em)

    async def weigh(self, id: UUID, data: PesoCreate) -> PesoRead:
        """Add a weight to the series; in the future it is refused."""
        await self.get(id)
        at = data.medido_em or self.ctx.now
        if not self._is_past(at):
            raise Unprocessable(errors=[FieldError("medidoEm", "não pode estar no futuro")])
        weight_id = new_id()
        await self.db.run(
            ADD_WEIGHT,
            id=weight_id,
            pet_id=id,
            peso_kg=data.peso_kg,
            medido_em=at,
            origem=data.origem,
            registrado_por_id=self.ctx.actor_id,
            created_at=self.ctx.now,
        )
        return PesoRead(weight_id, data.peso_kg, at, data.origem, self.ctx.actor.nome)

    async def weights(self, id: UUID) -> list[PesoRead]:
        """The last 500 weights, the newest first."""
        await self.get(id)
        return await self.db.all(queries.WEIGHTS, pet_id=id)

    async def add_allergy(self, id: UUID, data: AlergiaCreate) -> AlergiaRead:
        """Write down an allergy; it can be marked as an error later, not removed."""
        await self.get(id)
        allergy_id = new_id()
        await self.db.run(
            ADD_ALLERGY,
            id=allergy_id,
            pet_id=id,
            substancia=data.substancia,
            reacao=data.reacao,
            gravidade=data.gravidade,
            registrada_por_id=self.ctx.actor_id,
            registrada_em=self.ctx.now,
        )
        return await self.db.one(queries.ALLERGY, pet_id=id, id=allergy_id)

    async def allergies(self, id: UUID) -> list[AlergiaRead]:
        """Every allergy ever written down, errors too."""
        await self.get(id)
        return await self.db.all(queries.ALLERGIES, pet_id=id)

    async def mark_allergy_error(self, id: UUID, allergy_id: UUID, motivo: str) -> AlergiaRead:
        """Mark an allergy as entered in error: it stays, and warns no more."""
        marked = await self.db.run(
            queries.MARK_ALLERGY_ERROR,
            a_pet_id=id,
            a_id=allergy_id,
            erro_em=self.ctx.now,
            erro_por_id=self.ctx.actor_id,
            erro_motivo=motivo,
        )
        if not marked:
            raise AlergiaNaoEncontrada
        return await self.db.one(queries.ALLERGY, pet_id=id, id=allergy_id)

    async def history(self, id: UUID, *, page: int, limit: int) -> Page[Acontecimento]:
        """All that happened to the pet, the newest first."""
        await self.get(id)
        rows = await self.db.all(queries.HISTORY, pet_id=id, page_limit=limit, page_offset=(page - 1) * limit)
        return page_of(rows, await self.db.one(queries.HISTORY_TOTAL, pet_id=id), page, limit)

    def _check_birth(self, data: msgspec.Struct | None) -> None:
        birth = getattr(data, "data_nascimento", None)
        if isinstance(birth, date) and not OLDEST_BIRTH <= birth <= self.ctx.now.date() + timedelta(days=1):
            raise Unprocessable(errors=[FieldError("dataNascimento", "deve estar entre 1900 e hoje")])

    async def _check_tutor(self, data: msgspec.Struct | None) -> None:
        tutor_id = getattr(data, "tutor_id", None)
        if isinstance(tutor_id, UUID):
            tutores = TutoresService(self.ctx)
            await tutores.lock(tutor_id, shared=True)
            if (await tutores.get(tutor_id)).arquivado_em is not None:
                raise Unprocessable(errors=[FieldError("tutorId", "este tutor está arquivado")])

    def _is_past(self, at: datetime) -> bool:
        # Five minutes for a clock on the wall that runs ahead of ours.
        return at <= self.ctx.now + timedelta(minutes=5)
