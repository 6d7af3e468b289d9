"""HTTP face of pets."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from zoapets.common.paging import Page
from zoapets.core.http import Ctx, FromQuery, from_query, requires, routed
from zoapets.core.permissions import Permission
from zoapets.modules.pets.schemas import (
    Acontecimento,
    AlergiaCreate,
    AlergiaErro,
    AlergiaRead,
    HistoricoFiltros,
    PesoCreate,
    PesoRead,
    PetCreate,
    PetFiltros,
    PetListado,
    PetRead,
    PetUpdate,
)
from zoapets.modules.pets.service import PetsService
from zoapets.modules.tutores.schemas import Arquivamento


class PetsController(Controller):
    path = "/pets"
    tags = ("pets",)

    @get(**routed(requires(Permission.PETS_LER), from_query(PetFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[PetFiltros]) -> Page[PetListado]:
        """Listar pets, por nome, com o tutor."""
        return await PetsService(ctx).search(**filtros.asked())

    @post(**requires(Permission.PETS_ESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[PetCreate]) -> PetRead:
        """Cadastrar um pet de um tutor."""
        return await PetsService(ctx).create(data)

    @get("/{id:uuid}", **requires(Permission.PETS_LER))
    async def find(self, ctx: Ctx, id: FromPath[UUID]) -> PetRead:
        """Ver um pet, com tutor, peso atual, alergias e internações."""
        return await PetsService(ctx).get(id)

    @patch("/{id:uuid}", **requires(Permission.PETS_ESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[PetUpdate]) -> PetRead:
        """Corrigir um pet."""
        return await PetsService(ctx).update(id, data)

    @delete("/{id:uuid}", status_code=204, **requires(Permission.PETS_ARQUIVAR))
    async def archive(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[Arquivamento]) -> None:
        """Arquivar um pet, com o motivo."""
        await PetsService(ctx).archive(id, data.motivo)

    @get("/{id:uuid}/historico", **routed(requires(Permission.PETS_LER), from_query(HistoricoFiltros)))
    async def history(self, ctx: Ctx, id: FromPath[UUID], filtros: FromQuery[HistoricoFiltros]) -> Page[Acontecimento]:
        """Ver tudo o que aconteceu com o pet, do mais novo ao mais antigo."""
        return await PetsService(ctx).history(id, **filtros.asked())

    @get("/{id:uuid}/pesos", **requires(Permission.PETS_LER))
    async def weights(self, ctx: Ctx, id: FromPath[UUID]) -> list[PesoRead]:
        """Ver os pesos do pet, do mais novo ao mais antigo."""
        return await PetsService(ctx).weights(id)

    @post("/{id:uuid}/pesos", **requires(Permission.PETS_PESAR))
    async def weigh(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[PesoCreate]) -> PesoRead:
        """Registrar um peso."""
        return await PetsService(ctx).weigh(id, data)

    @get("/{id:uuid}/alergias", **requires(Permission.PETS_LER))
    async def allergies(self, ctx: Ctx, id: FromPath[UUID]) -> list[AlergiaRead]:
        """Ver as alergias do pet, também as marcadas como erro."""
        return await PetsService(ctx).allergies(id)

    @post("/{id:uuid}/alergias", **requires(Permission.PETS_PESAR))
    async def add_allergy(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[AlergiaCreate]) -> AlergiaRead:
        """Registrar uma alergia."""
        return await PetsService(ctx).add_allergy(id, data)

    @post("/{id:uuid}/alergias/{alergia_id:uuid}/erro", status_code=200, **requires(Permission.PETS_ESCREVER))
    async def mark_allergy_error(
        self, ctx: Ctx, id: FromPath[UUID], alergia_id: FromPath[UUID], data: JSONBody[AlergiaErro]
    ) -> AlergiaRead:
        """Marcar uma alergia como registrada por erro; ela continua no histórico."""
        return await PetsService(ctx).mark_allergy_error(id, alergia_id, data.motivo)
