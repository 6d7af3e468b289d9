"""Records of every kind, made from what the OpenAPI document says of them: a new room needs nothing here.

A body holds what the document requires, as its example has it; ids become those of new records, instants become now,
and what must be unique gets a value that nobody had.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, UniqueConstraint

from tests.cast import Hospital, number
from zoapets.core.docs.examples import AN_ID, AN_INSTANT
from zoapets.entities.base import Entity

# Words that name a record: a new one ends in a number.
NAMES = frozenset({"nome", "codigo"})


def _cpf(count: int) -> str:
    digits = [int(digit) for digit in f"{count + 100_000_000:09d}"]
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        digits.append(-sum(d * w for d, w in zip(digits, weights, strict=True)) % 11 % 10)
    return "".join(map(str, digits))


# Words with a form of their own.
FRESH: dict[str, Callable[[int], str]] = {
    "email": lambda count: f"rival{count}@exemplo.com.br",
    "documento": _cpf,
    "microchip": lambda count: f"076{count:012d}",
}


def fresh(name: str, value: str) -> str:
    """A value like this one, which no record has."""
    count = number()
    return FRESH[name](count) if name in FRESH else f"{value} {count}"


@dataclass(frozen=True)
class Unique:
    """What no two records of a collection may share, by the fields of the API."""

    name: str
    table: str
    fields: tuple[str, ...]

    @property
    def collection(self) -> str:
        return f"/{self.table}"


def uniques() -> Iterator[Unique]:
    """Every unique index and constraint of a hospital's tables."""
    for table in Entity.metadata.sorted_tables:
        for index in table.indexes:
            if index.unique:
                said = " ".join(map(str, index.expressions))
                yield Unique(str(index.name), table.name, _fields(table, re.findall(r"\w+", said)))
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                yield Unique(str(constraint.name), table.name, _fields(table, [one.name for one in constraint.columns]))


def _fields(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(camel(name) for name in names if name in table.columns)


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


class Records:
    """Makes records in one hospital."""

    def __init__(self, hospital: Hospital, document: dict[str, Any]) -> None:
        self.hospital = hospital
        self.paths: dict[str, dict[str, Any]] = document["paths"]
        self._schemas: dict[str, Any] = document["components"]["schemas"]

    @classmethod
    async def of(cls, hospital: Hospital) -> "Records":
        return cls(hospital, (await hospital.stage.http.get("/openapi.json")).json())

    def collections(self, method: str, path: str) -> list[str]:
        """The collections that can be posted to and whose records have `path` with `method`."""
        return [
            each
            for each, operations in self.paths.items()
            if "post" in operations and "{" not in each and method in self.paths.get(path.replace("*", each), {})
        ]

    async def body(self, collection: str, also: Collection[str] = ()) -> dict[str, Any]:
        """What a POST there needs, with the fields of `also`."""
        example, schema = self.example("post", collection)
        kept = {*schema["required"], *also}
        made: dict[str, Any] = await self._made({name: value for name, value in example.items() if name in kept})
        return made

    async def make(self, collection: str) -> dict[str, Any]:
        """A new record."""
        return await self.hospital.made(collection, await self.body(collection))

    def example(self, method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A body of this operation, and its schema."""
        content = self.paths[path][method]["requestBody"]["content"]["application/json"]
        schema = content["schema"]
        while reference := schema.get("$ref"):
            schema = self._schemas[reference.rpartition("/")[2]]
        return content["example"], schema

    async def _made(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: await self._made(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [await self._made(inner, name.removesuffix("s")) for inner in value]
        if value == AN_ID:
            # `tutorId`: the cast's `tutor`.
            return (await getattr(self.hospital, name.removesuffix("Id"))())["id"]
        if value == AN_INSTANT:
            return self.hospital.stage.now.isoformat()
        if name == "unidade":
            # Not per kg: nobody has weighed the cast's pets.
            return value.removesuffix("/kg")
        return fresh(name, value) if name in FRESH or name in NAMES else value
