"""Time comes from here, so that a test can move it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The wall clock in UTC, plus `offset` (zero but in tests)."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset
