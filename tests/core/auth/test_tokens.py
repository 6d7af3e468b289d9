"""Tokens say who made them and for how long, and are read by a clock that may differ a little."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest

from zoapets.core.auth.tokens import TokenExpirado, TokenInvalido, Tokens

TOKENS = Tokens(
    secret="a" * 40, refresh_secret="b" * 40, expires=timedelta(minutes=15), refresh_expires=timedelta(days=7)
)
USER, TENANT, SESSION = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
AT = int(NOW.timestamp())


def access(now: datetime = NOW) -> str:
    return TOKENS.access(
        user_id=USER, email="ana@aurora.test", roles=("A", "B"), tenant_id=TENANT, sessao_id=SESSION, now=now
    )


def refresh(at: datetime = NOW) -> str:
    return TOKENS.refresh(user_id=USER, tenant_id=TENANT, sessao_id=SESSION, generation=4, at=at)


def test_an_access_token_says_this_and_no_more() -> None:
    assert jwt.get_unverified_header(access()) == {"alg": "HS256", "typ": "JWT"}
    assert jwt.decode(access(), options={"verify_signature": False}) == {
        "typ": "access",
        "sub": str(USER),
        "email": "ana@aurora.test",
        "roles": ["A", "B"],
        "tenantId": str(TENANT),
        "sid": str(SESSION),
        "iat": AT,
        "exp": AT + 900,
        "iss": "zoapets",
    }


def test_a_refresh_token_says_this_and_no_more() -> None:
    assert jwt.decode(refresh(), options={"verify_signature": False}) == {
        "typ": "refresh",
        "sub": str(USER),
        "tenantId": str(TENANT),
        "sid": str(SESSION),
        "gen": 4,
        "iat": AT,
        "exp": AT + 7 * 24 * 3600,
        "iss": "zoapets",
    }


def test_a_token_is_over_at_the_second_that_it_names() -> None:
    last = NOW + timedelta(minutes=15)
    assert TOKENS.read_access(access(), last - timedelta(seconds=1)).sub == str(USER)
    with pytest.raises(TokenExpirado):
        TOKENS.read_access(access(), last)
    with pytest.raises(TokenExpirado):
        TOKENS.read_refresh(refresh(), NOW + timedelta(days=7))


def test_a_clock_elsewhere_may_be_half_a_minute_ahead() -> None:
    assert TOKENS.read_access(access(NOW + timedelta(seconds=30)), NOW).iat == AT + 30
    assert TOKENS.read_refresh(refresh(NOW + timedelta(seconds=30)), NOW).gen == 4
    with pytest.raises(TokenInvalido):
        TOKENS.read_access(access(NOW + timedelta(seconds=31)), NOW)
    with pytest.raises(TokenInvalido):
        TOKENS.read_refresh(refresh(NOW + timedelta(seconds=31)), NOW)


def test_a_token_of_another_kind_is_none() -> None:
    with pytest.raises(TokenInvalido):
        TOKENS.read_refresh(access(), NOW)
    with pytest.raises(TokenInvalido):
        TOKENS.read_access(refresh(), NOW)
