"""Statements of prescriptions."""

from typing import Any

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, cast, column, exists, false, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by
from sqlalchemy.orm import aliased

from zoapets.core.statements import columns, query
from zoapets.entities.internacoes import Internacao
from zoapets.entities.medicamentos import Medicamento, MedicamentoFaixa
from zoapets.entities.pets import Pet, PetPeso
from zoapets.entities.prescricoes import Prescricao, PrescricaoItem, StatusPrescricao
from zoapets.modules.administracoes.queries import SCHEDULE
from zoapets.modules.pets.queries import allergies
from zoapets.modules.prescricoes.schemas import Drug, Patient

_weighed = (
    select(PetPeso.peso_kg, PetPeso.medido_em)
    .where(PetPeso.pet_id == Pet.id)
    .order_by(PetPeso.medido_em.desc(), PetPeso.id.desc())
    .limit(1)
    .lateral("pesagem")
)
_patient = (
    select(
        *columns(
            Patient,
            Pet,
            peso_kg=_weighed.c.peso_kg,
            pesado_em=_weighed.c.medido_em,
            alergias=allergies(Pet.id),
            internacao=cast(Internacao.status, Text),
        )
    )
    .outerjoin(_weighed, Pet.id == Pet.id)
    .where(Pet.id == bindparam("pet_id"))
)
PATIENT = query(_patient.outerjoin(Internacao, false()), Patient)
# Shared: many may prescribe at once, but the stay cannot end meanwhile.
_stay = (Internacao.pet_id == Pet.id) & (Internacao.id == bindparam("internacao_id"))
PATIENT_HELD = query(_patient.join(Internacao, _stay).with_for_update(read=True, of=Internacao), Patient)

_in_use, _ingredient = aliased(PrescricaoItem), aliased(Medicamento)
_ranges = (
    select(
        func.coalesce(
            func.jsonb_agg(
                func.jsonb_build_object(
                    "via", MedicamentoFaixa.via,
                    "doseMin", MedicamentoFaixa.dose_min,
                    "doseMax", MedicamentoFaixa.dose_max,
                    "unidade", MedicamentoFaixa.unidade,
                    "fonte", MedicamentoFaixa.fonte,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .where(MedicamentoFaixa.medicamento_id == Medicamento.id, MedicamentoFaixa.especie == bindparam("especie"))
    .scalar_subquery()
)  # fmt: skip
_already = exists().where(
    Prescricao.internacao_id == bindparam("internacao_id"),
    _in_use.prescricao_id == Prescricao.id,
    _in_use.status == StatusPrescricao.ATIVA,
    _ingredient.id == _in_use.medicamento_id,
    _ingredient.principio_ativo == Medicamento.principio_ativo,
)
DRUGS = query(
    select(*columns(Drug, Medicamento, faixas=_ranges, em_uso=_already)).where(
        Medicamento.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
    ),
    Drug,
)

_insert = insert(Prescricao).values(
    {name: bindparam(name) for name in ("id", "pet_id", "internacao_id", "veterinario_id", "tipo", "observacoes")}
    | dict.fromkeys(("created_at", "updated_at"), bindparam("now"))
)
_ITEM = (
    "id",
    "medicamento_id",
    "dose",
    "unidade",
    "via",
    "frequencia_horas",
    "duracao_dias",
    "inicio",
    "peso_kg",
    "dose_calculada",
    "dose_calculada_unidade",
    "volume_ml",
    "orientacoes",
    "justificativa_alerta",
    "alertas",
)
_table = PrescricaoItem.__table__.c
_sent = (
    func.jsonb_to_recordset(bindparam("itens", type_=JSONB))
    .table_valued(*(column(name, _table[name].type) for name in _ITEM))
    .render_derived(with_types=True)
)
_insert_items = insert(PrescricaoItem).from_select(
    [*_ITEM, "prescricao_id", "created_at", "updated_at"],
    select(
        *(_sent.c[name] for name in _ITEM),
        cast(bindparam("id"), Uuid),
        cast(bindparam("now"), _table.created_at.type),
        cast(bindparam("now"), _table.created_at.type),
    ),
)
# The prescription with its items and, where it has any, its doses: one statement, all or nothing.
PRESCRIBE = query(_insert_items.add_cte(_insert.cte("prescricao")))
PRESCRIBE_DOSES = query(_insert_items.add_cte(_insert.cte("prescricao"), SCHEDULE.cte("doses")))

_item = func.jsonb_build_object(
    "id", PrescricaoItem.id,
    "medicamentoId", PrescricaoItem.medicamento_id,
    "medicamento", Medicamento.nome,
    "altaVigilancia", Medicamento.alta_vigilancia,
    "dose", func.trim_scale(PrescricaoItem.dose),
    "unidade", PrescricaoItem.unidade,
    "via", PrescricaoItem.via,
    "frequenciaHoras", PrescricaoItem.frequencia_horas,
    "duracaoDias", PrescricaoItem.duracao_dias,
    "inicio", PrescricaoItem.inicio,
    "pesoKg", func.trim_scale(PrescricaoItem.peso_kg),
    "doseCalculada", func.trim_scale(PrescricaoItem.dose_calculada),
    "doseCalculadaUnidade", PrescricaoItem.dose_calculada_unidade,
    "volumeMl", func.trim_scale(PrescricaoItem.volume_ml),
    "orientacoes", PrescricaoItem.orientacoes,
    "justificativaAlerta", PrescricaoItem.justificativa_alerta,
    "alertas", PrescricaoItem.alertas,
    "status", PrescricaoItem.status,
    "motivoStatus", PrescricaoItem.motivo_status,
)  # fmt: skip
ITEMS: ColumnElement[Any] = (
    select(func.jsonb_agg(aggregate_order_by(_item, PrescricaoItem.id.asc())))
    .join(Medicamento, Medicamento.id == PrescricaoItem.medicamento_id)
    .where(PrescricaoItem.prescricao_id == Prescricao.id)
    .scalar_subquery()
)
ITEM_COUNT: ColumnElement[Any] = (
    select(func.count()).where(PrescricaoItem.prescricao_id == Prescricao.id).scalar_subquery()
)

_where_item = (PrescricaoItem.prescricao_id == bindparam("a_prescricao_id")) & (
    PrescricaoItem.status.in_([StatusPrescricao.ATIVA, StatusPrescricao.SUSPENSA])
)
_change = {
    "status": bindparam("new_status", type_=PrescricaoItem.__table__.c.status.type),
    "motivo_status": bindparam("motivo", type_=Text),
    "updated_at": bindparam("agora"),
    "versao": PrescricaoItem.versao + 1,
}
CHANGE_ITEMS = query(update(PrescricaoItem).where(_where_item).values(_change).returning(PrescricaoItem.id))
CHANGE_ITEM = query(
    update(PrescricaoItem)
    .where(_where_item, PrescricaoItem.id == bindparam("a_item_id"))
    .values(_change)
    .returning(PrescricaoItem.id)
)
ITEM_STATUS = query(
    select(cast(PrescricaoItem.status, Text)).where(
        PrescricaoItem.id == bindparam("item_id"), PrescricaoItem.prescricao_id == bindparam("prescricao_id")
    )
)
OPEN_OF_STAY = query(
    select(Prescricao.id)
    .where(Prescricao.internacao_id == bindparam("internacao_id"), Prescricao.status != StatusPrescricao.ENCERRADA)
    .order_by(Prescricao.id)
)
STAY_STATUS = query(
    select(cast(Internacao.status, Text))
    .join(Prescricao, Prescricao.internacao_id == Internacao.id)
    .where(Prescricao.id == bindparam("id"))
    .with_for_update(read=True, of=Internacao)
)
