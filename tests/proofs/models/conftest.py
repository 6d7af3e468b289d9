"""What the models are given."""

import pytest

from tests.cast import Stage
from tests.core.auth.door import StillClock


@pytest.fixture
def still(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> StillClock:
    """The clock of the hospitals, which only a step moves; it is 20 h in São Paulo, so that days end on the way."""
    clock = StillClock(stage.now.replace(hour=23, minute=0, second=0, microsecond=0))
    monkeypatch.setattr(stage.clock, "now", clock.now)
    return clock
