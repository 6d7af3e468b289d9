"""Rules of stays: no database here."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

from msgspec.structs import asdict

from zoapets.common.errors import FieldError, Unprocessable
from zoapets.modules.internacoes.schemas import (
    AlaNoMapa,
    EstadoLeito,
    LeitoNaLinha,
    LeitoNoMapa,
    LinhaDoMapa,
    MapaLeitos,
    OcupanteDoLeito,
    OcupanteNaLinha,
    TotaisDaAla,
    UnidadeNoMapa,
)

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# A clock on the wall may run ahead of ours by this much.
CLOCK_SLACK = timedelta(minutes=5)


def entrance(given: datetime | None, now: datetime) -> datetime:
    """When the pet came: as given, or now. Unprocessable in the future, or before 2000.

    Never after `now`: a wall clock that runs ahead must not make an alta within the same minutes impossible.
    """
    if given is None:
        return now
    if given > now + CLOCK_SLACK:
        raise Unprocessable(errors=[FieldError("dataEntrada", "não pode estar no futuro")])
    if given < EARLIEST:
        raise Unprocessable(errors=[FieldError("dataEntrada", "não pode ser anterior a 2000")])
    return min(given, now)


def check_isolation(*, isolamento: bool, motivo: str | None) -> None:
    """Unprocessable for isolation without a reason, or a reason without isolation."""
    if isolamento and motivo is None:
        raise Unprocessable(errors=[FieldError("motivoIsolamento", "é obrigatório para isolar o paciente")])
    if not isolamento and motivo is not None:
        raise Unprocessable(errors=[FieldError("motivoIsolamento", "só cabe com `isolamento`")])


def bed_map(rows: Iterable[LinhaDoMapa], now: datetime) -> MapaLeitos:
    """Rows that come in the order of unidade, ala and bed, as a tree."""
    return MapaLeitos(
        [
            UnidadeNoMapa(unidade.id, unidade.nome, [_ward(list(ward), now) for _, ward in groupby(wards, _ALA)])
            for unidade, wards in groupby(rows, _UNIDADE)
        ]
    )


_UNIDADE, _ALA = attrgetter("unidade"), attrgetter("ala")


def _ward(rows: list[LinhaDoMapa], now: datetime) -> AlaNoMapa:
    ala = rows[0].ala
    leitos = [_bed(row.leito, row.ocupante, now) for row in rows if row.leito is not None]
    count = Counter(leito.estado for leito in leitos)
    totais = TotaisDaAla(len(leitos), count[EstadoLeito.OCUPADO], count[EstadoLeito.LIVRE])
    return AlaNoMapa(ala.id, ala.nome, ala.isolamento, totais, leitos)


def _bed(leito: LeitoNaLinha, ocupante: OcupanteNaLinha | None, now: datetime) -> LeitoNoMapa:
    if ocupante is None:
        return LeitoNoMapa(leito.id, leito.codigo, leito.estado, None)
    dias = max(0, (now - ocupante.desde).days)
    return LeitoNoMapa(leito.id, leito.codigo, leito.estado, OcupanteDoLeito(**asdict(ocupante), dias=dias))
