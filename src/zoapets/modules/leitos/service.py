"""The verbs of unidades, alas and leitos."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, func, select

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.schema import changes
from zoapets.core.crud import Crud, searched
from zoapets.core.statements import columns
from zoapets.entities.internacoes import Ala, Leito, SituacaoLeito, Unidade
from zoapets.modules.leitos import queries
from zoapets.modules.leitos.schemas import AlaRead, LeitoRead, UnidadeRead


class UnidadeNaoEncontrada(NotFound):
    """This hospital has no unidade of this id."""

    title = "Unidade não encontrada."


class AlaNaoEncontrada(NotFound):
    """This hospital has no ala of this id."""

    title = "Ala não encontrada."


class LeitoNaoEncontrado(NotFound):
    """This hospital has no bed of this id."""

    title = "Leito não encontrado."


class UnidadeJaCadastrada(Conflict):
    """Another unidade has this name."""

    title = "Já existe uma unidade com este nome."
    constraint = "uq_unidades_nome"


class AlaJaCadastrada(Conflict):
    """Another ala of this unidade has this name."""

    title = "Já existe uma ala com este nome nesta unidade."
    constraint = "uq_alas_nome"


class LeitoJaCadastrado(Conflict):
    """Another bed has this code."""

    title = "Já existe um leito com este código."
    constraint = "uq_leitos_codigo"


class UnidadeTemAlas(Conflict):
    """A unidade with alas cannot be archived."""

    title = "Esta unidade ainda tem alas."
    advice = "Arquive as alas antes."


class AlaTemLeitos(Conflict):
    """An ala with beds cannot be archived."""

    title = "Esta ala ainda tem leitos."
    advice = "Arquive os leitos, ou mude-os de ala, antes."


class LeitoOcupado(Conflict):
    """A patient lies in this bed."""

    title = "O leito está ocupado."
    advice = "Veja os leitos livres em GET /internacoes/mapa-leitos."
    constraint = "ex_ocupacoes_leito"


class LeitoIndisponivel(Conflict):
    """The bed is being cleaned, or is blocked."""

    title = "O leito não está livre para uso."
    advice = "Escolha outro leito, ou libere este em PATCH /leitos/{id} com `situacao` igual a `livre`."


def _like_name(column: Any) -> Any:
    return searched(func.ext.normalizar(column))


class UnidadesService(Crud[Unidade, UnidadeRead]):
    """Buildings, or whatever the hospital calls its parts."""

    entity = Unidade
    read = UnidadeRead
    not_found = UnidadeNaoEncontrada
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": _like_name(Unidade.nome),
    }

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the unidade away; UnidadeTemAlas while it has alas."""
        await self.lock(id)
        if await self.db.one(queries.HAS_WARDS, id=id):
            raise UnidadeTemAlas
        await super().archive(id, motivo)


class AlasService(Crud[Ala, AlaRead]):
    """Wards of a unidade; `isolamento` says what kind of patient they are for."""

    entity = Ala
    read = AlaRead
    not_found = AlaNaoEncontrada
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": _like_name(Ala.nome),
        "unidade_id": Ala.unidade_id == bindparam("unidade_id"),
        "isolamento": Ala.isolamento == bindparam("isolamento"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return select(*columns(AlaRead, Ala, unidade=Unidade)).join(Unidade, Unidade.id == Ala.unidade_id)

    async def create(self, data: msgspec.Struct, **more: Any) -> AlaRead:
        """A new ala of a unidade that is in use, which cannot be archived meanwhile."""
        unidades = UnidadesService(self.ctx)
        unidade_id: UUID = {**changes(data), **more}["unidade_id"]
        await unidades.lock(unidade_id)
        if (await unidades.get(unidade_id)).arquivado_em is not None:
            raise Unprocessable(errors=[FieldError("unidadeId", "esta unidade está arquivada")])
        return await super().create(data, **more)

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the ala away; AlaTemLeitos while it has beds."""
        await self.lock(id)
        if await self.db.one(queries.HAS_BEDS, id=id):
            raise AlaTemLeitos
        await super().archive(id, motivo)


class LeitosService(Crud[Leito, LeitoRead]):
    """Beds. What is said of one by hand is `situacao`; who lies in it is the business of internacoes."""

    entity = Leito
    read = LeitoRead
    not_found = LeitoNaoEncontrado
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": _like_name(Leito.codigo),
        "situacao": Leito.situacao == bindparam("situacao"),
        "ocupado": bindparam("ocupado") == queries.OCCUPIED,
        "ala_id": Leito.ala_id == bindparam("ala_id"),
        "unidade_id": Ala.unidade_id == bindparam("unidade_id"),
    }

    @classmethod
    def source(cls) -> Select[Any]:
        return (
            select(*columns(LeitoRead, Leito, ocupado=queries.OCCUPIED, ala=Ala, unidade=Unidade))
            .join(Ala, Ala.id == Leito.ala_id)
            .join(Unidade, Unidade.id == Ala.unidade_id)
        )

    @classmethod
    def order(cls) -> list[Any]:
        return [Leito.codigo, Leito.id]

    async def create(self, data: msgspec.Struct, **more: Any) -> LeitoRead:
        """A new bed in an ala that is in use, which cannot be archived meanwhile."""
        await self._check_ward({**changes(data), **more}["ala_id"])
        return await super().create(data, **more)

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> LeitoRead:
        """A corrected bed; LeitoOcupado when a bed with a patient in it is to be blocked or cleaned."""
        given = {**(changes(data) if data is not None else {}), **more}
        # The ward is locked before the bed, as everywhere.
        if "ala_id" in given:
            await self._check_ward(given["ala_id"])
        if given.get("situacao", SituacaoLeito.LIVRE) is not SituacaoLeito.LIVRE:
            await self._hold_empty(id)
        return await super().update(id, data, **more)

    async def archive(self, id: UUID, motivo: str) -> None:
        """Put the bed away; LeitoOcupado while a patient lies in it."""
        await self._hold_empty(id)
        await super().archive(id, motivo)

    async def take(self, id: UUID) -> None:
        """Hold a bed that can be given to a patient until the end of the transaction, for who writes `ocupacoes`.

        LeitoOcupado, LeitoIndisponivel, or Unprocessable for an archived one.
        """
        leito = await self._hold_empty(id)
        if leito.arquivado:
            raise Unprocessable(errors=[FieldError("leitoId", "este leito está arquivado")])
        if leito.situacao is not SituacaoLeito.LIVRE:
            raise LeitoIndisponivel(situacao=leito.situacao)

    async def _hold_empty(self, id: UUID) -> queries.LeitoTravado:
        leito = await self.db.first(queries.HOLD, id=id)
        if leito is None:
            raise self.not_found
        if await self.db.one(queries.IS_TAKEN, id=id):
            raise LeitoOcupado
        return leito

    async def _check_ward(self, ala_id: UUID) -> None:
        alas = AlasService(self.ctx)
        await alas.lock(ala_id)
        if (await alas.get(ala_id)).arquivado_em is not None:
            raise Unprocessable(errors=[FieldError("alaId", "esta ala está arquivada")])
