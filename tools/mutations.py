"""Small changes to a file's code, one at a time.

A comparison, `and` or `or`, an operator, a number, a truth value or a text is another; a condition is turned round; a
`not`, a statement, a named argument, a condition of a `where` or a step of a chain is gone; nothing is returned or
raised. Left alone are types, decorators, and what people read: docstrings, titles, advice, lines of a log, and the
texts of a ValueError.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

FOR_PEOPLE = frozenset({"title", "advice"})
SPEAKING = frozenset({"ValueError", "log"})
TYPING = frozenset({"TypeVar", "cast"})
SWAPPED: dict[type[ast.AST], Callable[[], Any]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
# What takes any number of conditions, and what gives again what it was asked of.
CONDITIONS = frozenset({"where", "or_"})
STEPS = frozenset({"where", "join", "order_by", "limit", "with_for_update", "asc", "desc", "on_conflict_do_update"})
STEPS |= {"lower", "casefold", "strip", "removesuffix", "normalize", "replace", "astimezone"}
# Whose every named argument is needed: without one, nothing runs.
EXACTING = frozenset({"all", "first", "one", "run", "access", "refresh", "_refresh_token", "columns"})


@dataclass(frozen=True)
class Mutant:
    """A file with one change, and the text of it all."""

    file: str
    line: int
    change: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.change}"


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file, in its order."""
    number = 0
    while True:
        number += 1
        change = Change(number)
        tree = change.visit(ast.parse(source))
        if not change.said:
            return
        yield Mutant(file, change.line, change.said, ast.unparse(ast.fix_missing_locations(tree)))


class Change(ast.NodeTransformer):
    """Goes through a tree and makes one change of all that it could make: the one of this number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0
        self.line, self.said = 0, ""

    def _either(self, node: Any, *others: ast.AST, gone: Sequence[str] = ()) -> Any:
        """The node, or, when its turn has come, one of the others in its place."""
        for n, other in enumerate(others):
            self.seen += 1
            if self.seen == self.number:
                self.line = node.lineno
                self.said = f"without {gone[n]}" if gone else f"{_words(node)}  ->  {_words(other)}"
                return ast.copy_location(other, node)
        return node

    def _code_alone(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        return self.visit_ClassDef(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _code_alone  # noqa: N815 - the names that ast looks for

    def visit_ClassDef(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in FOR_PEOPLE:
            return node
        node.value = self.visit(node.value)
        # Without its name, the rest could not run at all.
        return node if isinstance(target, ast.Name | ast.Tuple) else self._either(node, ast.Pass())

    def visit_Expr(self, node: ast.Expr) -> Any:
        return node if isinstance(node.value, ast.Constant) else self._dispensable(node)

    def _dispensable(self, node: ast.AST) -> Any:
        self.generic_visit(node)
        return self._either(node, ast.Pass())

    visit_Raise = visit_AugAssign = visit_Continue = _dispensable  # noqa: N815 - as above

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        nothing = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        return node if nothing else self._either(node, ast.Return(ast.Constant(None)))

    def _turned_round(self, node: ast.If | ast.IfExp) -> Any:
        self.generic_visit(node)
        # The others are changed in themselves.
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            node.test = self._either(node.test, ast.UnaryOp(ast.Not(), node.test))
        return node

    visit_If = visit_IfExp = _turned_round  # noqa: N815 - as above

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        swapped = [
            [*node.ops[:n], SWAPPED[type(operator)](), *node.ops[n + 1 :]] for n, operator in enumerate(node.ops)
        ]
        return self._either(node, *(ast.Compare(node.left, ops, node.comparators) for ops in swapped))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        return self._either(node, ast.BoolOp(SWAPPED[type(node.op)](), node.values))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        return self._either(node, ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        return self._either(node, node.operand)

    def visit_Call(self, node: ast.Call) -> Any:
        called, asked = node.func, node.func
        while isinstance(asked, ast.Attribute):
            asked = asked.value
        if isinstance(asked, ast.Name) and asked.id in SPEAKING | TYPING:
            return node
        self.generic_visit(node)
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        args, named = node.args, node.keywords
        less: list[tuple[str, ast.AST]] = []
        if name not in EXACTING:
            less += [(_words(x), ast.Call(called, args, [other for other in named if other is not x])) for x in named]
        if name in CONDITIONS and len(args) > 1:
            less += [(_words(x), ast.Call(called, [other for other in args if other is not x], named)) for x in args]
        if name in STEPS and isinstance(called, ast.Attribute):
            less.append((f".{name}(...)", called.value))
        return self._either(node, *(other for _, other in less), gone=[gone for gone, _ in less])

    def visit_Constant(self, node: ast.Constant) -> Any:
        match node.value:
            case bool():
                return self._either(node, ast.Constant(not node.value))
            case int() | float():
                return self._either(node, ast.Constant(node.value + 1))
            case str():
                return self._either(node, ast.Constant(f"{node.value}~"))
        return node


def _words(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:160]
