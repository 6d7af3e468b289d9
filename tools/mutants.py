"""Whether the suite notices small changes to tenancy, sign-in and the rules of doses: `make mutants`.

    python -m tools.mutants                          all of them; half an hour on two cores
    python -m tools.mutants --every 5 core/tenancy   one in five, of the files that are named so

A mutant is one change to one file: a comparison, `and` or `or`, an operator, a number, a truth value or a text is
another, a `not` or a statement is gone, nothing is returned or raised. Types, and what people read (docstrings, titles,
advice), are left alone. The tests of that file run on each; a mutant that none of them notices
survives.
"""

import argparse
import ast
import compileall
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from zoapets.embedded import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "zoapets"
AUTH, ACCESS = "tests/core/auth", "tests/proofs/access"
# File -> its tests, the quickest first.
TARGETS: dict[str, list[str]] = {
    "core/tenancy.py": ["tests/tenancy/test_gate.py"],
    "core/auth/access.py": [f"{AUTH}/test_sessions.py", f"{ACCESS}/test_matrix.py"],
    "core/auth/attempts.py": [f"{AUTH}/test_attempts.py"],
    "core/auth/passwords.py": [f"{AUTH}/test_login.py", f"{AUTH}/test_sessions.py"],
    "core/auth/queries.py": [f"{AUTH}/test_{name}.py" for name in ("refresh", "sessions", "login", "attempts")],
    "core/auth/service.py": [f"{AUTH}/test_{name}.py" for name in ("refresh", "sessions", "login", "attempts")],
    "core/auth/tokens.py": [f"{AUTH}/test_forged_tokens.py", f"{AUTH}/test_refresh.py"],
    "modules/administracoes/rules.py": ["tests/modules/test_administracoes_rules.py"],
    "modules/prescricoes/rules.py": ["tests/modules/test_prescricoes_rules.py", "tests/modules/test_prescricoes.py"],
}
FEWEST_PERCENT = 85
SLOWER = 3
FOR_PEOPLE = frozenset({"title", "advice"})
SWAPPED: dict[type[ast.AST], Callable[[], Any]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A file with one change, and the text of it all."""

    file: str
    line: int
    change: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.change}"


class Change(ast.NodeTransformer):
    """Goes through a tree and makes one change of all that it could make: the one of this number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0
        self.line, self.said = 0, ""

    def _either(self, node: ast.AST, other: ast.AST) -> ast.AST:
        self.seen += 1
        if self.seen != self.number:
            return node
        self.line, self.said = getattr(node, "lineno", 0), f"{_words(node)}  ->  {_words(other)}"
        return ast.copy_location(other, node)

    def _visit_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        # Its defaults and its body: neither types nor decorators.
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        node.body = [self.visit(statement) for statement in node.body]
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_body  # noqa: N815 - the names that ast looks for

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in FOR_PEOPLE:
            return node
        node.value = self.visit(node.value)
        return node if isinstance(target, ast.Name | ast.Tuple) else self._either(node, ast.Pass())

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return node
        self.generic_visit(node)
        return node if isinstance(node.value, ast.Yield) else self._either(node, ast.Pass())

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        self.generic_visit(node)
        return self._either(node, ast.Pass())

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        return self._either(node, ast.Return(ast.Constant(None))) if node.value else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for n, operator in enumerate(node.ops):
            swapped = [*node.ops[:n], SWAPPED[type(operator)](), *node.ops[n + 1 :]]
            found = self._either(node, ast.Compare(node.left, swapped, node.comparators))
            if found is not node:
                return found
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return self._either(node, ast.BoolOp(SWAPPED[type(node.op)](), node.values))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) not in SWAPPED:
            return node
        return self._either(node, ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._either(node, node.operand)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        match node.value:
            case bool():
                return self._either(node, ast.Constant(not node.value))
            case int() | float():
                return self._either(node, ast.Constant(node.value + 1))
            case str():
                return self._either(node, ast.Constant(f"{node.value}~"))
        return node


def _words(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:120]


def mutants(file: str) -> list[Mutant]:
    """Every mutant of a file, in its order."""
    source, found = (SOURCE / file).read_text(), list[Mutant]()
    while True:
        change = Change(len(found) + 1)
        tree = change.visit(ast.parse(source))
        if not change.said:
            return found
        found.append(Mutant(file, change.line, change.said, ast.unparse(ast.fix_missing_locations(tree))))


class Bench:
    """A copy of the source to change, and servers for its tests."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "zoapets"
        shutil.copytree(SOURCE, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(self.package, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        self.servers = EmbeddedServers(folder / "servers", fast=True)
        addresses = self.servers.start()
        given = {"ZOAPETS_TEST_POSTGRES": addresses.postgres, "ZOAPETS_TEST_VALKEY": addresses.valkey}
        self.environ = os.environ | given | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}

    def passes(self, file: str, seconds: float | None = None) -> bool:
        """Whether the tests of a file find nothing, within so many seconds."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TARGETS[file]]
        try:
            done = subprocess.run(  # noqa: S603 - ours
                command, cwd=ROOT, env=self.environ, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def survives(self, mutant: Mutant, seconds: float) -> bool:
        path = self.package / mutant.file
        kept, compiled = path.read_text(), list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))
        bytecode = [pyc.read_bytes() for pyc in compiled]
        try:
            for pyc in compiled:
                pyc.unlink()
            path.write_text(mutant.text)
            return self.passes(mutant.file, seconds)
        finally:
            path.write_text(kept)
            for pyc, held in zip(compiled, bytecode, strict=True):
                pyc.write_bytes(held)


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
                return survivors
            if mutant.file not in limits:
                started = time.monotonic()
                if not bench.passes(mutant.file):
                    raise RuntimeError(f"the tests of {mutant.file} fail without any change")
                limits[mutant.file] = SLOWER * (time.monotonic() - started) + 10
            survives = bench.survives(mutant, limits[mutant.file])
            survivors += [mutant] if survives else []
            say(f"{n}/{len(wanted)} {'SURVIVES' if survives else 'noticed'} {mutant}")

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
    files = [file for file in TARGETS if not asked.files or any(part in file for part in asked.files)]
    wanted = [mutant for file in files for mutant in mutants(file)[:: asked.every]]
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
