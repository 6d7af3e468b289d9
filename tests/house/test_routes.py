"""Every route says who may call it, in one word, and what it does, in Portuguese."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from zoapets.app import create_app
from zoapets.core.config import Settings
from zoapets.core.permissions import Permission

# What anybody may ask.
PUBLIC = {
    "GET /",
    "GET /docs",
    "GET /docs/{file:str}",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /problemas",
    "GET /problemas/{codigo:str}",
    "POST /auth/login",
    "POST /auth/refresh",
}
# Permissions that no route asks for, each with its reason.
UNUSED: dict[Permission, str] = {}
# Words that begin or hold together an English sentence and are no words in Portuguese.
ENGLISH = frozenset(
    {"the", "of", "and", "with", "for", "this", "is", "are", "to", "from", "by", "get", "list", "it", "an"}
)


def _routes() -> Iterator[tuple[str, HTTPRouteHandler]]:
    settings = Settings(database_url="postgresql:///none", jwt_secret="", jwt_refresh_secret="")
    for route in create_app(settings).litestar.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                # The framework answers OPTIONS by itself.
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    yield f"{method} {route.path}", handler


ROUTES = dict(_routes())
each_route = pytest.mark.parametrize("route", sorted(ROUTES))


def test_there_are_routes() -> None:
    assert len(ROUTES) > 30


@each_route
def test_a_route_says_who_may_call_it(route: str) -> None:
    handler = ROUTES[route]
    permission = handler.opt.get("permission")

    assert isinstance(permission, Permission) or permission in {"public", "signed-in"}


def test_what_is_public_is_known() -> None:
    assert {route for route, handler in ROUTES.items() if handler.opt["permission"] == "public"} == PUBLIC


def test_every_permission_opens_something() -> None:
    asked = {handler.opt["permission"] for handler in ROUTES.values()}

    assert set(Permission) - asked == set(UNUSED)


@each_route
def test_a_route_says_what_it_does_in_portuguese(route: str) -> None:
    promise = (ROUTES[route].fn.__doc__ or "").strip()

    assert promise, "it has no docstring"
    assert promise[0].isupper()
    assert promise.endswith(".")
    words = {word.strip(",.;:()`").lower() for word in promise.split()}
    assert not words & ENGLISH, promise


def answer_of(handler: HTTPRouteHandler) -> Any:
    return handler.parsed_fn_signature.return_type.annotation


@each_route
def test_what_can_be_edited_has_a_version(route: str) -> None:
    """PATCH is guarded by `If-Match`, so its answer has the `versao` that `ETag` is made of."""
    handler = ROUTES[route]
    if "PATCH" not in handler.http_methods:
        return
    answer = answer_of(handler)

    assert isinstance(answer, type) and issubclass(answer, msgspec.Struct)  # noqa: PT018 - the second needs the first
    assert "versao" in answer.__struct_fields__
