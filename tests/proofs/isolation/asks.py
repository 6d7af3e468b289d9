"""What is asked of the server: every GET route there is, as the router knows it, and a few writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.proofs.isolation import stamp
from tests.proofs.isolation.ground import Stamped
from tests.proofs.isolation.rows import TABLES, UNSTAMPED
from zoapets.core.permissions import PLATFORM

# Where a route's parameter is the id of another table's row than the segment before it names.
ROWS_OF: dict[str, str] = {}
# Routes whose "total" counts something else than the table of their first segment.
COUNTS_SOMETHING_ELSE: dict[str, str] = {}
# What a filter's id refers to: the column of that name is a foreign key.
REFERENCES = {
    column.name: key.column.table.name
    for table in TABLES.values()
    for column in table.columns
    for key in column.foreign_keys
}
MOST_ON_A_PAGE = 5
# What the writes add rows to: a total may have grown by a few for each of them.
GROWS = frozenset({"auditoria", "pet_pesos", "tutores", "unidades"})
ROWS_OF_A_WRITE = 6


@dataclass(frozen=True)
class Route:
    """A route that reads, and what fills the places in its path."""

    path: str
    # The table whose ids go into the path; None for a path without places.
    table: str | None
    template: str
    filters: Mapping[str, Any]
    forbidden: bool

    @property
    def counted(self) -> str | None:
        """The table whose number of rows every "total" of an unfiltered answer is."""
        first = self.path.split("/")[1]
        return first if self.table is None and first in TABLES and self.path not in COUNTS_SOMETHING_ELSE else None


@dataclass(slots=True)
class Ask:
    """A request, and what its answer may be."""

    hospital: Stamped
    route: str
    path: str
    request: bytes
    expected: frozenset[int]
    fault: str = ""
    # The table that is counted in full.
    counted: str | None = None
    # What a page must hold, when it is one.
    page: int = 1
    limit: int = 0
    # Asks for what is another hospital's: nothing may come back, though the path is repeated in the refusal.
    foreign: bool = False
    writes: bool = False


def reads(app: Litestar) -> list[Route]:
    """Every GET route of those that need somebody signed in."""
    return sorted(_reads(app), key=lambda route: route.path)


def stale(app: Litestar) -> list[str]:
    """Exceptions that no route asks for."""
    paths = {route.path for route in reads(app)}
    return sorted((ROWS_OF.keys() | COUNTS_SOMETHING_ELSE.keys()) - paths)


def _reads(app: Litestar) -> Iterator[Route]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if "GET" in handler.http_methods and handler.opt.get("permission") not in {"public", None}:
                yield _route(route.path, handler)


def _route(path: str, handler: HTTPRouteHandler) -> Route:
    table, template, before = None, "", ""
    for segment in path.strip("/").split("/"):
        if segment.startswith("{"):
            assert table is None, f"{path}: say what fills its second place"
            table = ROWS_OF.get(path, before)
            assert table in TABLES, f"{path}: say in ROWS_OF whose ids these are"
            template += "/{id}"
        else:
            template += f"/{segment}"
            before = segment
    model = handler.opt.get("query")
    filters = {info.name: info for info in msgspec.structs.fields(model)} if model else {}
    return Route(path, table, template, filters, forbidden=handler.opt["permission"] in PLATFORM)


class Mix:
    """An endless mixture of requests, decided by a seed."""

    def __init__(
        self, routes: list[Route], hospitals: list[Stamped], seed: int, *, writes: float = 0.05, foreign: float = 0.05
    ) -> None:
        self._writes, self._foreign = writes, foreign
        self._routes = routes
        self._hospitals = hospitals
        self.random = Random(seed)  # noqa: S311 - a run that can be repeated is what is wanted
        self._written = 0
        self._label = f"{seed}"

    def next(self) -> Ask:
        draw = self.random.random()
        hospital = self.random.choice(self._hospitals)
        ask = self._write(hospital) if draw < self._writes else self._read(hospital, foreign=draw > 1 - self._foreign)
        ask.fault = self._fault()
        header = f"x-fault: {ask.fault}\r\n" if ask.fault else ""
        ask.request = ask.request.replace(b"\r\n", f"\r\n{header}".encode(), 1)
        return ask

    def every(self, hospital: Stamped) -> Iterator[Ask]:
        """Each route once, without a fault."""
        for route in self._routes:
            yield self._ask(route, hospital, hospital, {})

    def _fault(self) -> str:
        """Two in a hundred lose the client, another two end in the midst of a transaction."""
        draw = self.random.random()
        if draw < 0.02:
            return "disconnect"
        if draw < 0.028:
            return "raise"
        if draw < 0.036:
            return f"cancel:{self.random.uniform(0, 4):.2f}"
        return "timeout" if draw < 0.04 else ""

    def _read(self, hospital: Stamped, *, foreign: bool) -> Ask:
        route = self.random.choice(self._routes)
        whose = self.random.choice(self._hospitals) if foreign else hospital
        chosen: dict[str, str] = {}
        for name, info in route.filters.items():
            if name in REFERENCES and self.random.random() < 0.2:
                chosen[info.encode_name] = self._id(whose, REFERENCES[name])
            elif name == "busca" and self.random.random() < 0.2:
                chosen[name] = stamp.text(whose.number)
        return self._ask(route, hospital, whose, chosen)

    def _ask(self, route: Route, hospital: Stamped, whose: Stamped, chosen: dict[str, str]) -> Ask:
        path = route.template.replace("{id}", self._id(whose, route.table)) if route.table else route.template
        query: dict[str, Any] = dict(chosen)
        page = limit = 0
        for name, info in route.filters.items():
            if name == "page":
                page = query["page"] = self.random.randint(1, 3)
            elif name.startswith("limit"):
                limit = query[info.encode_name] = self.random.randint(1, MOST_ON_A_PAGE)
        foreign = whose is not hospital and (route.table is not None or bool(chosen))
        ask = Ask(
            hospital,
            route.path,
            path,
            _request("GET", path + (f"?{urlencode(query)}" if query else ""), hospital),
            frozenset({403} if route.forbidden else {404} if foreign and route.table else {200}),
            counted=None if chosen or route.forbidden else route.counted,
            page=page,
            limit=limit if page else 0,
            foreign=foreign,
        )
        if foreign and not route.table:
            ask.expected |= {404, 422}
        return ask

    def _id(self, hospital: Stamped, table: str) -> str:
        assert table not in UNSTAMPED, f"no row of {table} has an id to ask for"
        return hospital.row_id(table, self.random.randint(1, hospital.rows))

    def _write(self, hospital: Stamped) -> Ask:
        """A record, a change, a weight, a dose. The same Idempotency-Keys are used by all hospitals."""
        self._written += 1
        mine, own = f"{stamp.text(hospital.number)} {self._label} {self._written}", self._id
        repeated = self.random.randint(1, 9)
        key = {"idempotency-key": f"chave-{repeated}"}
        tutor = {"nome": f"{stamp.text(hospital.number)} repetido {repeated}", "telefone": "+5511987654321"}
        choices: list[tuple[str, str, dict[str, Any], dict[str, str], frozenset[int]]] = [
            ("POST", "/tutores", tutor, key, frozenset({201})),
            ("POST", "/unidades", {"nome": mine}, {}, frozenset({201})),
            ("POST", f"/pets/{own(hospital, 'pets')}/pesos", {"pesoKg": 4, "origem": mine}, {}, frozenset({201})),
            ("PATCH", f"/tutores/{own(hospital, 'tutores')}", {"observacoes": mine}, {}, frozenset({200})),
            ("PATCH", f"/pets/{own(hospital, 'pets')}", {"observacoes": mine}, {}, frozenset({200})),
            # The second time it has been given, and the answer says so.
            ("PATCH", f"/administracoes/{own(hospital, 'administracoes')}/realizar", {"observacoes": mine}, {},
             frozenset({200, 409, 422})),
        ]  # fmt: skip
        method, path, body, headers, expected = self.random.choice(choices)
        request = _request(method, path, hospital, msgspec.json.encode(body), headers)
        return Ask(hospital, f"{method} {path.split('/')[1]}", path, request, expected, writes=True)


def _request(
    method: str, target: str, hospital: Stamped, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    given = {"host": "zoapets.test", "authorization": f"Bearer {hospital.person.token}", **(headers or {})}
    if body:
        given |= {"content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{method} {quote(target, safe='/?&=%+')} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
