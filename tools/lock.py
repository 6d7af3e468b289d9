"""Whether the locks were made from the dependencies that pyproject.toml names now: their first line says from which.

python tools/lock.py stamp    after the locks were made anew (`make lock` does both)
python tools/lock.py check    fails when pyproject.toml has moved on; needs nothing but Python
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PREFIX = "# pyproject: sha256 "


def digest(pyproject: str) -> str:
    """The digest of all that pyproject.toml says about dependencies, whatever else it says."""
    document = tomllib.loads(pyproject)
    project = document["project"]
    named = [
        document["build-system"]["requires"],
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
    ]
    canonical = json.dumps(named, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def stamped(lock: str, wanted: str) -> str:
    """The text of a lock with the digest `wanted` in its first line."""
    return (
        f"{PREFIX}{wanted}\n{''.join(line for line in lock.splitlines(keepends=True) if not line.startswith(PREFIX))}"
    )


def stale(root: Path = ROOT) -> list[str]:
    """The locks that were made from other dependencies than those of pyproject.toml."""
    first_line = f"{PREFIX}{digest((root / 'pyproject.toml').read_text())}\n"
    return [name for name in LOCKS if not (root / name).read_text().startswith(first_line)]


def main(command: str) -> None:
    if command == "stamp":
        wanted = digest((ROOT / "pyproject.toml").read_text())
        for lock in (ROOT / name for name in LOCKS):
            lock.write_text(stamped(lock.read_text(), wanted))
    elif command != "check":
        sys.exit(__doc__)
    elif names := stale():
        sys.exit(f"pyproject.toml names other dependencies than {' and '.join(names)}: run `make lock`.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")  # noqa: PLR2004 - the script and its command
