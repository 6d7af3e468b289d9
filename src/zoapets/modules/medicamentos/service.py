"""The verbs of medicamentos."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import any_, bindparam, delete, insert, select

from zoapets.common.errors import Conflict, FieldError, NotFound, Unprocessable
from zoapets.common.ids import new_id
from zoapets.common.schema import changes
from zoapets.core.crud import Crud, searched
from zoapets.core.statements import columns, query
from zoapets.entities.medicamentos import Medicamento, MedicamentoFaixa
from zoapets.modules.medicamentos.schemas import FaixaCreate, FaixaRead, MedicamentoRead


class MedicamentoNaoEncontrado(NotFound):
    """This hospital has no drug of this id."""

    title = "Medicamento não encontrado."


class FaixaNaoEncontrada(NotFound):
    """This drug has no range of this id."""

    title = "Faixa de dose não encontrada."


class MedicamentoJaCadastrado(Conflict):
    """Another presentation has this name."""

    title = "Já existe um medicamento com este nome."
    advice = "Busque o cadastro existente por `busca`, ou diferencie a apresentação no nome."
    constraint = "uq_medicamentos_nome"


class ConcentracaoSemUnidade(Unprocessable):
    """A concentration and its unit come together."""

    title = "A concentração e a sua unidade vão juntas."
    advice = "Envie `concentracao` e `concentracaoUnidade`, ou nenhuma das duas."
    constraint = "ck_medicamentos_concentracao_com_unidade"


_FAIXA_FIELDS = ("id", "medicamento_id", *FaixaCreate.__struct_fields__, "created_at", "updated_at")
RANGES = query(
    select(*columns(FaixaRead, MedicamentoFaixa))
    .where(MedicamentoFaixa.medicamento_id == bindparam("medicamento_id"))
    .order_by(MedicamentoFaixa.especie, MedicamentoFaixa.via, MedicamentoFaixa.dose_min, MedicamentoFaixa.id),
    FaixaRead,
)
ADD_RANGE = query(
    insert(MedicamentoFaixa)
    .values({name: bindparam(name) for name in _FAIXA_FIELDS})
    .returning(*columns(FaixaRead, MedicamentoFaixa)),
    FaixaRead,
)
REMOVE_RANGE = query(
    delete(MedicamentoFaixa).where(
        MedicamentoFaixa.medicamento_id == bindparam("medicamento_id"), MedicamentoFaixa.id == bindparam("id")
    )
)


class MedicamentosService(Crud[Medicamento, MedicamentoRead]):
    """Presentations; archived with a reason, never deleted. Their ranges are removed for good; the audit keeps them."""

    entity = Medicamento
    read = MedicamentoRead
    not_found = MedicamentoNaoEncontrado
    filters = {  # noqa: RUF012 - a mapping that nobody changes
        "busca": searched(Medicamento.busca),
        "alta_vigilancia": Medicamento.alta_vigilancia == bindparam("alta_vigilancia"),
        "lista_controle": Medicamento.lista_controle == bindparam("lista_controle"),
        "via": bindparam("via") == any_(Medicamento.vias),
    }

    async def create(self, data: msgspec.Struct, **more: Any) -> MedicamentoRead:
        """A new presentation; ConcentracaoSemUnidade for one without the other, Unprocessable for a route twice."""
        given = changes(data)
        _check_routes(given)
        _check_concentration(given)
        return await super().create(data, **more)

    async def update(self, id: UUID, data: msgspec.Struct | None = None, **more: Any) -> MedicamentoRead:
        """A corrected presentation, with the same rules; what is not sent counts as it stands."""
        given = changes(data) if data is not None else {}
        _check_routes(given)
        if given.keys() & {"concentracao", "concentracao_unidade"}:
            await self.lock(id)
            _check_concentration({**msgspec.structs.asdict(await self.get(id)), **given})
        return await super().update(id, data, **more)

    async def ranges(self, id: UUID) -> list[FaixaRead]:
        """The drug's dose ranges, by species and route."""
        await self.get(id)
        return await self.db.all(RANGES, medicamento_id=id)

    async def add_range(self, id: UUID, data: FaixaCreate) -> FaixaRead:
        """A new range; Unprocessable when it is upside down, or for a route the drug does not have."""
        medicamento = await self.get(id)
        errors = []
        if data.dose_min > data.dose_max:
            errors.append(FieldError("doseMax", "deve ser maior ou igual a `doseMin`"))
        least, most = data.frequencia_horas_min, data.frequencia_horas_max
        if least is not None and most is not None and least > most:
            errors.append(FieldError("frequenciaHorasMax", "deve ser maior ou igual a `frequenciaHorasMin`"))
        if data.via is not None and data.via not in medicamento.vias:
            errors.append(FieldError("via", "este medicamento não tem esta via"))
        if errors:
            raise Unprocessable(errors=errors)
        now = self.ctx.now
        return await self.db.one(
            ADD_RANGE, id=new_id(), medicamento_id=id, created_at=now, updated_at=now, **changes(data)
        )

    async def remove_range(self, id: UUID, faixa_id: UUID) -> None:
        """Remove the range for good; FaixaNaoEncontrada when the drug has none of this id."""
        if not await self.db.run(REMOVE_RANGE, medicamento_id=id, id=faixa_id):
            raise FaixaNaoEncontrada


def _check_routes(given: dict[str, Any]) -> None:
    vias = given.get("vias", ())
    if len(set(vias)) != len(vias):
        raise Unprocessable(errors=[FieldError("vias", "não pode ter vias repetidas")])


def _check_concentration(given: dict[str, Any]) -> None:
    has_number, has_unit = (given[name] is not None for name in ("concentracao", "concentracao_unidade"))
    if has_number != has_unit:
        missing = "concentracaoUnidade" if has_number else "concentracao"
        raise ConcentracaoSemUnidade(errors=[FieldError(missing, "é obrigatória quando a outra é informada")])
