"""Rules of doses: no database here."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

# A clock on the wall may run ahead of ours by this much.
CLOCK_SLACK = timedelta(minutes=5)


def day_of(now: datetime, fuso: ZoneInfo) -> tuple[datetime, datetime]:
    """The beginning and the end of the day on the hospital's wall clock, as instants; 23 or 25 hours are possible."""
    today = now.astimezone(fuso).date()
    start, end = (datetime.combine(day, time(), tzinfo=fuso) for day in (today, today + timedelta(days=1)))
    return start, end


def adherence(*, on_time: int, due: int) -> float:
    """Doses on time over doses due, in percent; 100 when none was due.

    Adesão = on-time / (due - suspended - cancelled): the caller leaves suspended and void doses out of `due`.
    """
    return 100.0 if due == 0 else round(100 * on_time / due, 2)


def minutes_late(scheduled: datetime, now: datetime) -> int:
    """Whole minutes since a pending dose's time; 0 when it is not due."""
    return max(0, int((now - scheduled).total_seconds() // 60))


def is_future(at: datetime, now: datetime) -> bool:
    return at > now + CLOCK_SLACK


def is_too_early(at: datetime, scheduled: datetime, most_minutes: int | None) -> bool:
    """Whether a dose given at `at` comes more than `most_minutes` before its time; None: no limit."""
    return most_minutes is not None and scheduled - at > timedelta(minutes=most_minutes)
