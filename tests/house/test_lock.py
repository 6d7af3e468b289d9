"""What is installed is pinned, hashed, and in step with pyproject.toml; and no file says where it was written."""

import re
import shutil
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tools.lock import LOCKS, digest, stale, stamped

from tests.house.source import ROOT

LOCK_LINE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})*)"
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Put together here, so that this file is not one of those it looks for.
INDEXES = ["pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js"]
MACHINE = ["/wo" + "rk/", "/ro" + "ot/"]


def pins(lock: str) -> dict[str, list[re.Match[str]]]:
    """Every line of a lock, by package; one may be pinned more than once, for different machines."""
    text = "\n".join(line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#"))
    found: dict[str, list[re.Match[str]]] = {}
    for line in re.sub(r" *\\\n *", " ", text).splitlines():
        pin = LOCK_LINE.fullmatch(line)
        assert pin, f"{lock}: {line[:80]}"
        found.setdefault(pin["name"], []).append(pin)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    assert [name for name, found in pins(lock).items() for pin in found if not pin["hashes"]] == []


@pytest.mark.parametrize(("lock", "extra"), [("requirements.lock", "build"), ("requirements-dev.lock", "dev")])
def test_every_requirement_is_pinned_to_a_version_that_satisfies_it(lock: str, extra: str) -> None:
    pinned = pins(lock)
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        versions = [Version(pin["version"]) for pin in pinned[requirement.name]]
        assert all(requirement.specifier.contains(version) for version in versions), text


def test_developers_run_what_is_served() -> None:
    ours, theirs = ({name: [pin["version"] for pin in found] for name, found in pins(lock).items()} for lock in LOCKS)

    assert {name: versions for name, versions in ours.items() if theirs.get(name) != versions} == {}


def test_the_locks_were_made_from_these_dependencies() -> None:
    assert stale() == []


def test_a_dependency_that_is_not_locked_is_noticed() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    lock = stamped("one==1\n", digest(pyproject))

    assert digest(pyproject.replace('"alembic>=', '"alembic >')) != digest(pyproject)
    assert digest(pyproject.replace("line-length = 120", "line-length = 99")) == digest(pyproject)
    assert stamped(lock, "0" * 64).splitlines() == ["# pyproject: sha256 " + "0" * 64, "one==1"]


def files() -> list[str]:
    """All that is committed, or would be."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is absent")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if listed.returncode != 0:
        pytest.skip("this is no git work tree")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_an_index_or_this_machine() -> None:
    words = re.compile("|".join(map(re.escape, INDEXES + MACHINE)).encode())
    # What others published is kept as they published it.
    own = [name for name in files() if "/static/" not in name]

    assert [f"{name}: {found[0].decode()}" for name in own if (found := words.search((ROOT / name).read_bytes()))] == []
