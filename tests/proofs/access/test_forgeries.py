"""Of all kinds of forged tokens that we know, none opens anything: not the door, not another token."""

import pytest

from tests.cast import Hospital, Stage
from tests.core.auth.forgery import KINDS, Forger, forger
from tests.proofs.access import breaks
from tests.proofs.ledger import Ledger

UNAUTHORIZED, UNPROCESSABLE = 401, 422


@pytest.fixture
async def known(hospital: Hospital, other_hospital: Hospital) -> Forger:
    return await forger(await hospital.signed_in(), hospital, await other_hospital.signed_in())


async def believed(stage: Stage, known: Forger) -> list[str]:
    """The kinds that open a door, or make a server fail."""
    stage.runtime.tokens._verified.cache_clear()
    found = []
    for kind in KINDS.values():
        token = [(b"authorization", f"Bearer {kind.make(known)}".encode())]
        if (await stage.http.get("/auth/me", headers=token)).status_code != UNAUTHORIZED:
            found.append(kind.name)
        elif not kind.access_only:
            body = {"refreshToken": kind.make(known.turned())}
            answer = await stage.http.post("/auth/refresh", json=body)
            found += [] if answer.status_code in {UNAUTHORIZED, UNPROCESSABLE} else [kind.name]
    stage.runtime.tokens._verified.cache_clear()
    return found


async def test_no_forged_token_is_believed(stage: Stage, known: Forger, proof: Ledger) -> None:
    assert await believed(stage, known) == []
    proof.shown("no forged token opens anything", kinds=len(KINDS), doors=2)


@pytest.mark.parametrize("broken", breaks.TOKENS)
async def test_it_sees_a_forgery_that_is_believed(
    stage: Stage, known: Forger, proof: Ledger, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    make, kind = breaks.TOKENS[broken]
    make(monkeypatch)
    found = await believed(stage, known)
    assert kind in found
    proof.seen(broken, kinds=len(found))
