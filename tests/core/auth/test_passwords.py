"""Passwords are hashed as dearly as OWASP asks, and nobody's fits nothing."""

import asyncio
import threading

import pytest

from tests.cast import Stage
from zoapets.core.auth.passwords import Passwords


async def test_a_hash_costs_what_owasp_asks(stage: Stage) -> None:
    assert (await stage.runtime.passwords.hash("uma senha")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", ["a conta que não existe", "", "x" * 200], ids=ascii)
async def test_where_there_is_no_account_no_password_fits(stage: Stage, password: str) -> None:
    assert await stage.runtime.passwords.verify(password, None) == (False, None)


async def test_a_hash_that_is_good_enough_is_kept(stage: Stage) -> None:
    hashed = await stage.runtime.passwords.hash("uma senha")
    assert await stage.runtime.passwords.verify("uma senha", hashed) == (True, None)
    assert await stage.runtime.passwords.verify("outra senha", hashed) == (False, None)


class SlowHasher:
    """Hashes when it is told that it may."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def hash(self, password: str) -> str:
        self.begun.append(password)
        self.has_begun.set()
        assert self.may_end.wait(60)
        return "hashed"


async def test_what_is_closed_waits_for_no_hash_and_begins_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """And until then it makes one hash at a time."""
    passwords, hasher = Passwords(), SlowHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    asked = [asyncio.ensure_future(passwords.hash(f"senha {n}")) for n in range(3)]
    await asyncio.to_thread(hasher.has_begun.wait, 60)
    patience = threading.Timer(5, hasher.may_end.set)
    patience.start()

    passwords.close()

    waited = hasher.may_end.is_set()
    patience.cancel()
    hasher.may_end.set()
    first, *others = await asyncio.gather(*asked, return_exceptions=True)
    assert (waited, first, hasher.begun) == (False, "hashed", ["senha 0"])
    assert [type(other) for other in others] == [asyncio.CancelledError] * 2
    with pytest.raises(RuntimeError):
        await passwords.hash("uma senha")
