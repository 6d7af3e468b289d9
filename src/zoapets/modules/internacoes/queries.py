"""Statements of internacoes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.orm import aliased

from zoapets.common.schema import Read
from zoapets.core.statements import columns, nested, query
from zoapets.entities.internacoes import Ala, Internacao, Leito, Ocupacao, StatusInternacao, Unidade
from zoapets.entities.pets import Pet
from zoapets.entities.tutores import Tutor
from zoapets.entities.users import User
from zoapets.modules.internacoes.schemas import InternacaoListada, InternacaoRead, LinhaDoMapa
from zoapets.modules.pets.queries import last_weight

_agora = bindparam("agora", type_=DateTime(timezone=True))
_closer = aliased(User)
_lies_in = aliased(Leito)

# --- reading

_in_common_ward = and_(Internacao.isolamento, Ala.isolamento.is_(False))
_sources: dict[str, Any] = {
    "pet": nested(Pet, tutor=Tutor),
    "leito": nested(Leito, ala=Ala),
    "veterinario": User,
    "alertas": case((_in_common_ward, array(["isolamento_em_ala_comum"])), else_=cast(array([]), ARRAY(Text))),
}
_movement = func.jsonb_build_object(
    "leitoId", Ocupacao.leito_id,
    "codigo", _lies_in.codigo,
    "inicio", Ocupacao.inicio,
    "fim", Ocupacao.fim,
    "motivo", Ocupacao.motivo,
)  # fmt: skip
_movements = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(_movement, Ocupacao.inicio, Ocupacao.id)), func.jsonb_build_array()
        )
    )
    .join(_lies_in, _lies_in.id == Ocupacao.leito_id)
    .where(Ocupacao.internacao_id == Internacao.id)
    .scalar_subquery()
)


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(Pet, Pet.id == Internacao.pet_id)
        .join(Tutor, Tutor.id == Pet.tutor_id)
        .join(User, User.id == Internacao.veterinario_id)
        .outerjoin(Leito, Leito.id == Internacao.leito_id)
        .outerjoin(Ala, Ala.id == Leito.ala_id)
    )


LISTED = _joined(select(*columns(InternacaoListada, Internacao, **_sources)))
ONE = _joined(
    select(*columns(InternacaoRead, Internacao, **_sources, encerrada_por=_closer.nome, movimentacoes=_movements))
).outerjoin(_closer, _closer.id == Internacao.encerrada_por_id)

# --- the map: one row per bed

_state = case((Internacao.id.is_not(None), "ocupado"), else_=cast(Leito.situacao, Text))
_occupant = nested(
    Internacao, internacao_id=Internacao.id, pet=nested(Pet, peso_kg=last_weight(Pet.id)), desde=Ocupacao.inicio
)


def _asked(name: str, column: Any) -> Any:
    """The condition that `column` is the parameter, when it is not null."""
    parameter: Any = bindparam(name, type_=Uuid)
    return or_(parameter.is_(None), column == parameter)


MAP = query(
    select(
        *columns(LinhaDoMapa, None, unidade=Unidade, ala=Ala, leito=nested(Leito, estado=_state), ocupante=_occupant)
    )
    .select_from(Unidade)
    .join(Ala, and_(Ala.unidade_id == Unidade.id, Ala.arquivado_em.is_(None)))
    .outerjoin(Leito, and_(Leito.ala_id == Ala.id, Leito.arquivado_em.is_(None)))
    .outerjoin(Internacao, and_(Internacao.leito_id == Leito.id, Internacao.status == StatusInternacao.EM_ANDAMENTO))
    .outerjoin(Ocupacao, and_(Ocupacao.internacao_id == Internacao.id, Ocupacao.fim.is_(None)))
    .outerjoin(Pet, Pet.id == Internacao.pet_id)
    .where(Unidade.arquivado_em.is_(None), _asked("unidade_id", Unidade.id), _asked("ala_id", Ala.id))
    .order_by(Unidade.nome, Unidade.id, Ala.nome, Ala.id, Leito.codigo, Leito.id),
    LinhaDoMapa,
)

# --- holding: the pet, then its stay, then one bed (see `InternacoesService`)
# NO KEY UPDATE, so that who only points at the pet or the stay (a weight, a prescription) does not wait, nor
# wait for us while we wait for them.


class PetTravado(Read):
    """A pet as it stands once it is locked."""

    arquivado_em: datetime | None
    obito_em: datetime | None


class EstadiaTravada(Read):
    """A stay as it stands once it is locked."""

    pet_id: UUID
    status: StatusInternacao
    leito_id: UUID | None
    isolamento: bool
    motivo_isolamento: str | None
    data_entrada: datetime


HOLD_PET = query(
    select(*columns(PetTravado, Pet)).where(Pet.id == bindparam("id")).with_for_update(key_share=True), PetTravado
)
HOLD_PET_OF = query(
    select(Pet.id)
    .join(Internacao, Internacao.pet_id == Pet.id)
    .where(Internacao.id == bindparam("id"))
    .with_for_update(key_share=True, of=Pet)
)
HOLD = query(
    select(*columns(EstadiaTravada, Internacao))
    .where(Internacao.id == bindparam("id"))
    .with_for_update(key_share=True),
    EstadiaTravada,
)
IS_ACTIVE_USER = query(select(exists().where(User.id == bindparam("id"), User.ativo)))

# --- occupying. `agora` was read before the locks were waited for: another's `fim` may be a moment later. An
# occupation begins when the last one of its bed and of its pet has ended, and ends no earlier than it began.


def _last_end(column: Any, parameter: str) -> Any:
    return select(func.max(Ocupacao.fim)).where(column == bindparam(parameter)).scalar_subquery()


OCCUPY = query(
    insert(Ocupacao).values(
        {
            "id": bindparam("a_id"),
            "internacao_id": bindparam("a_internacao_id"),
            "pet_id": bindparam("a_pet_id"),
            "leito_id": bindparam("a_leito_id"),
            "inicio": func.greatest(
                _agora, _last_end(Ocupacao.leito_id, "a_leito_id"), _last_end(Ocupacao.pet_id, "a_pet_id")
            ),
            "motivo": bindparam("a_motivo"),
        }
    )
)
VACATE = query(
    update(Ocupacao)
    .where(Ocupacao.internacao_id == bindparam("a_internacao_id"), Ocupacao.fim.is_(None))
    .values(fim=func.greatest(_agora, Ocupacao.inicio))
)
