"""Every operation, asked by every role in every condition, answers exactly as it is declared."""

from collections.abc import Iterable, Iterator

import pytest
from litestar import get

from tests.cast import Stage
from tests.proofs import ledger
from tests.proofs.access import breaks
from tests.proofs.access.callers import REFUSALS, WELL, Caller, callers
from tests.proofs.access.operations import Operation, filled, operations
from tests.proofs.ledger import Ledger
from zoapets.app import create_app
from zoapets.core.http import requires
from zoapets.core.permissions import Permission

# Nothing in the request is right but the address and who asks: whoever may call is told what is wrong, and changes
# nothing; whoever may not is not even read.
BROKEN, HEADERS = b'{"', {"content-type": "application/json", "if-match": "x", "idempotency-key": ""}
REFUSED, UNAUTHORIZED, FORBIDDEN, SERVER_FAULT = 400, 401, 403, 500
# It needs nothing that could be wrong with the request: it ends the session of whoever may call it.
LAST = "POST /auth/logout"
# To see a break, one operation in so many is enough.
FEW = 15


@pytest.fixture(scope="module")
async def everybody(stage: Stage) -> list[Caller]:
    return await callers(await stage.hospital(), await stage.hospital(platform=True), await stage.hospital())


def sample(everybody: list[Caller], n: int) -> Iterator[Caller]:
    """Of a slice: every role as it is, and each other condition of one role, another one for each operation."""
    others: dict[str, list[Caller]] = {condition: [] for condition in REFUSALS}
    for caller in everybody:
        if caller.condition == WELL:
            yield caller
        else:
            others[caller.condition].append(caller)
    for m, those in enumerate(others.values()):
        yield those[(n + m) % len(those)]


def in_order(stage: Stage) -> list[Operation]:
    return sorted(operations(stage.app.litestar).values(), key=lambda one: (one.name == LAST, one.name))


async def misjudged(stage: Stage, operation: Operation, caller: Caller) -> str:
    """What is wrong with the answer; "" when it is as declared."""
    # A token whose signature was found good once is not looked at again.
    stage.runtime.tokens._verified.cache_clear()
    headers = {} if caller.authorization is None else {"authorization": caller.authorization}
    reads = operation.method == "GET"
    answer = await stage.http.request(
        operation.method,
        filled(operation, {}) + "?page=x&page=y",
        content=b"" if reads else BROKEN,
        headers=headers | ({} if reads else HEADERS),
    )
    status = answer.status_code
    problem = answer.json()["type"].removeprefix("/problemas/") if status >= REFUSED else ""
    is_let_in = operation.permission == "public" or (caller.refusal is None and operation.admits(caller.permissions))
    if is_let_in:
        right = status not in {UNAUTHORIZED, FORBIDDEN} and status < SERVER_FAULT
    elif caller.refusal is not None:
        right = (status, problem) == caller.refusal
    else:
        right = (status, problem) == (FORBIDDEN, "forbidden") and answer.json()["permissao"] == operation.permission
    return "" if right else f"{operation.name} ({operation.permission}), {caller}: {status} {answer.text[:200]}"


async def findings(stage: Stage, asked: Iterable[tuple[Operation, Caller]]) -> tuple[list[str], int]:
    """What is wrong, and how many were asked."""
    found = [await misjudged(stage, operation, caller) for operation, caller in asked]
    return [finding for finding in found if finding], len(found)


async def test_every_answer_is_as_declared(stage: Stage, everybody: list[Caller], proof: Ledger) -> None:
    every = in_order(stage)
    whole = ledger.is_full()
    asked = [(one, who) for n, one in enumerate(every) for who in (everybody if whole else sample(everybody, n))]

    found, requests = await findings(stage, asked)

    assert found == []
    assert {one.name for one, _ in asked} == {one.name for one in every}
    proof.shown(
        "every operation x every role x every condition: as declared",
        operations=len(every),
        roles=len({caller.role for caller in everybody}),
        conditions=len({caller.condition for caller in everybody}),
        requests=requests,
    )


@pytest.mark.parametrize("broken", breaks.PEOPLE)
async def test_it_sees_who_is_let_in_wrongly(
    stage: Stage, everybody: list[Caller], proof: Ledger, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    few = in_order(stage)[:-1:FEW]
    make, condition = breaks.PEOPLE[broken]
    make(monkeypatch)
    found, _ = await findings(stage, [(one, who) for one in few for who in everybody if who.condition == condition])
    assert found
    proof.seen(broken, findings=len(found))


@pytest.mark.parametrize("weaker", ["public", "signed-in", Permission.USERS_LER.value])
@pytest.mark.parametrize("route", ["POST /pets", "GET /pets"])
async def test_it_sees_a_route_that_asks_for_less(
    stage: Stage, everybody: list[Caller], proof: Ledger, monkeypatch: pytest.MonkeyPatch, weaker: str, route: str
) -> None:
    operation = operations(stage.app.litestar)[route]
    monkeypatch.setitem(operation.handler.opt, "permission", weaker)
    found, _ = await findings(stage, [(operation, who) for who in everybody])
    assert found
    proof.seen(f"`{route}` asks for {weaker}", findings=len(found))


async def test_a_route_that_appears_is_asked(stage: Stage) -> None:
    @get("/novidades", **requires(Permission.PETS_LER))
    async def news() -> None: ...

    app = create_app(stage.settings).litestar
    app.register(news)

    assert operations(app).keys() - operations(stage.app.litestar).keys() == {"GET /novidades"}
