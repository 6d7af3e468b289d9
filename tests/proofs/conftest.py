"""What every proof is given."""

from pathlib import Path

import pytest

from tests.proofs.ledger import Ledger


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Ledger:
    """Takes down what a test has shown; its section is the test's folder or file."""
    path = Path(request.node.path).relative_to(Path(__file__).parent)
    section = path.parts[0].removeprefix("test_").removesuffix(".py")
    return Ledger(section, request.node.name)
