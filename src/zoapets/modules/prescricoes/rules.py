"""Rules of prescribing: doses, volumes, times and warnings. No database here."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

HOURS_A_DAY = 24
# From this interval on, doses keep to the hours on the wall; below it, to the time that has passed.
SHORTEST_ON_THE_WALL = 6
FOUR_PLACES = Decimal("0.0001")


class UnidadeDose(StrEnum):
    """Of the ordered dose: absolute, or per kg of body weight."""

    MG = "mg"
    MCG = "mcg"
    G = "g"
    UI = "UI"
    MEQ = "mEq"
    ML = "mL"
    GOTA = "gota"
    COMPRIMIDO = "comprimido"
    CAPSULA = "capsula"
    UNIDADE = "unidade"
    APLICACAO = "aplicacao"
    MG_KG = "mg/kg"
    MCG_KG = "mcg/kg"
    UI_KG = "UI/kg"
    MEQ_KG = "mEq/kg"
    ML_KG = "mL/kg"

    @property
    def per_kg(self) -> bool:
        return self.value.endswith("/kg")

    @property
    def absolute(self) -> str:
        """The unit of the dose for the patient."""
        return self.value.removesuffix("/kg")


# Mass in mg; the other units convert to nothing.
_MG = {"mcg": Decimal("0.001"), "mg": Decimal(1), "g": Decimal(1000)}


def convert(amount: Decimal, unit: str, into: str) -> Decimal | None:
    """`amount` in another unit, or None when they do not convert."""
    if unit == into:
        return amount
    if unit in _MG and into in _MG:
        return amount * _MG[unit] / _MG[into]
    return None


@dataclass(frozen=True, slots=True)
class Calculo:
    """The dose for this patient, and the volume to draw in mL where it is known."""

    dose: Decimal
    unidade: str
    volume_ml: Decimal | None


def calculate(
    dose: Decimal,
    unidade: UnidadeDose,
    *,
    peso_kg: Decimal | None,
    concentracao: Decimal | None = None,
    concentracao_unidade: str | None = None,
) -> Calculo:
    """Mg = mg/kg x kg; mL = mg / (mg/mL). ValueError for a dose per kg without a weight.

    22 mg/kg, 10 kg, 50 mg/mL: 220 mg, 4.4 mL (spec, numeric oracles).
    """
    if unidade.per_kg and peso_kg is None:
        raise ValueError("a dose per kg needs a weight")
    amount = dose * peso_kg if unidade.per_kg and peso_kg is not None else dose
    volume = _volume(amount, unidade.absolute, concentracao, concentracao_unidade)
    return Calculo(_rounded(amount), unidade.absolute, volume)


def _volume(amount: Decimal, unit: str, concentration: Decimal | None, of: str | None) -> Decimal | None:
    if unit == "mL":
        return _rounded(amount)
    if concentration is None or of is None or not of.endswith("/mL"):
        return None
    converted = convert(amount, unit, of.removesuffix("/mL"))
    return None if converted is None else _rounded(converted / concentration)


def _rounded(amount: Decimal) -> Decimal:
    """To four decimal places, without trailing zeros."""
    value = amount.quantize(FOUR_PLACES, rounding=ROUND_HALF_UP).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def count_doses(frequencia_horas: int, duracao_dias: int) -> int:
    """How many doses a course has: one every `frequencia_horas` for `duracao_dias`, at least one."""
    return max(1, duracao_dias * HOURS_A_DAY // frequencia_horas)


def times(inicio: datetime, frequencia_horas: int, duracao_dias: int, fuso: ZoneInfo) -> list[datetime]:
    """The instants of a course, strictly rising, in UTC.

    A dose of every 6, 8, 12 or 24 hours (or whole days) is given at the same hours on the wall, also across a
    change of the clocks: the interval over that night is an hour longer or shorter. Shorter and odd intervals keep
    to the hours that pass. A time that a change of the clocks skips falls on the instant after the gap.
    """
    count = count_doses(frequencia_horas, duracao_dias)
    keeps_the_wall = frequencia_horas >= SHORTEST_ON_THE_WALL and (
        HOURS_A_DAY % frequencia_horas == 0 or frequencia_horas % HOURS_A_DAY == 0
    )
    if not keeps_the_wall:
        start = inicio.astimezone(UTC)
        return [start + timedelta(hours=frequencia_horas * n) for n in range(count)]
    wall = inicio.astimezone(fuso)
    # Adding to an aware time moves its wall clock; going to UTC finds the instant: a skipped time's after the gap, a
    # repeated time's first. The first dose is the instant that was ordered, also in an hour that comes twice.
    later = [(wall + timedelta(hours=frequencia_horas * n)).astimezone(UTC) for n in range(1, count)]
    return [inicio.astimezone(UTC), *later]


@dataclass(frozen=True, slots=True)
class Faixa:
    """A dose range that the hospital trusts."""

    via: str | None
    dose_min: Decimal
    dose_max: Decimal
    unidade: str
    fonte: str


def out_of_range(
    faixas: Iterable[Faixa], *, via: str, dose: Decimal, unidade: UnidadeDose, peso_kg: Decimal | None
) -> Faixa | None:
    """The range that the dose leaves, when one applies and none that applies contains it."""
    left: Faixa | None = None
    for faixa in faixas:
        if faixa.via is not None and faixa.via != via:
            continue
        amount = _comparable(dose, unidade, faixa.unidade, peso_kg)
        if amount is None:
            continue
        if faixa.dose_min <= amount <= faixa.dose_max:
            return None
        left = left or faixa
    return left


def _comparable(dose: Decimal, unidade: UnidadeDose, into: str, peso_kg: Decimal | None) -> Decimal | None:
    """The dose in the unit of a range, absolute or per kg, or None."""
    per_kg = into.endswith("/kg")
    if unidade.per_kg != per_kg:
        if peso_kg is None:
            return None
        dose = dose / peso_kg if per_kg else dose * peso_kg
    return convert(dose, unidade.absolute, into.removesuffix("/kg"))


def plain(text: str) -> str:
    """Without accents and case, for comparing names."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter)).strip()


def matching_allergy(alergias: Iterable[str], *names: str | None) -> str | None:
    """The allergy that names the drug, its ingredient or its class, in whole words: "sulfa" is not "sulfato".

    Drugs of one family are known as such only by `classe`.
    """
    drug = [words for name in names if name and (words := frozenset(plain(name).split()))]
    for alergia in alergias:
        substance = frozenset(plain(alergia).split())
        if substance and any(substance <= words or words <= substance for words in drug):
            return alergia
    return None
