"""The formulary and the words, as they lie in the two JSON files beside this one."""

from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from uuid import UUID

import msgspec

from zoapets.common.ids import new_id
from zoapets.demo.draft import Draft, dated


class Range(msgspec.Struct, frozen=True, rename="camel"):
    """A dose range; both frequencies are absent for one dose, or to effect."""

    especie: str
    via: str
    dose_min: Decimal
    dose_max: Decimal
    unidade: str
    frequencia_horas_min: int | None
    frequencia_horas_max: int | None
    fonte: str


class Drug(msgspec.Struct, frozen=True, rename="camel"):
    """A presentation. `especies`: only for these; empty, for all."""

    nome: str
    principio_ativo: str
    apresentacao: str
    forma: str
    concentracao: Decimal | None
    concentracao_unidade: str | None
    vias: tuple[str, ...]
    alta_vigilancia: bool
    lista_controle: str | None
    classe: str
    faixas: tuple[Range, ...]
    especies: tuple[str, ...] = ()


class Motivo(msgspec.Struct, frozen=True):
    """Why a pet is admitted; `sexo` None: either."""

    texto: str
    prioridade: str
    especies: tuple[str, ...]
    sexo: str | None
    isolamento: bool


class Cidade(msgspec.Struct, frozen=True):
    nome: str
    uf: str
    ddd: str


class Words(msgspec.Struct, frozen=True, rename="camel"):
    """Names and phrases to draw from."""

    prenomes: tuple[str, ...]
    sobrenomes: tuple[str, ...]
    nomes_pets: tuple[str, ...]
    racas: dict[str, tuple[str, ...]]
    pelagens: dict[str, tuple[str, ...]]
    ruas: tuple[str, ...]
    bairros: tuple[str, ...]
    cidades: tuple[Cidade, ...]
    motivos_internacao: tuple[Motivo, ...]
    observacoes_enfermagem: tuple[str, ...]
    justificativas_nao_realizada: tuple[str, ...]
    equipe: tuple[str, ...]


@cache
def drugs() -> tuple[Drug, ...]:
    return msgspec.json.decode(_text("medicamentos.json"), type=tuple[Drug, ...])


@cache
def words() -> Words:
    return msgspec.json.decode(_text("nomes.json"), type=Words)


def _text(name: str) -> str:
    return (files("zoapets.demo") / name).read_text(encoding="utf-8")


def stock(draft: Draft, *, since: datetime) -> dict[str, UUID]:
    """Every presentation with its dose ranges; ids by name."""
    ids: dict[str, UUID] = {}
    for drug in drugs():
        ids[drug.nome] = new_id()
        draft.add(
            "medicamentos",
            id=ids[drug.nome],
            nome=drug.nome,
            principio_ativo=drug.principio_ativo,
            apresentacao=drug.apresentacao,
            forma=drug.forma,
            concentracao=drug.concentracao,
            concentracao_unidade=drug.concentracao_unidade,
            vias=list(drug.vias),
            alta_vigilancia=drug.alta_vigilancia,
            lista_controle=drug.lista_controle,
            classe=drug.classe,
            **dated(since),
        )
        for faixa in drug.faixas:
            draft.add(
                "medicamento_faixas",
                id=new_id(),
                medicamento_id=ids[drug.nome],
                **msgspec.structs.asdict(faixa),
                created_at=since,
                updated_at=since,
            )
    return ids
