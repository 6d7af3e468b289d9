"""Doses, volumes and times, by the vectors of the field and by properties."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoapets.modules.prescricoes import rules
from zoapets.modules.prescricoes.rules import Faixa, UnidadeDose

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
D = Decimal


def test_a_dose_per_kg_gives_the_dose_and_the_volume_to_draw() -> None:
    result = rules.calculate(D(22), UnidadeDose.MG_KG, peso_kg=D(10), concentracao=D(50), concentracao_unidade="mg/mL")
    assert (result.dose, result.unidade, result.volume_ml) == (D(220), "mg", D("4.4"))


@pytest.mark.parametrize(
    ("dose", "unit", "weight", "concentration", "of", "volume"),
    [
        ("500", UnidadeDose.MCG, None, "0.5", "mg/mL", "1"),
        ("1", UnidadeDose.G, None, "100", "mg/mL", "10"),
        ("0.5", UnidadeDose.UI_KG, "8", "100", "UI/mL", "0.04"),
        ("10", UnidadeDose.ML_KG, "7.5", None, None, "75"),
        ("2", UnidadeDose.MG_KG, "3", None, None, None),
        ("2", UnidadeDose.MG_KG, "3", "50", "mg/comprimido", None),
        ("2", UnidadeDose.UI, None, "50", "mg/mL", None),
    ],
)
def test_the_volume_follows_from_the_concentration_where_units_convert(
    dose: str, unit: UnidadeDose, weight: str | None, concentration: str | None, of: str | None, volume: str | None
) -> None:
    result = rules.calculate(
        D(dose),
        unit,
        peso_kg=None if weight is None else D(weight),
        concentracao=None if concentration is None else D(concentration),
        concentracao_unidade=of,
    )
    assert result.volume_ml == (None if volume is None else D(volume))


def test_a_dose_is_ordered_in_one_of_these_units() -> None:
    per_kg = ["mg/kg", "mcg/kg", "UI/kg", "mEq/kg", "mL/kg"]
    absolute = ["mg", "mcg", "g", "UI", "mEq", "mL", "gota", "comprimido", "capsula", "unidade", "aplicacao"]
    assert [unit.value for unit in UnidadeDose] == absolute + per_kg
    assert [unit.value for unit in UnidadeDose if unit.per_kg] == per_kg


@pytest.mark.parametrize("dose", [1, 22])
def test_a_dose_per_kg_without_a_weight_is_refused(dose: int) -> None:
    with pytest.raises(ValueError, match="weight"):
        rules.calculate(D(dose), UnidadeDose.MG_KG, peso_kg=None)


@pytest.mark.parametrize(
    ("dose", "said"),
    [("220.0", "220"), ("100", "100"), ("4.40", "4.4"), ("0.00005", "0.0001"), ("1.00015", "1.0002"), ("0.00004", "0")],
)
def test_a_dose_is_said_to_four_places_half_up_without_idle_zeros(dose: str, said: str) -> None:
    result = rules.calculate(D(dose), UnidadeDose.ML, peso_kg=None)
    assert (str(result.dose), str(result.volume_ml)) == (said, said)


def test_a_dose_that_is_not_per_kg_does_not_heed_a_weight() -> None:
    assert rules.calculate(D(22), UnidadeDose.MG, peso_kg=D(10)).dose == D(22)


@given(
    st.decimals("0.001", "100", places=3),
    st.decimals("0.05", "100", places=2),
    st.decimals("0.1", "500", places=1),
)
def test_volume_times_concentration_is_the_dose(dose: Decimal, weight: Decimal, concentration: Decimal) -> None:
    result = rules.calculate(
        dose, UnidadeDose.MG_KG, peso_kg=weight, concentracao=concentration, concentracao_unidade="mg/mL"
    )
    assert result.volume_ml is not None
    assert abs(result.volume_ml * concentration - dose * weight) <= D("0.0001") * concentration


@pytest.mark.parametrize(
    ("every", "days", "count"), [(8, 4, 12), (24, 7, 7), (12, 1, 2), (24, 1, 1), (48, 1, 1), (5, 1, 4), (1, 1, 24)]
)
def test_a_course_has_a_dose_for_each_interval_that_fits(every: int, days: int, count: int) -> None:
    assert rules.count_doses(every, days) == count
    assert len(rules.times(datetime(2026, 3, 1, 9, tzinfo=UTC), every, days, SAO_PAULO)) == count


def test_doses_keep_to_the_hours_on_the_wall_when_the_clocks_go_forward() -> None:
    # On 2018-11-04 clocks in São Paulo jumped from 00:00 to 01:00.
    start = datetime(2018, 11, 3, 8, tzinfo=SAO_PAULO)
    walls = [at.astimezone(SAO_PAULO).hour for at in rules.times(start, 8, 2, SAO_PAULO)]
    assert walls == [8, 16, 1, 8, 16, 0]


def test_doses_keep_to_the_hours_on_the_wall_when_the_clocks_go_back() -> None:
    # On 2018-02-18 the hour from 23:00 to 00:00 came twice.
    start = datetime(2018, 2, 17, 8, tzinfo=SAO_PAULO)
    walls = [at.astimezone(SAO_PAULO).hour for at in rules.times(start, 12, 2, SAO_PAULO)]
    assert walls == [8, 20, 8, 20]


def test_the_first_dose_is_when_it_was_ordered_also_in_an_hour_that_comes_twice() -> None:
    # 2018-02-18 01:30Z is the first 23:30 of that night in São Paulo, 02:30Z the second.
    second = datetime(2018, 2, 18, 2, 30, tzinfo=UTC)
    assert rules.times(second, 24, 1, SAO_PAULO) == [second]


# The night of 2018-11-04 had an hour less.
@pytest.mark.parametrize("every", [6, 8, 12, 24, 48])
def test_intervals_that_fit_into_days_keep_to_the_wall(every: int) -> None:
    start = datetime(2018, 11, 3, 6, tzinfo=SAO_PAULO)
    at = rules.times(start, every, 4, SAO_PAULO)
    assert [gap for b, a in pairwise(at) if (gap := a - b) != timedelta(hours=every)] == [timedelta(hours=every - 1)]
    assert [wall.hour for wall in (a.astimezone(SAO_PAULO) for a in at) if wall.hour == 6]


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 7, 9, 36])
def test_short_and_odd_intervals_keep_to_the_hours_that_pass(every: int) -> None:
    start = datetime(2018, 11, 3, 6, tzinfo=SAO_PAULO)
    at = rules.times(start, every, 4, SAO_PAULO)
    assert at[0] == start
    assert {a.tzinfo for a in at} == {UTC}
    assert {b - a for a, b in pairwise(at)} == {timedelta(hours=every)}


def test_an_order_in_another_zone_keeps_to_the_hospitals_wall() -> None:
    start = datetime(2018, 11, 3, 9, tzinfo=UTC)
    assert [at.astimezone(SAO_PAULO).hour for at in rules.times(start, 24, 3, SAO_PAULO)] == [6, 6, 6]


@given(
    st.datetimes(datetime(2017, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(1, 168),
    st.integers(1, 90),
    st.sampled_from(["America/Sao_Paulo", "America/Manaus", "America/Noronha", "Europe/Lisbon", "UTC"]),
)
def test_times_rise_strictly_and_stay_within_an_hour_of_the_interval(
    start: datetime, every: int, days: int, zone: str
) -> None:
    at = rules.times(start.replace(tzinfo=UTC), every, days, ZoneInfo(zone))
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert all(abs(gap - timedelta(hours=every)) <= timedelta(hours=1) and gap > timedelta() for gap in gaps)


RANGE = Faixa("IV", D(20), D(30), "mg/kg", "fonte")


@pytest.mark.parametrize(
    ("dose", "unit", "weight", "via", "leaves"),
    [
        ("25", UnidadeDose.MG_KG, "10", "IV", False),
        ("20", UnidadeDose.MG_KG, "10", "IV", False),
        ("30", UnidadeDose.MG_KG, "10", "IV", False),
        ("19.99", UnidadeDose.MG_KG, None, "IV", True),
        ("25", UnidadeDose.UI_KG, "10", "IV", False),
        ("31", UnidadeDose.MG_KG, "10", "IV", True),
        ("250", UnidadeDose.MG, "10", "IV", False),
        ("0.35", UnidadeDose.G, "10", "IV", True),
        ("31", UnidadeDose.MG_KG, "10", "VO", False),
        ("250", UnidadeDose.MG, None, "IV", False),
    ],
)
def test_a_dose_leaves_a_range_of_its_route_only_when_it_can_be_compared(
    dose: str, unit: UnidadeDose, weight: str | None, via: str, *, leaves: bool
) -> None:
    left = rules.out_of_range(
        [RANGE], via=via, dose=D(dose), unidade=unit, peso_kg=None if weight is None else D(weight)
    )
    assert (left is RANGE) is leaves


def test_a_range_of_no_route_is_of_every_route() -> None:
    anywhere = Faixa(None, D(1), D(2), "mg", "fonte")
    for via in ("IV", "VO"):
        assert rules.out_of_range([anywhere], via=via, dose=D(3), unidade=UnidadeDose.MG, peso_kg=None) is anywhere


def test_a_dose_per_kg_is_held_against_an_absolute_range() -> None:
    most = Faixa("IV", D(0), D(100), "mg", "fonte")
    for dose, left in ((D("0.010"), None), (D("0.011"), most)):
        given = rules.out_of_range([most], via="IV", dose=dose * 1000, unidade=UnidadeDose.MG_KG, peso_kg=D(10))
        assert given is left
    assert rules.out_of_range([most], via="IV", dose=D(11), unidade=UnidadeDose.MG_KG, peso_kg=None) is None


def test_of_several_ranges_one_that_holds_the_dose_is_enough_and_else_the_first_is_named() -> None:
    low, high = (Faixa("IV", D(least), D(least + 1), "mg", "fonte") for least in (1, 5))
    other = Faixa("VO", D(1), D(9), "mg", "fonte")

    def left(dose: int) -> Faixa | None:
        return rules.out_of_range([other, low, high], via="IV", dose=D(dose), unidade=UnidadeDose.MG, peso_kg=None)

    assert (left(1), left(5), left(3), left(9)) == (None, None, low, low)


def test_an_allergy_is_recognised_in_the_drug_its_ingredient_or_its_class() -> None:
    assert rules.matching_allergy(["Dipirona"], "Dipirona 500 mg/mL", "Dipirona sódica", None) == "Dipirona"
    assert rules.matching_allergy(["penicilina"], "Ampicilina", "ampicilina", "Penicilina") == "penicilina"
    assert rules.matching_allergy(["Frango"], "Dipirona", "Dipirona sódica", "analgésico") is None
    assert rules.matching_allergy(["Sulfa"], "Sulfato de morfina 10 mg/mL", "Sulfato de morfina", None) is None
    assert rules.matching_allergy(["dipirona sódica"], "Dipirona", None) == "dipirona sódica"
    assert rules.matching_allergy(["Frango", "DIPIRONA SODICA"], None, "", "dipirona sódica") == "DIPIRONA SODICA"
    assert rules.matching_allergy(["Dipirona sódica"], "Sódica penicilina") is None
    assert rules.matching_allergy(["", " ", "´"], "Dipirona") is None
    assert rules.matching_allergy(["Dipirona"], " ") is None


def test_names_are_compared_without_accents_case_and_outer_blanks() -> None:
    assert rules.plain("  ÁCIDO Tranexâmico ﬁ ß ") == "acido tranexamico fi ss"


@pytest.mark.parametrize(
    ("amount", "unit", "into", "gives"),
    [("5", "g", "mg", "5000"), ("5", "mg", "g", "0.005"), ("5", "mcg", "g", "0.000005"), ("5", "UI", "UI", "5")],
)
def test_masses_convert_into_each_other(amount: str, unit: str, into: str, gives: str) -> None:
    assert rules.convert(D(amount), unit, into) == D(gives)


@pytest.mark.parametrize(("unit", "into"), [("UI", "mg"), ("mg", "UI"), ("mEq", "UI"), ("mL", "mg")])
def test_other_units_convert_to_nothing(unit: str, into: str) -> None:
    assert rules.convert(D(5), unit, into) is None
