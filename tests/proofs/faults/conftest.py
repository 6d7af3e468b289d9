"""One installation for the proofs of a worker: to be hurt, and left whole by each of them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.faults.installation import Api, Installation


@pytest.fixture(scope="package")
def installation() -> Iterator[Installation]:
    # Not pytest's tmp_path: run by root, that lies in a folder which the servers' user cannot enter.
    with tempfile.TemporaryDirectory(prefix="zf-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Installation(folder)
        yield made
        made.close()


@pytest.fixture(scope="package")
def api(installation: Installation) -> Iterator[Api]:
    """What all of the proofs ask, one after the other: nobody restarts it, whatever has happened to it."""
    with installation.serving() as api:
        yield api
