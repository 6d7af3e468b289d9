"""Passwords are hashed as dearly as OWASP asks, and nobody's fits nothing."""

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


async def test_what_is_closed_hashes_nothing_more() -> None:
    passwords = Passwords()
    passwords.close()
    with pytest.raises(RuntimeError):
        await passwords.hash("uma senha")
