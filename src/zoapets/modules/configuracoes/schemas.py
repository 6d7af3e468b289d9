"""Shapes of configuracoes."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.schema import Read, Write

Tolerancia = Annotated[
    int, Meta(ge=0, le=720, description="Minutos depois da hora marcada até a dose contar como atrasada.")
]
Antecedencia = Annotated[
    int, Meta(ge=0, le=10_080, description="Minutos antes da hora marcada em que a dose já pode ser dada.")
]
ValidadeDoPeso = Annotated[int, Meta(ge=1, le=3650, description="Dias em que um peso serve para calcular doses.")]


class HospitalDasConfiguracoes(Read):
    """Which hospital this is; the installation's team changes these. `fuso` is the zone of its wall clock."""

    slug: str
    nome: str
    fuso: str


class Parametros(Read):
    """The stored row. Times in minutes and days; no `antecedencia_maxima_minutos` means no limit."""

    tolerancia_atraso_minutos: int
    antecedencia_maxima_minutos: int | None
    exigir_if_match: bool
    verificar_faixas_de_dose: bool
    validade_do_peso_dias: int
    created_at: datetime
    updated_at: datetime
    versao: int


class ConfiguracoesRead(Parametros):
    """What the hospital has decided, and which hospital it is."""

    hospital: HospitalDasConfiguracoes


class ConfiguracoesUpdate(Write):
    tolerancia_atraso_minutos: Tolerancia | UnsetType = UNSET
    antecedencia_maxima_minutos: Antecedencia | None | UnsetType = UNSET
    exigir_if_match: bool | UnsetType = UNSET
    verificar_faixas_de_dose: bool | UnsetType = UNSET
    validade_do_peso_dias: ValidadeDoPeso | UnsetType = UNSET
