"""A mixed run whose every name, number, password and token is marked, so that each can be looked for afterwards."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from tests.cast import PASSWORD, Hospital, number
from tests.proofs.input.operations import Operation, encoded
from tests.proofs.input.served import DEADLINE_S, Served

NAME = "Zulmira Xavantina"
SECRET = "Senha-Xavantina-1"
CPF = "111.444.777-35"
TELEPHONE = "+5511912345678"
PROFILE = {"documento": CPF, "telefone": TELEPHONE, "uf": "SP", "cep": "01310-100", "crmv": "12345"}


@dataclass
class Marks:
    """What was sent: what no log may hold, and of that, what the database may not hold either."""

    people: set[str] = field(default_factory=lambda: {NAME, CPF, "11144477735", TELEPHONE, "xavantina.example"})
    keys: set[str] = field(default_factory=lambda: {SECRET, PASSWORD})
    answers: int = 0


def marked(each: Operation) -> Any:
    """The example's body, with marks wherever there is room for one."""
    body = each.body
    for leaf in each.leaves:
        kind = leaf.schema.get("format")
        value: Any = None
        if kind == "email":
            value = f"zulmira{number()}@xavantina.example"
        elif kind in PROFILE:
            value = PROFILE[kind]
        elif "senha" in leaf.name.lower() or leaf.name == "password":
            value = SECRET
        elif kind is None and "string" in str(leaf.schema.get("type")) and "enum" not in leaf.schema:
            value = f"{NAME} {number()}"
        if value is not None:
            body = leaf.put(body, value)
    return body


async def mixed_run(served: Served, hospital: Hospital, each_of: list[Operation]) -> Marks:
    """Sign in, well and badly; use every operation with marks: as it should be, malformed, in queries and paths."""
    marks = Marks()
    made = await hospital.user(nome=NAME, email=f"zulmira{number()}@xavantina.example", senha=SECRET)
    async with httpx.AsyncClient(base_url=served.url, timeout=DEADLINE_S) as http:
        entered = await http.post("/auth/login", json={"email": made["email"], "password": SECRET})
        assert entered.status_code == httpx.codes.OK, entered.text
        pair = entered.json()
        again = await http.post("/auth/refresh", json={"refreshToken": pair["refreshToken"]})
        for tokens in (pair, again.json()):
            marks.keys |= {tokens["accessToken"], tokens["refreshToken"]}
        await http.post("/auth/login", json={"email": made["email"], "password": SECRET + "?"})
        admin = await hospital.signed_in(new=True)
        marks.keys.add(admin.token)
        for each in each_of:
            if each.template != "/auth/logout":
                await _use(http, each, admin.token, marks)
    return marks


async def _use(http: httpx.AsyncClient, each: Operation, token: str, marks: Marks) -> None:
    headers = {"authorization": f"Bearer {token}", "if-match": "*", "content-type": "application/json"}
    sent: list[tuple[str, dict[str, Any]]] = [
        (f"{each.path}?busca={NAME}", {}),
        (f"{each.path}?{NAME}={CPF}", {}),
        (f"{each.path}/{NAME}/{CPF}", {}),
    ]
    if each.body is not None:
        body = encoded(marked(each))
        wrong = encoded({leaf.at[0]: {NAME: CPF} for leaf in each.leaves} | {NAME: SECRET})
        bodies = [body, wrong, body[: len(body) // 2], body[:-1] + b"\xff}"]
        sent += [(each.path, {"content": content}) for content in bodies]
        # Twice with one key, and then for something else.
        keyed = {"idempotency-key": f"{NAME.split(maxsplit=1)[0]}-{number()}"}
        sent += [(each.path, {"content": content, "headers": keyed}) for content in (body, body, wrong)]
    for path, options in sent:
        given = headers | options.pop("headers", {})
        await http.request(each.method, path, headers=given, **options)
        marks.answers += 1


def lines(log: str) -> list[dict[str, Any]]:
    """A log's lines, each an object."""
    return [msgspec.json.decode(line) for line in log.splitlines()]
