"""The verbs of tutores."""

from uuid import UUID

from sqlalchemy import bindparam, exists, select

from zoapets.common.errors import Conflict, NotFound
from zoapets.core.crud import Crud, searched
from zoapets.core.statements import query
from zoapets.entities.pets import Pet
from zoapets.entities.tutores import Tutor
from zoapets.modules.tutores.schemas import TutorRead


class TutorNaoEncontrado(NotFound):
    """This hospital has no tutor of this id."""

    title = "Tutor não encontrado."


class DocumentoEmUso(Conflict):
    """Another tutor has this CPF or CNPJ."""

    title = "Já existe um tutor com este CPF ou CNPJ."
    advice = "Busque o cadastro existente por `documento` e use-o."
    constraint = "uq_tutores_documento"


class TutorTemPets(Conflict):
    """A tutor with pets cannot be archived."""

    title = "Este tutor ainda responde por animais."
    advice = "Arquive ou transfira os pets antes."


HAS_PETS = query(select(exists().where(Pet.tutor_id == bindparam("id"), Pet.arquivado_em.is_(None))))


class TutoresService(Crud[Tutor, TutorRead]):
    """People who answer for animals; archived with a reason, never deleted."""

    entity = Tutor
    read = TutorRead
    not_found = TutorNaoEncontrado
    filters_own_columns = True
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(Tutor.busca),
        "uf": Tutor.uf == bindparam("uf"),
        "documento": Tutor.documento == bindparam("documento"),
    }

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the tutor away; TutorTemPets while a pet is theirs."""
        await self.lock(id)
        if await self.db.one(HAS_PETS, id=id):
            raise TutorTemPets
        await super().archive(id, motivo)
