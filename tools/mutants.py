"""Whether the suite notices small changes to tenancy, sign-in and the rules of doses: `make mutants`.

    python -m tools.mutants                          all of them; twenty minutes on two cores
    python -m tools.mutants --every 5 core/tenancy   one in five, of the files that are named so

`tools/mutations.py` says what is changed and what is not. The tests of a file run on each of its mutants, until one
fails; a mutant that none of them notices survives. Each is judged in a copy of the source, against servers that stay
up, in a process that begins with the libraries loaded. That the tests pass without a change is looked at when a file's
turn comes, and after the last mutant.
"""

import argparse
import compileall
import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from tools.mutations import Mutant, mutants
from zoapets.embedded import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "zoapets"
AUTH = "tests/core/auth/test_"
LOGIN, REFRESH, SESSIONS, CHANGE = (f"{AUTH}{name}.py" for name in ("login", "refresh", "sessions", "password_change"))
UNITS, FORGED = f"{AUTH}units_of_work.py", f"{AUTH}forged_tokens.py"
NOBODY = f"{FORGED}::test_what_is_no_bearer_token_is_nobody"
NOWHERE = f"{FORGED}::test_a_forged_token_opens_nothing['tenantId of nobody']"
SUSPENDED = f"{REFRESH}::test_a_suspended_hospital_cannot_refresh_until_it_is_back"
BELIEVED = "tests/core/test_requests.py::test_what_is_believed_of_a_person_is_asked_again_within_a_second"
MATRIX = "tests/proofs/access/test_matrix.py::test_every_answer_is_as_declared"
RULES = "tests/modules/test_"
# File -> its tests, those that are most about it first.
TARGETS: dict[str, list[str]] = {
    "core/tenancy.py": ["tests/tenancy/test_gate.py", SESSIONS],
    "core/auth/access.py": [SESSIONS, UNITS, NOBODY, NOWHERE, SUSPENDED, BELIEVED, MATRIX],
    "core/auth/attempts.py": [f"{AUTH}attempts.py"],
    "core/auth/passwords.py": [f"{AUTH}passwords.py", LOGIN, CHANGE],
    "core/auth/queries.py": [SESSIONS, REFRESH, LOGIN, CHANGE],
    "core/auth/service.py": [SESSIONS, REFRESH, LOGIN, CHANGE, UNITS, f"{AUTH}attempts.py"],
    "core/auth/tokens.py": [f"{AUTH}tokens.py", FORGED],
    "modules/administracoes/rules.py": [f"{RULES}administracoes_rules.py"],
    "modules/prescricoes/rules.py": [f"{RULES}prescricoes_rules.py", f"{RULES}prescricoes.py"],
}
FEWEST_PERCENT = 85
SLOWER = 3
# Where the tests' processes are forked from: all but what is ours is loaded there.
FRESH = multiprocessing.get_context("forkserver")
LOADED = [
    "alembic.command", "asyncpg", "hypothesis.strategies", "httpx", "jwt", "litestar", "phonenumbers", "pwdlib",
    "pytest", "redis.asyncio", "sqlalchemy.dialects.postgresql", "structlog", "uvicorn",
]  # fmt: skip


class Bench:
    """A copy of the source to change, and servers for its tests."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "zoapets"
        shutil.copytree(SOURCE, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(self.package, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        self.servers = EmbeddedServers(folder / "servers", fast=True)
        addresses = self.servers.start()
        self.said = folder / "said"
        self.environ = {"PYTHONPATH": str(folder), "CI": "1"}
        self.environ |= {"ZOAPETS_TEST_POSTGRES": addresses.postgres, "ZOAPETS_TEST_VALKEY": addresses.valkey}

    def notices(self, file: str, seconds: float | None = None) -> str | None:
        """Which of the file's tests fails; None when all pass. To be too slow is to fail."""
        process = FRESH.Process(target=run, args=(TARGETS[file], self.environ, self.said))
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            return "the clock"
        if process.exitcode == 0:
            return None
        failed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", self.said.read_text(), re.MULTILINE)
        return failed[1].rpartition("::")[2] if failed else "the start"

    def judge(self, mutant: Mutant, seconds: float) -> str | None:
        path = self.package / mutant.file
        kept, compiled = path.read_text(), list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
        bytecode = [pyc.read_bytes() for pyc in compiled]
        try:
            for pyc in compiled:
                pyc.unlink()
            path.write_text(mutant.text)
            return self.notices(mutant.file, seconds)
        finally:
            path.write_text(kept)
            for pyc, held in zip(compiled, bytecode, strict=True):
                pyc.write_bytes(held)

    def seconds(self, file: str) -> float:
        """How long the file's tests take, which must pass without a change."""
        started = time.monotonic()
        if (failed := self.notices(file)) is not None:
            raise RuntimeError(f"without any change to {file}, {failed} fails")
        return time.monotonic() - started


def run(tests: list[str], environ: dict[str, str], said: Path) -> None:
    """Run tests on the source that PYTHONPATH names, in a process of its own."""
    os.environ.update(environ)
    sys.path[:0] = [environ["PYTHONPATH"]]
    for name in [name for name in sys.modules if name.split(".")[0] == "zoapets"]:
        del sys.modules[name]
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        # What pytest does to show the parts of a failed assertion takes longer than the tests.
        failed = pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests])
        sys.stdout.flush()
    sys.exit(failed)


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="zm-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # The servers' user, who is not root, goes through it.
        folder.chmod(0o755)
        made = Bench(folder)
        try:
            yield made
        finally:
            made.servers.stop()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def judge(wanted: list[Mutant], jobs: int) -> list[Mutant]:
    """Those that survive."""
    waiting: queue.SimpleQueue[tuple[int, Mutant]] = queue.SimpleQueue()
    for numbered in enumerate(wanted, 1):
        waiting.put(numbered)

    def work(bench: Bench) -> list[Mutant]:
        survivors, limits = list[Mutant](), dict[str, float]()
        while True:
            try:
                n, mutant = waiting.get_nowait()
            except queue.Empty:
                break
            if mutant.file not in limits:
                limits[mutant.file] = SLOWER * bench.seconds(mutant.file) + 10
            by = bench.judge(mutant, limits[mutant.file])
            survivors += [] if by else [mutant]
            say(f"{n}/{len(wanted)} {f'noticed by {by}' if by else 'SURVIVES'}: {mutant}")
        for file in list(limits)[-1:]:
            bench.seconds(file)
        return survivors

    with ExitStack() as stack:
        benches = [stack.enter_context(bench()) for _ in range(jobs)]
        with ThreadPoolExecutor(jobs) as pool:
            return [mutant for survivors in pool.map(work, benches) for mutant in survivors]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="parts of the files' names; all, when there is none")
    parser.add_argument("--every", type=int, default=1, help="one in so many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many at once")
    asked = parser.parse_args()
    os.chdir(ROOT)
    FRESH.set_forkserver_preload(LOADED)
    files = [file for file in TARGETS if not asked.files or any(part in file for part in asked.files)]
    wanted = [mutant for file in files for mutant in [*mutants(file, (SOURCE / file).read_text())][:: asked.every]]
    survivors = judge(wanted, asked.jobs)
    made, left = Counter(mutant.file for mutant in wanted), Counter(mutant.file for mutant in survivors)
    say("\n".join(["", *(f"survives: {mutant}" for mutant in sorted(survivors, key=str)), ""]))
    scores = {file: 100 * (made[file] - left[file]) / made[file] for file in files}
    for file, score in scores.items():
        say(f"{score:5.1f} %  {made[file] - left[file]} of {made[file]} are noticed in {file}")
    if min(scores.values()) < FEWEST_PERCENT:
        sys.exit(f"Less than {FEWEST_PERCENT} % are noticed: a test is missing.")


if __name__ == "__main__":
    main()
