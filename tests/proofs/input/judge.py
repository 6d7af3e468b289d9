"""What must hold of every answer, whatever was sent: no server error, and a refusal that people can read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.house.test_routes import ENGLISH

PROBLEM_MEMBERS = frozenset(
    ("type", "title", "status", "detail", "instance", "statusCode", "timestamp", "path", "message")
)
# What only code says: of an exception's text, not one word may go out.
LEAK = re.compile(r"Traceback|File \"|\.py\b|Error\b|Exception|asyncpg|msgspec|litestar|sqlalchemy|Expected |Invalid ")
QUOTED = re.compile(r"`[^`]*`")
REFUSED = 400
BROKEN = 500


@dataclass(frozen=True)
class Answer:
    """What came back, and after how long."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0


def faults(answer: Answer, *, slowest: float | None = None) -> Iterator[str]:
    """What is wrong with an answer as such; nothing, for a good one."""
    if answer.status >= BROKEN:
        yield f"{answer.status}"
    if slowest is not None and answer.seconds > slowest:
        yield f"answered after {answer.seconds:.1f} s"
    if answer.status >= REFUSED:
        yield from _refusal_faults(answer)


def _refusal_faults(answer: Answer) -> Iterator[str]:
    if answer.headers.get("content-type") != "application/problem+json":
        yield f"{answer.status} as {answer.headers.get('content-type')}"
        return
    body: dict[str, Any] = msgspec.json.decode(answer.body)
    if missing := PROBLEM_MEMBERS - body.keys():
        yield f"without {sorted(missing)}"
        return
    if not body["status"] == body["statusCode"] == answer.status:
        yield f"{answer.status} says that it is {body['status']}"
    if not body["type"].startswith("/problemas/"):
        yield f"its type is {body['type']}"
    errors = body.get("errors", [])
    # Where a rule of the room refuses, its title says which; this one says only that there are fields.
    if body["type"] == "/problemas/unprocessable" and body["detail"] == "Há campos inválidos." and not errors:
        yield "names no field"
    for said in (body["title"], body["detail"], body["advice"], *(error["message"] for error in errors)):
        yield from _saying_faults(said)
    # A field that is unknown is named as it came, and it may have come without a name.
    if not all(error["field"] or error["message"] == "campo desconhecido" for error in errors):
        yield "an error without a field"


def _saying_faults(said: str) -> Iterator[str]:
    plain = QUOTED.sub("", said)
    if not said:
        yield "it says nothing"
    # What it quotes is the sender's.
    if LEAK.search(plain):
        yield f"it says what only code says: {said}"
    # GET is a method, not a word.
    if ENGLISH & {word.strip(",.;:()").lower() for word in plain.split() if not word.isupper()}:
        yield f"it is not in Portuguese: {said}"
