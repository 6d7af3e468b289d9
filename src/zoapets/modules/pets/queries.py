"""Statements of pets."""

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal, null, select, union_all, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from zoapets.core.statements import columns, query
from zoapets.entities.internacoes import Internacao
from zoapets.entities.medicamentos import Medicamento
from zoapets.entities.pets import Pet, PetAlergia, PetPeso
from zoapets.entities.prescricoes import Administracao, Prescricao, PrescricaoItem, StatusAdministracao
from zoapets.entities.users import User
from zoapets.modules.pets.schemas import Acontecimento, AlergiaRead, PesoRead

_EMPTY = func.jsonb_build_array()


def last_weight(pet_id: Any) -> ColumnElement[Any]:
    """The newest weight of a pet in kg, or null."""
    return (
        select(PetPeso.peso_kg)
        .where(PetPeso.pet_id == pet_id)
        .order_by(PetPeso.medido_em.desc(), PetPeso.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def allergies(pet_id: Any) -> ColumnElement[Any]:
    """The substances a pet is allergic to, as an array of text."""
    return func.array(
        select(PetAlergia.substancia)
        .where(PetAlergia.pet_id == pet_id, PetAlergia.erro_em.is_(None))
        .order_by(PetAlergia.substancia)
        .scalar_subquery()
    )


_stay = func.jsonb_build_object(
    "id", Internacao.id,
    "status", Internacao.status,
    "motivo", Internacao.motivo,
    "prioridade", Internacao.prioridade,
    "dataEntrada", Internacao.data_entrada,
    "dataAlta", Internacao.data_alta,
)  # fmt: skip
STAYS = (
    select(func.coalesce(func.jsonb_agg(aggregate_order_by(_stay, Internacao.data_entrada.desc())), _EMPTY))
    .where(Internacao.pet_id == Pet.id)
    .scalar_subquery()
)

WEIGHTS = query(
    select(*columns(PesoRead, PetPeso, registrado_por=User.nome))
    .join(User, User.id == PetPeso.registrado_por_id)
    .where(PetPeso.pet_id == bindparam("pet_id"))
    .order_by(PetPeso.medido_em.desc(), PetPeso.id.desc())
    .limit(500),
    PesoRead,
)
_alergia = (
    select(*columns(AlergiaRead, PetAlergia, registrada_por=User.nome))
    .join(User, User.id == PetAlergia.registrada_por_id)
    .order_by(PetAlergia.registrada_em.desc(), PetAlergia.id.desc())
)
ALLERGIES = query(_alergia.where(PetAlergia.pet_id == bindparam("pet_id")).limit(500), AlergiaRead)
ALLERGY = query(_alergia.where(PetAlergia.pet_id == bindparam("pet_id"), PetAlergia.id == bindparam("id")), AlergiaRead)
MARK_ALLERGY_ERROR = query(
    update(PetAlergia)
    .where(PetAlergia.pet_id == bindparam("a_pet_id"), PetAlergia.id == bindparam("a_id"), PetAlergia.erro_em.is_(None))
    .values({name: bindparam(name) for name in ("erro_em", "erro_por_id", "erro_motivo")})
)

_vet, _nurse = aliased(User), aliased(User)
_pet_id: ColumnElement[Any] = bindparam("pet_id")
_happened = union_all(
    select(
        PetPeso.medido_em.label("em"),
        literal("peso").label("tipo"),
        PetPeso.id.label("id"),
        (cast(PetPeso.peso_kg, Text) + " kg").label("resumo"),
        User.nome.label("autor"),
    )
    .join(User, User.id == PetPeso.registrado_por_id)
    .where(PetPeso.pet_id == _pet_id),
    select(PetAlergia.registrada_em, literal("alergia"), PetAlergia.id, PetAlergia.substancia, User.nome)
    .join(User, User.id == PetAlergia.registrada_por_id)
    .where(PetAlergia.pet_id == _pet_id, PetAlergia.erro_em.is_(None)),
    select(Internacao.data_entrada, literal("internacao"), Internacao.id, Internacao.motivo, User.nome)
    .join(User, User.id == Internacao.veterinario_id)
    .where(Internacao.pet_id == _pet_id),
    select(Internacao.data_alta, cast(Internacao.status, Text), Internacao.id, Internacao.motivo, User.nome)
    .outerjoin(User, User.id == Internacao.encerrada_por_id)
    .where(Internacao.pet_id == _pet_id, Internacao.data_alta.is_not(None)),
    select(Prescricao.created_at, literal("prescricao"), Prescricao.id, cast(Prescricao.tipo, Text), User.nome)
    .join(User, User.id == Prescricao.veterinario_id)
    .where(Prescricao.pet_id == _pet_id),
    select(
        func.coalesce(Administracao.data_hora_realizada, Administracao.registrada_em),
        literal("administracao:") + cast(Administracao.status, Text),
        Administracao.id,
        Medicamento.nome,
        User.nome,
    )
    .join(PrescricaoItem, PrescricaoItem.id == Administracao.prescricao_item_id)
    .join(Medicamento, Medicamento.id == PrescricaoItem.medicamento_id)
    .join(Internacao, Internacao.id == Administracao.internacao_id)
    .join(User, User.id == Administracao.realizado_por_id)
    .where(
        Internacao.pet_id == _pet_id,
        Administracao.status.in_(
            [StatusAdministracao.REALIZADA, StatusAdministracao.NAO_REALIZADA, StatusAdministracao.ANULADA]
        ),
    ),
    select(Pet.obito_em, literal("obito_registrado"), Pet.id, Pet.nome, cast(null(), Text)).where(
        Pet.id == _pet_id, Pet.obito_em.is_not(None)
    ),
).subquery("acontecimentos")
HISTORY = query(
    select(*(_happened.c[name] for name in ("em", "tipo", "id", "resumo", "autor")))
    .order_by(_happened.c.em.desc(), _happened.c.id.desc())
    .limit(bindparam("page_limit"))
    .offset(bindparam("page_offset")),
    Acontecimento,
)
HISTORY_TOTAL = query(select(func.count()).select_from(_happened))
