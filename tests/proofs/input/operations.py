"""Every operation of the document, as something that can be sent: with an example's body, and ids of real records."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from tests.cast import Hospital
from tests.proofs.input.judge import Answer
from tests.proofs.input.watch import SIGNED_IN, Watch
from zoapets.core.docs import describe
from zoapets.core.permissions import ROLES

JSON = b"application/json"
# None takes a header away.
Headers = list[tuple[bytes, bytes | None]]


@dataclass(frozen=True)
class Leaf:
    """One value in a body: where it stands, and what its schema says."""

    at: tuple[str | int, ...]
    schema: dict[str, Any]

    @property
    def name(self) -> str:
        """As the API names it in `errors`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.at)
        return text.removeprefix(".")

    def put(self, body: Any, value: Any) -> Any:
        """A copy of `body` with `value` here."""
        changed = copy.deepcopy(body)
        inside = changed
        for part in self.at[:-1]:
            inside = inside[part]
        inside[self.at[-1]] = value
        return changed


@dataclass(frozen=True)
class Operation:
    method: str
    template: str
    path: str
    body: Any = None
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    optional: bool = False

    @property
    def label(self) -> str:
        return f"{self.method} {self.template}"


async def operations(hospital: Hospital, role: str) -> list[Operation]:
    """Those that this role may call, aimed at records that are there; what is not is asked for by the example's id."""
    document = describe(hospital.stage.app.litestar, "Zoa Pets", "1")
    ids = await _known_ids(document, hospital)
    open_to = {"public", "signed-in", *ROLES[role]}
    return [
        _operation(document, ids, method.upper(), template, said)
        for template, item in document["paths"].items()
        for method, said in item.items()
        if said["x-permissao"] in open_to
    ]


async def send(
    watch: Watch,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    body: bytes | None = None,
    headers: Headers | None = None,
    raw_path: bytes | None = None,
) -> Answer:
    """One request, as a server would hand it to the application."""
    sent: list[tuple[bytes, bytes]] = [(b"host", b"zoapets.test"), (b"authorization", SIGNED_IN.encode())]
    if body is not None:
        # Whatever a case before this one did to the hospital's settings.
        sent += [(b"if-match", b"*"), (b"content-type", JSON), (b"content-length", str(len(body)).encode())]
    for name, value in headers or []:
        sent = [each for each in sent if each[0] != name]
        if value is not None:
            sent.append((name, value))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path or quote(path).encode(),
        "query_string": query,
        "root_path": "",
        "headers": sent,
        "client": ("203.0.113.7", 50000),
        "server": ("zoapets.test", 80),
    }
    _, answer = await watch.ask(scope, body or b"")
    return answer


async def _known_ids(document: dict[str, Any], hospital: Hospital) -> dict[str, str]:
    """The id of a record of each room that has a list and holds something, by the room's path."""
    await hospital.internacao()
    await hospital.medicamento()
    await hospital.user()
    admin = await hospital.signed_in()
    found = {}
    for path, item in document["paths"].items():
        if "get" in item and re.fullmatch(r"/[a-z-]+", path):
            answer = await admin.get(path)
            rows = answer.json().get("data") if answer.status_code == 200 and answer.content.startswith(b"{") else None
            # The last: what was made first is often what the hospital cannot do without.
            if rows and "id" in rows[-1]:
                found[path] = rows[-1]["id"]
    return found


def _operation(
    document: dict[str, Any], ids: dict[str, str], method: str, template: str, said: dict[str, Any]
) -> Operation:
    given = [_resolved(document, parameter) for parameter in said.get("parameters", [])]
    path = template
    for parameter in given:
        if parameter["in"] == "path":
            room = "/" + template.split("/")[1]
            known = ids.get(room) if parameter["name"] == "id" else None
            path = path.replace("{" + parameter["name"] + "}", str(known or parameter["example"]))
    query = {each["name"]: _resolved(document, each["schema"]) for each in given if each["in"] == "query"}
    headers = tuple(each["name"].lower() for each in given if each["in"] == "header")
    if "requestBody" not in said:
        return Operation(method, template, path, None, query, headers)
    content = said["requestBody"]["content"]["application/json"]
    body = _aimed(content["example"], ids)
    leaves = tuple(_leaves(document, content["schema"], body, ()))
    return Operation(method, template, path, body, query, headers, leaves, not said["requestBody"]["required"])


def _aimed(body: Any, ids: dict[str, str]) -> Any:
    """An example's body, with ids of records that are there: `petId` is one of /pets."""
    if isinstance(body, list):
        return [_aimed(item, ids) for item in body]
    if not isinstance(body, dict):
        return body
    aimed = {}
    for name, value in body.items():
        stem = name.removesuffix("Ids").removesuffix("Id")
        if stem == name:
            aimed[name] = _aimed(value, ids)
            continue
        known = next((found for room, found in ids.items() if room.startswith("/" + stem[:6])), None)
        # Of nothing that is there: left out.
        aimed[name] = [known] if isinstance(value, list) else known
    return aimed


def _leaves(document: dict[str, Any], schema: dict[str, Any], body: Any, at: tuple[str | int, ...]) -> Iterator[Leaf]:
    schema = _resolved(document, schema)
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from _leaves(document, inner, (body or {}).get(name), (*at, name))
    elif "items" in schema:
        yield Leaf(at, schema)
        if body:
            yield from _leaves(document, schema["items"], body[0], (*at, 0))
    else:
        yield Leaf(at, schema)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its references, nor the null beside what it is about."""
    while True:
        if "$ref" in schema:
            *_, kind, name = schema["$ref"].split("/")
            schema = {**document["components"][kind][name], **{k: v for k, v in schema.items() if k != "$ref"}}
        elif "anyOf" in schema:
            [schema] = [option for option in schema["anyOf"] if option != {"type": "null"}][:1]
        else:
            return schema


def encoded(body: Any) -> bytes:
    return msgspec.json.encode(body)
