"""HTTP's side of a unit of work: who may call a route, the context a handler gets, and the answers.

    @post("/{id:uuid}/alta", status_code=200, **requires(Permission.INTERNACOES_ALTA))
    async def dar_alta(self, ctx: Ctx, id: FromPath[UUID]) -> InternacaoRead: ...

The context is a generator dependency: the framework resumes it after the answer is encoded and before it is sent.
So the commit comes before the response, and a commit that fails becomes the response.
"""

import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse

from zoapets.common.errors import (
    BadRequest,
    FieldError,
    Forbidden,
    PreconditionRequired,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unprocessable,
)
from zoapets.common.schema import Normal, Number, dec_hook, explain, misread
from zoapets.common.schema import Query as QueryString
from zoapets.core.auth.access import Grant
from zoapets.core.boards import Board
from zoapets.core.context import TenantContext
from zoapets.core.database import UnitOfWork
from zoapets.core.idempotency import Answer, claim, fingerprint, store
from zoapets.core.permissions import Permission
from zoapets.core.runtime import Runtime
from zoapets.core.tenancy import Origin, tenant_gate

T = TypeVar("T")
Q = TypeVar("Q", bound=QueryString)


def _plain(value: Any) -> Any:
    """What msgspec does not know: our own kinds of number and text, as what they are made of."""
    return Decimal(value) if isinstance(value, Number) else str(value)


# Exact decimals go out as JSON numbers, as they came in.
ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
TYPE_DECODERS: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = [
    (lambda kind: isinstance(kind, type) and issubclass(kind, Normal | Number), dec_hook)
]
BODILESS = frozenset({204, 304})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')

Ctx = NamedDependency[SkipValidation[TenantContext]]
FromQuery = NamedDependency[SkipValidation[T]]


def requires(permission: Permission) -> dict[str, Any]:
    """For a route: a signed-in person with this permission."""
    return {"opt": {"permission": permission}}


def signed_in() -> dict[str, Any]:
    """For a route: anyone who is signed in, for what is their own."""
    return {"opt": {"permission": "signed-in"}}


def public() -> dict[str, Any]:
    """For a route: anyone at all."""
    return {"opt": {"permission": "public"}}


def runtime_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Runtime:
    runtime: Runtime = connection.app.state.runtime
    return runtime


def origin_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Origin:
    client = connection.scope.get("client")
    return Origin(connection.scope.get("request_id", "-"), client[0] if client else "-")  # type: ignore[arg-type]


def authorized(app: Any) -> Any:
    """Before every route: it must say who may call it, and only they may. A route that says nothing is nobody's.

    A middleware, not a guard: for each guard the framework copies the route's handler at every request.
    """

    async def call(scope: Any, receive: Any, send: Any) -> None:
        # The framework answers OPTIONS by itself.
        if scope["method"] != "OPTIONS":
            needed = scope["route_handler"].opt["permission"]
            if needed != "public":
                await authorize(scope, needed)
        await app(scope, receive, send)

    return call


async def authorize(scope: Any, needed: str) -> None:
    """Find who calls; 401 for nobody, 403 for somebody who may not, 429 for who asks too often."""
    runtime: Runtime = scope["litestar_app"].state.runtime
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    # Who gives two is nobody: a proxy may have looked at the other one.
    grant = await runtime.access.authenticate(given[0].decode("latin-1") if len(given) == 1 else None)
    if needed != "signed-in" and needed not in grant.actor.permissions:
        raise Forbidden(permissao=needed)
    scope["user"] = grant
    if per_minute := runtime.settings.rate_limit_per_minute:
        wait = await runtime.cache.hit(f"{per_minute}/minute", str(grant.hospital.tenant.id), str(grant.actor.id))
        if wait:
            raise TooManyRequests(headers={"Retry-After": str(math.ceil(wait))})


async def provide_context(request: Request[Any, Any, Any]) -> AsyncIterator[TenantContext]:
    """One unit of work: read-only for GET; committed once the answer is encoded, before it is sent."""
    runtime = runtime_of(request)
    grant: Grant | None = request.scope.get("user")
    if grant is None:
        raise Unauthorized
    reads = request.method in READS
    origin = origin_of(request)
    gate = tenant_gate(
        grant.hospital.tenant.schema_name,
        read_only=reads,
        actor=grant.actor.id,
        origin=origin,
    )
    work = UnitOfWork(runtime.pool, gate)
    version = None if reads else _expected_version(request, grant)
    ctx = TenantContext(grant.actor, grant.hospital, runtime.clock.now(), work, origin, version)
    key = None if reads else request.headers.get("idempotency-key")
    try:
        if key is not None:
            secret = runtime.settings.jwt_secret
            asked = fingerprint(request.method, str(request.scope["path"]), await request.body(), secret=secret)
            await claim(ctx, key, asked)
        yield ctx
        if key is not None:
            await store(ctx, key, request.scope["answer"])  # type: ignore[typeddict-item]
    except Exception:
        await work.rollback()
        raise
    except BaseException:
        await work.discard()
        raise
    try:
        await ctx.commit()
    finally:
        # Also when the commit's own answer was lost.
        if work.changes:
            await runtime.boards.written(grant.hospital.tenant.id, work.changes)
    request.scope["statements"] = work.statements  # type: ignore[typeddict-unknown-key]


def _expected_version(request: Request[Any, Any, Any], grant: Grant) -> int | None:
    # Of the record that the path names: a verb (POST) may change several, and says so in its own rules.
    if request.method not in {"PATCH", "DELETE"}:
        return None
    text = request.headers.get("if-match")
    if text is None:
        if request.method == "PATCH" and grant.hospital.ajustes.exigir_if_match:
            raise PreconditionRequired
        return None
    if text.strip() == "*":
        return None
    found = _ETAG.fullmatch(text.strip())
    if found is None:
        raise BadRequest('`If-Match` deve ser o `ETag` do registro, como "3".')
    return int(found[1])


def from_query(model: type[QueryString]) -> dict[str, Any]:
    """For a route: `filtros`, the query string as a `model`."""

    # It asks for `ctx` only to come after it: the framework runs dependencies of one rank in a task group.
    async def provide(ctx: NamedDependency[SkipValidation[Any]], request: Request[Any, Any, Any]) -> Any:
        del ctx
        return read_query(request.query_params.multi_items(), model)

    return {"dependencies": {"filtros": Provide(provide)}, "opt": {"query": model}}


class Shown:
    """A board, as one request asks for it."""

    def __init__(self, board: Board, ctx: TenantContext, request: Request[Any, Any, Any]) -> None:
        self._board = board
        self._ctx = ctx
        self._request = request

    async def answer(self, asked: QueryString, make: Callable[[], Awaitable[Any]]) -> Response[Any]:
        """The board, kept or as `make` makes it; 304 to a client that has this one already."""

        async def encoded() -> bytes:
            return ENCODER.encode(await make())

        boards, hospital = runtime_of(self._request).boards, self._ctx.hospital.tenant.id
        made = await boards.get(self._board, hospital, ENCODER.encode(asked).decode(), self._ctx.now, encoded)
        headers = {"ETag": made.etag}
        known = self._request.headers.get("if-none-match", "")
        if made.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return JsonResponse(None, status_code=304, headers=headers)
        return JsonResponse(made.body, headers=headers)


OnBoard = NamedDependency[SkipValidation[Shown]]


def on_board(board: Board) -> dict[str, Any]:
    """For a route with `from_query`: `quadro`, which answers out of what is kept, with `ETag` and 304."""

    # It asks for `filtros` only to come after it, as `from_query` does for `ctx`.
    async def provide(
        ctx: NamedDependency[SkipValidation[Any]],
        filtros: NamedDependency[SkipValidation[Any]],
        request: Request[Any, Any, Any],
    ) -> Shown:
        del filtros
        return Shown(board, ctx, request)

    return {
        "dependencies": {"quadro": Provide(provide)},
        "responses": {304: ResponseSpec(None, description="Não mudou desde o `ETag` enviado em `If-None-Match`.")},
    }


def read_query(items: Iterable[tuple[str, str]], model: type[Q]) -> Q:
    """A query string as a `model`; Unprocessable names every parameter that is unknown, repeated or unfit."""
    values: dict[str, str] = {}
    for name, value in items:
        if name in values:
            raise BadRequest(f"O parâmetro `{name[:50]}` aparece mais de uma vez.")
        values[name] = value
    try:
        found = msgspec.convert(values, model, strict=False, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        raise Unprocessable(errors=explain(values, model, strict=False)) from error
    if any(misread(values[sent], getattr(found, name)) for sent, name in _parameters(model) if sent in values):
        raise Unprocessable(errors=explain(values, model, strict=False))
    return found


@cache
def _parameters(model: type[QueryString]) -> list[tuple[str, str]]:
    """The names that are sent, and those that we use."""
    return [(field.encode_name, field.name) for field in msgspec.structs.fields(model)]


class Encoded(ASGIResponse):
    """An answer as it will be sent: no more than its status, its headers and its bytes."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code = status
        self.body = body
        self._headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - as ASGI calls it
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._headers})
        await send({"type": "http.response.body", "body": self.body})


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is read at once as what its handler takes.

    The framework would read it as loose JSON first and then be lenient: "12" for 12, and a number for an instant.
    """

    async def json(self) -> Any:
        """The body; BadRequest when it is no JSON, Unprocessable, with every fault named, when it does not fit."""
        field = self.route_handler.parsed_data_field
        body = await self.body()
        # Without what is annotated: hashing that, at every request, cost as much as all the rest.
        kind = Any if field is None else field.annotation
        try:
            return _decoder(kind).decode(body)
        except msgspec.ValidationError:
            raise _explained(body, kind) from None
        # RecursionError: it is nested too deeply to be read. UnicodeDecodeError: a text in it is not UTF-8.
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _no_json() from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)


def _no_json() -> Problem:
    return BadRequest("O corpo não é um JSON válido.", errors=[FieldError("corpo", "não é um JSON válido")])


def _explained(body: bytes, kind: Any) -> Problem:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # What comes behind the fault cannot be read.
        return _no_json()
    return Unprocessable(errors=explain(raw, kind))


class JsonResponse(Response[Any]):
    """What a handler returns, as JSON, with `ETag` from its `versao`."""

    def to_asgi_response(
        self,
        app: Any,  # noqa: ARG002
        request: Request[Any, Any, Any],
        *,
        headers: dict[str, str] | None = None,
        **options: Any,  # noqa: ARG002 - what else the framework offers, nobody here uses
    ) -> ASGIResponse:
        content = self.content
        body = content if isinstance(content, bytes) else b"" if content is None else ENCODER.encode(content)
        version = getattr(content, "versao", None)
        etag = f'"{version}"' if version is not None else None
        status = self.status_code or 200
        request.scope["answer"] = Answer(status, body, etag)  # type: ignore[typeddict-unknown-key]
        given = self.headers if headers is None else {**headers, **self.headers}
        sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        if etag is not None:
            sent.append((b"etag", etag.encode()))
        if status not in BODILESS:
            sent += ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)))
        return Encoded(status, sent, body)


def routed(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Several of the above for one route: `**routed(requires(...), from_query(...))`."""
    merged: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else value
    return merged
