"""Deliberate breaks of who may come in: what each does to the running installation."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import jwt
import pytest

from zoapets.core.auth import access, tokens
from zoapets.core.context import Actor
from zoapets.core.permissions import Permission
from zoapets.core.statements import Query

Break = Callable[[pytest.MonkeyPatch], None]


def _believed(text: str, instead: str, patched: pytest.MonkeyPatch) -> None:
    """The look-up of who calls, with one of its conditions gone."""
    found: Query[Any] = access.ACCESS
    assert text in found.sql, found.sql
    patched.setattr(access, "ACCESS", Query(found.sql.replace(text, instead), found._names, found.row))


def _decoding(patched: pytest.MonkeyPatch, **options: bool) -> None:
    """The library, told to look away."""
    decode = jwt.decode

    def careless(token: str, secret: str, **given: Any) -> Any:
        return decode(token, secret, **given | {"options": given["options"] | options})

    patched.setattr(jwt, "decode", careless)


def _any_algorithm(patched: pytest.MonkeyPatch) -> None:
    decode = jwt.decode

    def obedient(token: str, secret: str, **given: Any) -> Any:
        return decode(token, secret, **given | {"algorithms": ["HS256", "HS384", "HS512"]})

    patched.setattr(jwt, "decode", obedient)
    # Before that, no other signature is as long as ours.
    _any_spelling(patched)


def _any_spelling(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(tokens, "SPELLING", re.compile(r".+", re.DOTALL))


def _any_kind(patched: pytest.MonkeyPatch) -> None:
    """A refresh token is read where an access token is asked for."""
    read_access = tokens.Tokens.read_access

    def either(self: tokens.Tokens, token: str, now: datetime) -> tokens.Claims:
        try:
            return read_access(self, token, now)
        except tokens.TokenInvalido:
            return tokens._read(token, self._refresh_secret, "refresh", tokens.Claims)

    patched.setattr(tokens.Tokens, "read_access", either)


def _all_permissions(patched: pytest.MonkeyPatch) -> None:
    actor_of = access.actor_of

    def mighty(*given: Any) -> Actor:
        actor = actor_of(*given)
        return Actor(actor.id, actor.nome, actor.email, actor.roles, frozenset(Permission), actor.sessao_id)

    patched.setattr(access, "actor_of", mighty)


def _ignored(module: Any, name: str, patched: pytest.MonkeyPatch) -> None:
    """A check that finds nothing."""
    patched.setattr(module, name, lambda *_: None)


# By what is broken: the break, and who of `callers` is let in by it.
PEOPLE: dict[str, tuple[Break, str]] = {
    "every role holds every permission": (_all_permissions, "as they are"),
    "a deactivated user is believed": (partial(_believed, "users.ativo AS", "true AS"), "deactivated user"),
    "a revoked session is believed": (partial(_believed, "sessoes.revogada_em IS NULL", "true"), "revoked session"),
    "a session past its end is believed": (
        partial(_believed, "sessoes.expira_em > $3", "sessoes.criada_em <= $3"),
        "session past its end",
    ),
    "a suspended hospital is let in": (partial(_ignored, access, "_check_active"), "suspended hospital"),
    "nobody looks at a token's time": (partial(_ignored, tokens, "_check_time"), "expired token"),
    "nobody looks at a token's signature": (partial(_decoding, verify_signature=False), "tampered payload"),
    "a refresh token is as good as an access token": (_any_kind, "refresh token"),
}
# By what is broken: the break, and a kind of forged token that is let in by it.
TOKENS: dict[str, tuple[Break, str]] = {
    "nobody looks at a token's signature": (partial(_decoding, verify_signature=False), "more roles, old signature"),
    "the token says by which algorithm": (_any_algorithm, "HS512 with the true secret"),
    "a token may be spelled in any way": (_any_spelling, "part 2, = at the end"),
    "a token of any kind is good enough": (_any_kind, "the other kind"),
    "nobody looks at a token's time": (partial(_ignored, tokens, "_check_time"), "exp 0"),
    "a token of any issuer is good enough": (partial(_decoding, verify_iss=False), "iss 'outra' (str)"),
}
