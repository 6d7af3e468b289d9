"""What every proof is given."""

import time
from pathlib import Path

import pytest

from tests.proofs import ledger
from tests.proofs.ledger import Ledger

_started = time.monotonic()


def pytest_sessionstart(session: pytest.Session) -> None:
    if ledger.is_full() and not hasattr(session.config, "workerinput"):
        ledger.begin()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if ledger.is_full() and not hasattr(session.config, "workerinput"):
        ledger.write_report("green" if exitstatus == 0 else "NOT green", time.monotonic() - _started)


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Ledger:
    """Takes down what a test has shown; its section is the test's folder or file."""
    path = Path(request.node.path).relative_to(Path(__file__).parent)
    section = path.parts[0].removeprefix("test_").removesuffix(".py")
    return Ledger(section, request.node.name)
