"""Of what another hospital has, nobody is told more than of what nobody has: the very same answer, and no change."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cast import Stage
from tests.proofs import ledger
from tests.proofs.access.operations import Operation, Wanted, filled, operations
from tests.proofs.ledger import Ledger
from tests.proofs.truth import asks
from tests.proofs.truth.replay import rows_of
from zoapets.common.errors import Forbidden, NotFound
from zoapets.core import http
from zoapets.core.crud import Crud
from zoapets.core.tenancy import tenant_gate

SEED = 20
# How often each operation is asked to make something, before anything is looked for.
MADE = 2
# So often all is asked, and so often at most where one's own id has made no difference yet: it is chosen at random.
ROUNDS, MOST_ROUNDS = ledger.pick(1, 4), ledger.pick(1, 60)
# The part of places of which this may be so in the end.
MOST_LEFT = ledger.pick(1, 0) / 2
REFUSED = 400
# What differs between any two answers.
OWN = frozenset({"requestId", "timestamp", "path", "instance"})


@dataclass(frozen=True)
class Question:
    """A request with a place for an id; what stands there when it is another hospital's, and when it is one's own."""

    place: str
    about: Callable[[str], Wanted]
    theirs: str
    mine: str


@dataclass
class Neighbours:
    """Two hospitals in which all that can be made was made; whoever asks is in the first."""

    home: asks.Asker
    other: asks.Asker
    operations: list[Operation]
    # Where an id of the other was put; and where one's own led further than that.
    places: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    asked: int = 0

    async def look(self) -> None:
        """See the rows as they are now, as somebody new: what was asked before may have put out whoever asked it."""
        for asker in (self.home, self.other):
            asker.caller = await asker.hospital.signed_in(new=True)
            asker.rows = await rows_of(asker.hospital)

    async def stock(self) -> None:
        """Patients in beds, with doses that are due, and some of all that can be made."""
        makers = [one.shape for one in self.operations if one.method == "POST" and not one.path.startswith("/auth")]
        for asker in (self.home, self.other):
            await asker.stock()
            asker.caller = None
            for maker in makers * MADE:
                asker.rows = await rows_of(asker.hospital)
                await asker.ask(maker)

    def left(self, operation: Operation) -> bool:
        return any(place.startswith(f"{operation.name}: ") for place in self.places - self.reached)

    async def told(self, question: Question, id: str) -> tuple[int, Any]:
        """What was answered, but for what is said again of the request."""
        assert self.home.caller is not None
        self.asked += 1
        answer = await question.about(id).ask(self.home.hospital.stage, self.home.caller.token)
        if answer.status_code < REFUSED:
            return answer.status_code, answer.text.replace(id, "")
        return answer.status_code, {name: said for name, said in answer.json().items() if name not in OWN}


@pytest.fixture(scope="module")
async def two(stage: Stage) -> Neighbours:
    home, other = [asks.Asker(await stage.hospital(), random.Random(SEED)) for _ in range(2)]  # noqa: S311 - repeatable
    every = [one for one in operations(stage.app.litestar).values() if one.is_in_a_hospital]
    two = Neighbours(home, other, every)
    await two.stock()
    return two


def questions(two: Neighbours, operation: Operation) -> Iterator[Question]:
    """One for each place that an id can be put in: in the path, in the body, in a filter."""
    own = _own(two.home, operation)
    mine, theirs = (
        dict(zip(operation.ids, _ids_in(path), strict=True)) for path in (own.path, _path(two.other, operation))
    )
    for name in operation.ids:
        yield Question(f"{name} in the path", partial(_at, own, operation, mine, name), theirs[name], mine[name])
    for place, table, mine_there in own.ids():
        if row := two.other._choose(table):
            name = ".".join(step for step in place if isinstance(step, str))
            yield Question(f"{name} in the body", partial(own.with_id, place), row["id"], mine_there)
    for name in operation.filters:
        found = [asker._choose(asks.REFERENCES[name]) for asker in (two.other, two.home)]
        if found[0] and found[1]:
            yield Question(f"the filter {name}", partial(_filtered, own, name), found[0]["id"], found[1]["id"])


def _at(own: Wanted, operation: Operation, mine: dict[str, str], name: str, id: str) -> Wanted:
    return replace(own, path=filled(operation, mine | {name: id}))


def _filtered(own: Wanted, name: str, id: str) -> Wanted:
    return replace(own, path=f"{own.path}?{name}={id}")


def _path(asker: asks.Asker, operation: Operation) -> str:
    path = asker._path(operation.shape) if operation.ids else filled(operation, {})
    assert path is not None, f"{operation.name}: there is nothing to ask for"
    return path


def _own(asker: asks.Asker, operation: Operation) -> Wanted:
    """With every id that it can have."""
    shape, body = operation.shape, None
    if shape.example is not None:
        references = {name: "" for name in shape.schema.get("properties", {}) if name in asks.REFERENCES}
        body = asker._filled(references | shape.example, {})
    return Wanted(operation.method, _path(asker, operation), body)


def _ids_in(path: str) -> list[str]:
    return [segment for segment in path.split("/") if len(segment) == len(str(UUID(int=0)))]


async def told_apart(two: Neighbours, operation: Operation) -> list[str]:
    """Where the answer to another hospital's id differs from the one to nobody's."""
    await two.look()
    found, asked = [], []
    for question in questions(two, operation):
        what, nobody = f"{operation.name}: {question.place}", str(uuid4())
        theirs, nobodys = await two.told(question, question.theirs), await two.told(question, nobody)
        if await rows_of(two.other.hospital) != two.other.rows:
            found.append(f"{what} has changed the other hospital")
        found += [] if theirs == nobodys else [f"{what}: {theirs}, and of nobody's {nobodys}"]
        asked.append((what, question, nobodys))
    # What is one's own comes last, and once: it may be changed, or gone, by that.
    mine: dict[str, tuple[int, Any]] = {}
    for what, question, nobodys in asked:
        request = str(question.about(question.mine))
        mine[request] = mine.get(request) or await two.told(question, question.mine)
        two.places.add(what)
        two.reached |= {what} if mine[request] != nobodys else set()
    return found


async def test_another_hospitals_ids_are_nobodys(two: Neighbours, proof: Ledger) -> None:
    found = []
    for turn in range(MOST_ROUNDS):
        asked = [operation for operation in two.operations if turn < ROUNDS or two.left(operation)]
        found += [each for operation in asked for each in await told_apart(two, operation)]
        if asked:
            await two.stock()

    assert found == []
    left = two.places - two.reached
    assert len(left) <= MOST_LEFT * len(two.places), f"one's own id made no difference, seed {SEED}: {sorted(left)}"
    proof.shown(
        "another hospital's id is answered as one that nobody has, and changes nothing",
        places=len(two.places),
        where_ones_own_led_further=len(two.reached),
        requests=two.asked,
    )


def _look_next_door(patched: pytest.MonkeyPatch, two: Neighbours) -> None:
    """As if all hospitals were in one, and a guard stood before each record."""
    get = Crud.get

    async def guarded(self: Any, id: UUID) -> Any:
        try:
            return await get(self, id)
        except NotFound:
            if any(key == str(id) for _, key in two.other.rows):
                raise Forbidden from None
            raise

    patched.setattr(Crud, "get", guarded)


def _wrong_hospital(patched: pytest.MonkeyPatch, two: Neighbours) -> None:
    """Whoever asks is led to the other hospital."""
    other = two.other.hospital.schema
    patched.setattr(http, "tenant_gate", lambda _, **given: tenant_gate(other, **given))


BREAKS = {
    "whoever may not see a record is told that it is there": _look_next_door,
    "a request is led to another hospital": _wrong_hospital,
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_it_sees_what_is_told_of_another_hospital(
    two: Neighbours, proof: Ledger, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    few = [one for one in two.operations if one.name in {"GET /pets/{id}", "PATCH /tutores/{id}"}]
    BREAKS[broken](monkeypatch, two)
    found = [each for operation in few for each in await told_apart(two, operation)]
    assert len(found) >= len(few)
    proof.seen(broken, findings=len(found))
