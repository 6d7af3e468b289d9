"""Statements of doses. `agora`, `tolerancia` (late before this instant) and `horizonte` are instants."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from zoapets.common.schema import Read
from zoapets.core.boards import board
from zoapets.core.statements import Query, columns, nested, query
from zoapets.entities.internacoes import Ala, Internacao, Leito, StatusInternacao
from zoapets.entities.medicamentos import Medicamento
from zoapets.entities.pets import Pet
from zoapets.entities.prescricoes import Administracao, Prescricao, PrescricaoItem, StatusAdministracao
from zoapets.entities.users import User
from zoapets.modules.administracoes.schemas import AdministracaoRead, ItemDaDose, PrescricaoDaDose
from zoapets.modules.pets.queries import allergies, last_weight

INSTANT = DateTime(timezone=True)
AGORA = bindparam("agora", type_=INSTANT)
TOLERANCIA = bindparam("tolerancia", type_=INSTANT)
HORIZONTE = bindparam("horizonte", type_=INSTANT)
PENDING = Administracao.status == StatusAdministracao.PENDENTE


def derived_status(dose: Any) -> ColumnElement[str]:
    """The status as it is read: a pending dose beyond the tolerance is `atrasada`."""
    late = and_(dose.status == StatusAdministracao.PENDENTE, dose.data_hora_agendada < TOLERANCIA)
    return case((late, "atrasada"), else_=cast(dose.status, Text))


def minutes_late(dose: Any) -> ColumnElement[int]:
    """Whole minutes since a pending dose's time; 0 when it is not due, or not pending."""
    minutes = cast(func.floor(extract("epoch", AGORA - dose.data_hora_agendada) / 60), Integer)
    return case((dose.status == StatusAdministracao.PENDENTE, func.greatest(0, minutes)), else_=0)


# --- the panel: three small statements and the day, which plan well once and for all; one join of ten tables does not

_vet = aliased(User)


class DueDose(Read):
    """A pending dose, and the list it belongs to: 0 late, 1 due, 2 coming."""

    id: UUID
    data_hora_agendada: datetime
    versao: int
    prescricao_item_id: UUID
    prescricao_id: UUID
    lista: int


def _in_place(statement: Any, *, by_ward: bool, by_bed: bool) -> Any:
    """`statement`, of doses, for the patients of one ward (`ala_id`) or in one bed (`leito_id`)."""
    if by_ward or by_bed:
        statement = statement.join(Internacao, Internacao.id == Administracao.internacao_id)
        statement = statement.join(Leito, Leito.id == Internacao.leito_id)
    if by_ward:
        statement = statement.where(Leito.ala_id == bindparam("ala_id"))
    if by_bed:
        statement = statement.where(Leito.id == bindparam("leito_id"))
    return statement


@cache
def due(*, by_ward: bool, by_bed: bool) -> Query[DueDose]:
    """Pending doses of the three lists, each the oldest first and cut to `limite`."""
    at = Administracao.data_hora_agendada

    def chosen(number: int, *window: ColumnElement[bool]) -> Any:
        doses = select(*columns(DueDose, Administracao, lista=literal(number))).where(PENDING, *window)
        doses = _in_place(doses, by_ward=by_ward, by_bed=by_bed)
        return doses.order_by(at, Administracao.id).limit(bindparam("limite")).subquery().select()

    return query(
        union_all(
            chosen(0, at < TOLERANCIA),
            chosen(1, at >= TOLERANCIA, at <= AGORA),
            chosen(2, at > AGORA, at <= HORIZONTE),
        ),
        DueDose,
    )


ITEMS = query(
    select(*columns(ItemDaDose, PrescricaoItem, medicamento=Medicamento))
    .join(Medicamento, Medicamento.id == PrescricaoItem.medicamento_id)
    .where(PrescricaoItem.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))),
    ItemDaDose,
)
PRESCRIPTIONS = query(
    select(
        *columns(
            PrescricaoDaDose,
            Prescricao,
            veterinario=_vet.nome,
            internacao=nested(
                Internacao,
                leito=nested(Leito, ala=Ala.nome),
                pet=nested(Pet, peso_kg=last_weight(Pet.id), alergias=allergies(Pet.id)),
            ),
        )
    )
    .join(_vet, _vet.id == Prescricao.veterinario_id)
    .join(Internacao, Internacao.id == Prescricao.internacao_id)
    .join(Pet, Pet.id == Internacao.pet_id)
    .outerjoin(Leito, Leito.id == Internacao.leito_id)
    .outerjoin(Ala, Ala.id == Leito.ala_id)
    .where(Prescricao.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))),
    PrescricaoDaDose,
)


class DayCounts(Read):
    """Doses of a day, by what they have become; `no_prazo` are the `realizadas` within the tolerance."""

    total: int
    realizadas: int
    no_prazo: int
    pendentes: int
    atrasadas: int
    nao_realizadas: int
    suspensas: int


@cache
def day(*, by_ward: bool, by_bed: bool) -> Query[DayCounts]:
    """What the doses from `inicio` to `fim` have become; `janela` is the tolerance, as an interval."""
    dose, status = Administracao, StatusAdministracao
    window = cast(bindparam("janela"), Interval)
    late = dose.data_hora_agendada < TOLERANCIA
    on_time = dose.data_hora_realizada.between(dose.data_hora_agendada - window, dose.data_hora_agendada + window)

    def of(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(*conditions)

    statement = select(
        *columns(
            DayCounts,
            dose,
            total=of(dose.status != status.ANULADA),
            realizadas=of(dose.status == status.REALIZADA),
            no_prazo=of(dose.status == status.REALIZADA, on_time),
            pendentes=of(PENDING, ~late),
            atrasadas=of(PENDING, late),
            nao_realizadas=of(dose.status == status.NAO_REALIZADA),
            suspensas=of(dose.status == status.SUSPENSA),
        )
    ).where(dose.data_hora_agendada >= bindparam("inicio"), dose.data_hora_agendada < bindparam("fim"))
    return query(_in_place(statement.select_from(dose), by_ward=by_ward, by_bed=by_bed), DayCounts)


# A stay, a bed, an animal shows only with its doses: of those, only changes count.
PANEL = board(
    "painel",
    added=("administracoes", "pet_pesos", "pet_alergias"),
    changed=(
        "administracoes", "alas", "configuracoes", "internacoes", "leitos", "medicamentos", "pet_alergias", "pet_pesos",
        "pets", "prescricao_itens", "prescricoes", "users",
    ),
)  # fmt: skip

# --- the schedule

_doses = (
    func.unnest(
        bindparam("dose_ids", type_=ARRAY(Uuid)), bindparam("dose_itens", type_=ARRAY(Uuid)),
        bindparam("dose_instantes", type_=ARRAY(INSTANT)),
    )
    .table_valued("id", "item_id", "instante")
    .render_derived()
)  # fmt: skip
# All doses of a prescription (`id`) at `now`: a part of the statement that orders them.
SCHEDULE = insert(Administracao).from_select(
    ["id", "prescricao_id", "prescricao_item_id", "internacao_id", "data_hora_agendada", "created_at", "updated_at"],
    select(
        _doses.c.id,
        cast(bindparam("id"), Uuid),
        _doses.c.item_id,
        cast(bindparam("internacao_id"), Uuid),
        _doses.c.instante,
        cast(bindparam("now"), INSTANT),
        cast(bindparam("now"), INSTANT),
    ),
)
SUSPEND = query(
    update(Administracao)
    .where(PENDING, Administracao.prescricao_item_id == func.any(bindparam("a_itens", type_=ARRAY(Uuid))))
    .values(
        status=StatusAdministracao.SUSPENSA,
        motivo_suspensao=bindparam("motivo"),
        updated_at=bindparam("agora"),
        versao=Administracao.versao + 1,
    )
)
RESUME = query(
    update(Administracao)
    .where(
        Administracao.status == StatusAdministracao.SUSPENSA,
        Administracao.prescricao_item_id == func.any(bindparam("a_itens", type_=ARRAY(Uuid))),
        Administracao.data_hora_agendada >= bindparam("a_desde"),
    )
    .values(
        status=StatusAdministracao.PENDENTE,
        motivo_suspensao=None,
        updated_at=bindparam("agora"),
        versao=Administracao.versao + 1,
    )
)

# --- one dose


@cache
def act(names: tuple[str, ...], *, on: tuple[StatusAdministracao, ...], guarded: bool) -> Query[AdministracaoRead]:
    """Change one dose, if it is in a status of `on` and its stay is open; no row otherwise.

    The stay is locked (shared) before the dose: whoever ends the stay locks it too, so a dose is recorded before the
    end or not at all.
    """
    stay = (
        select(Internacao.id)
        .where(
            Internacao.id
            == select(Administracao.internacao_id).where(Administracao.id == bindparam("a_id")).scalar_subquery(),
            Internacao.status == StatusInternacao.EM_ANDAMENTO,
        )
        .with_for_update(read=True)
        .cte("estadia")
        .prefix_with("materialized")
    )
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    values["updated_at"] = AGORA
    values["versao"] = Administracao.versao + 1
    change = (
        update(Administracao)
        .where(Administracao.id == bindparam("a_id"), Administracao.internacao_id == stay.c.id)
        .where(Administracao.status.in_(on))
        .values(values)
    )
    if guarded:
        change = change.where(Administracao.versao == bindparam("a_versao"))
    done = change.returning(*Administracao.__table__.c).cte("feita")
    return query(select(*dose_columns(done.c)), AdministracaoRead)


def dose_columns(dose: Any) -> list[ColumnElement[Any]]:
    """The columns of `AdministracaoRead`."""
    return columns(AdministracaoRead, dose, status=derived_status(dose), minutos_atraso=minutes_late(dose))


SHARE_STAY = query(
    select(Internacao.id)
    .join(Administracao, Administracao.internacao_id == Internacao.id)
    .where(Administracao.id == bindparam("id"))
    .with_for_update(read=True, of=Internacao)
)
SHARE_ORDER = query(
    select(Prescricao.id)
    .join(Administracao, Administracao.prescricao_id == Prescricao.id)
    .where(Administracao.id == bindparam("id"))
    .with_for_update(read=True, of=Prescricao)
)


class Situation(AdministracaoRead):
    """A dose with its stay, to say why an act was refused."""

    internacao_status: StatusInternacao
    item_ativo: bool


SITUATION = query(
    select(
        *columns(
            Situation,
            Administracao,
            status=derived_status(Administracao),
            minutos_atraso=minutes_late(Administracao),
            internacao_status=Internacao.status,
            item_ativo=PrescricaoItem.status == "ativa",
        )
    )
    .join(Internacao, Internacao.id == Administracao.internacao_id)
    .join(PrescricaoItem, PrescricaoItem.id == Administracao.prescricao_item_id)
    .where(Administracao.id == bindparam("id")),
    Situation,
)
REPLACE = query(
    insert(Administracao).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "prescricao_id",
                "prescricao_item_id",
                "internacao_id",
                "data_hora_agendada",
                "substitui_id",
                "created_at",
                "updated_at",
            )
        }
    )
)
