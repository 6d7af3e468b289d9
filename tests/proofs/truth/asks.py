"""Requests that write, made up from the OpenAPI document and from what a hospital's tables hold at the moment."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from tests.cast import PASSWORD, Hospital, Person, number
from tests.modules.test_prescricoes import item, order
from tests.proofs.truth.replay import TABLES, Rows, rows_of

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")
# Two records of a hospital may not have the same.
DISTINCT = frozenset({"nome", "codigo", "email"})
# For those who run the installation: they write the registry, which all hospitals share and whose status is all there
# is of it; no hospital's role may call them.
ELSEWHERE = frozenset({"POST /plataforma/tenants/{id}/reativar", "POST /plataforma/tenants/{id}/suspender"})


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _references() -> dict[str, str]:
    """The table that a field of a body, or a parameter of a path, is an id of: as the foreign keys say."""
    return {
        camel(column.name): key.column.table.name
        for table in TABLES.values()
        for column in table.columns
        for key in column.foreign_keys
    }


REFERENCES = _references()


@dataclass(frozen=True)
class Operation:
    """One route that writes: the example of its body, and the schema of all that a body may have."""

    name: str
    method: str
    path: str
    example: dict[str, Any] | None
    schema: dict[str, Any]
    is_public: bool


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation that is not a read."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in {"post", "patch", "put", "delete"}:
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"].get(name, {})
            is_public = not operation.get("security")
            shape = (content.get("example"), schema, is_public)
            found.append(Operation(f"{method.upper()} {path}", method.upper(), path, *shape))
    return found


@dataclass
class Asker:
    """Asks at random; `rows` are the hospital's, as they are now."""

    hospital: Hospital
    random: random.Random
    rows: Rows = field(default_factory=dict)
    caller: Person | None = None
    asked_by: Person | None = None
    refresh_token: str = ""

    async def ask(self, operation: Operation) -> httpx.Response | None:
        """The answer; None when there is nothing yet that could be asked about."""
        if self.caller is None or operation.path.startswith("/auth"):
            self.caller = await self.hospital.signed_in(new=True)
            self.rows = await rows_of(self.hospital)
        path = self._path(operation)
        if path is None:
            return None
        body = None if operation.example is None else self._body(operation)
        headers = {"x_request_id": f"pedido-{number()}", "idempotency_key": str(number())}
        if operation.method == "PATCH":
            headers["if_match"] = "*"
        answer = await self.caller.call(operation.method, path, body, **headers)
        if answer.status_code == httpx.codes.OK and "refreshToken" in answer.json():
            self.refresh_token = answer.json()["refreshToken"]
        self.asked_by = self.caller
        if answer.status_code in {401, 403}:
            self.caller = None
        return answer

    async def stock(self) -> None:
        """Things to ask about: patients in beds, with doses that are due."""
        # Whoever made things before may have been put out meanwhile.
        self.hospital._people.clear()
        await self.hospital.leito()
        await self.hospital.internacao(leitoId=None)
        stay = (await order(self.hospital))["internacaoId"]
        drug = await self.hospital.medicamento(concentracao=500, concentracaoUnidade="mg/mL", vias=["IV"])
        start = (self.hospital.stage.now - timedelta(minutes=5)).isoformat()
        found = await self.hospital.sql("select pet_id::text from {s}.internacoes where id = $1::text::uuid", stay)
        due = {"tipo": "hospitalar", "petId": found[0][0], "internacaoId": stay}
        await self.hospital.made("/prescricoes", due | {"itens": [item(self.hospital, drug, inicio=start)]})

    def _path(self, operation: Operation) -> str | None:
        path = operation.path
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            return path
        parent = path.partition("{")[0].strip("/").split("/")[-1]
        if len(names) == 1:
            chosen = self._choose(parent, self._own if parent == "sessoes" else lambda _: True)
            return None if chosen is None else path.replace(f"{{{names[0]}}}", chosen["id"])
        # A part of a record: whose table is the one that belongs to the record's and has the parameter's name in its.
        stem = names[1].removesuffix("_id")[:3]
        for table in TABLES.values():
            for key in table.foreign_keys:
                if key.column.table.name == parent and stem in table.name and (part := self._choose(table.name)):
                    return path.replace("{id}", part[key.parent.name]).replace(f"{{{names[1]}}}", part["id"])
        return None

    def _body(self, operation: Operation) -> dict[str, Any]:
        schema = operation.schema
        given = dict(operation.example or {})
        for name in schema.get("properties", {}):
            if name in REFERENCES and self.random.random() < 0.5:
                given.setdefault(name, "")
        needed = schema.get("required", [])
        kept = {name: value for name, value in given.items() if name in needed or self.random.random() < 0.7}
        return self._filled(kept, {})

    def _filled(self, body: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in body.items():
            if name == "email" and "password" in body and self.caller is not None:
                made[name] = self.caller.email
                continue
            made[name] = told[name] if name in told else self._value(name, value)
            # A stay says whose it is: the fields that it knows agree with it.
            if name in REFERENCES and (row := self.rows.get((REFERENCES[name], str(made[name])))):
                agreed = {camel(column): held for column, held in row.items() if camel(column) in body}
                told = agreed | told
                made |= {field: held for field, held in agreed.items() if field in made and field != name}
        return made

    def _value(self, name: str, value: Any) -> Any:
        secrets = {"senhaAtual": PASSWORD, "password": PASSWORD, "refreshToken": self.refresh_token}
        if name in secrets:
            return secrets[name]
        if name == "tenantId":
            return self.hospital.slug
        if name in REFERENCES:
            chosen = self._choose(REFERENCES[name])
            return chosen["id"] if chosen else None
        if name.removesuffix("s") in REFERENCES and isinstance(value, list):
            return [chosen["id"] for _ in value if (chosen := self._choose(REFERENCES[name.removesuffix("s")]))]
        if isinstance(value, list):
            return [self._filled(each, {}) if isinstance(each, dict) else each for each in value]
        return self._word(name, value)

    def _word(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if name == "email":
            return f"e{number()}@{self.hospital.slug}.test"
        if INSTANT.match(value):
            return (self.hospital.stage.now - timedelta(minutes=self.random.randint(0, 30))).isoformat()
        return f"{value} {number()}" if name in DISTINCT else value

    def _choose(self, table: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any] | None:
        """One of a table's rows, rather one of the newest."""
        rows = [row for (name, _), row in self.rows.items() if name == table and fits(row)]
        if not rows:
            return None
        rows.sort(key=lambda row: str(row["id"]))
        return self.random.choice(rows[-6:] if self.random.random() < 0.7 else rows)

    def _own(self, row: dict[str, Any]) -> bool:
        return self.caller is not None and row["user_id"] == str(self.caller.id)
