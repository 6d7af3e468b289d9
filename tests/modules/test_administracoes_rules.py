"""Late, early and to come; the hospital's day, and how much of it was given on time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from zoapets.modules.administracoes import rules

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOON = datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_adherence_is_doses_on_time_over_doses_due() -> None:
    assert rules.adherence(on_time=9, due=12) == 75.0
    assert rules.adherence(on_time=0, due=0) == 100.0
    assert rules.adherence(on_time=1, due=3) == 33.33


def test_the_day_is_the_hospitals_own_and_may_have_23_or_25_hours() -> None:
    noon = datetime(2018, 11, 4, 15, tzinfo=UTC)
    start, end = rules.day_of(noon, SAO_PAULO)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=23)
    assert start.astimezone(SAO_PAULO).date() == noon.astimezone(SAO_PAULO).date()


def test_the_day_begins_at_the_hospitals_midnight_not_at_greenwichs() -> None:
    # 02:59 in Greenwich is still the evening before in São Paulo.
    start, end = rules.day_of(datetime(2026, 3, 2, 2, 59, tzinfo=UTC), SAO_PAULO)
    assert (start, end) == (datetime(2026, 3, 1, tzinfo=SAO_PAULO), datetime(2026, 3, 2, tzinfo=SAO_PAULO))
    assert rules.day_of(datetime(2026, 3, 2, 3, 0, tzinfo=UTC), SAO_PAULO)[0] == end


@pytest.mark.parametrize(("seconds", "minutes"), [(-60, 0), (0, 0), (59, 0), (60, 1), (3599, 59)])
def test_a_dose_is_late_by_whole_minutes_and_never_less_than_none(seconds: int, minutes: int) -> None:
    assert rules.minutes_late(NOON, NOON + timedelta(seconds=seconds)) == minutes


def test_a_clock_on_the_wall_may_run_five_minutes_ahead() -> None:
    assert not rules.is_future(NOON + timedelta(minutes=5), NOON)
    assert rules.is_future(NOON + timedelta(minutes=5, seconds=1), NOON)


def test_a_dose_may_be_given_as_early_as_the_hospital_says() -> None:
    early = NOON - timedelta(minutes=60)
    assert not rules.is_too_early(early, NOON, 60)
    assert rules.is_too_early(early - timedelta(seconds=1), NOON, 60)
    assert not rules.is_too_early(early, NOON, None)
