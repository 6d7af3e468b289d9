"""Every operation there is, as the router knows it, and requests for it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.cast import Stage
from tests.proofs.truth import asks
from zoapets.core.docs import describe
from zoapets.core.permissions import PLATFORM

# What stands in a path where no id does.
WORDS = {"codigo": "not-found", "file": "docs.css"}


@dataclass(frozen=True)
class Operation:
    """A route and its method. `permission` is as it was declared when the operations were listed."""

    name: str
    method: str
    path: str
    permission: str
    handler: HTTPRouteHandler
    # The places in its path, its body, and the filters, that take an id.
    ids: tuple[str, ...]
    shape: asks.Operation
    filters: tuple[str, ...]

    def admits(self, permissions: frozenset[Any]) -> bool:
        """Whether a person with these may call it, as declared."""
        return self.permission in {"public", "signed-in"} or self.permission in permissions

    @property
    def is_in_a_hospital(self) -> bool:
        """Whether it is about what is in one, and not about hospitals or the installation."""
        return self.permission != "public" and self.permission not in PLATFORM


def operations(app: Litestar) -> dict[str, Operation]:
    """By method and path, as the router writes it."""
    writes = {operation.name: operation for operation in asks.operations(describe(app, "", ""))}
    found = {}
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        ids = tuple(name for name, given in route.path_parameters.items() if given.type.__name__ == "UUID")
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                permission, path = str(handler.opt["permission"]), route.path_format
                name = f"{method} {path}"
                shape = writes.get(name, asks.Operation(name, method, path, None, {}, permission == "public"))
                found[name] = Operation(name, method, path, permission, handler, ids, shape, _filters(handler))
    return found


def _filters(handler: HTTPRouteHandler) -> tuple[str, ...]:
    model = handler.opt.get("query")
    names = [field.encode_name for field in msgspec.structs.fields(model)] if model else []
    return tuple(name for name in names if name in asks.REFERENCES)


@dataclass(frozen=True)
class Wanted:
    """A request: what, where, and what is said."""

    method: str
    path: str
    body: Any = None

    async def ask(self, stage: Stage, token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} | ({} if self.method == "GET" else {"if-match": "*"})
        return await stage.http.request(self.method, self.path, json=self.body, headers=headers)

    def ids(self) -> Iterator[tuple[tuple[Any, ...], str, str]]:
        """The places in the body that hold an id, the table that it is of, and the id."""
        yield from _ids(self.body, ())

    def with_id(self, place: tuple[Any, ...], id: str) -> "Wanted":
        """The same with another id in this place of the body."""
        body = deepcopy(self.body)
        inner = body
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = id
        return replace(self, body=body)


def _ids(value: Any, place: tuple[Any, ...], kind: str = "") -> Iterator[tuple[tuple[Any, ...], str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _ids(inner, (*place, name), name if name in asks.REFERENCES else name.removesuffix("s"))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _ids(inner, (*place, n), kind)
    elif isinstance(value, str) and kind in asks.REFERENCES:
        yield place, asks.REFERENCES[kind], value


def filled(operation: Operation, ids: dict[str, str]) -> str:
    """Its path with these ids, and with random ones where none is given."""
    path = operation.path
    for name, value in (WORDS | {name: str(uuid4()) for name in operation.ids} | ids).items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"{path}: say in WORDS what stands in its place"
    return path
