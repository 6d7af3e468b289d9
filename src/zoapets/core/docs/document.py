"""One OpenAPI 3.1 document from the application's routes: nothing in it is written twice, so it cannot fall behind."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from zoapets.common.errors import FieldError
from zoapets.core.docs.examples import AN_ID, AN_INSTANT, Examples
from zoapets.core.docs.guide import BEARER, GUIDE, HEADERS, PARAMETERS, PROBLEMS, SUCCESSES
from zoapets.core.docs.schemas import Schema, Schemas
from zoapets.core.http import READS
from zoapets.core.permissions import ROLES
from zoapets.core.problems import PROBLEM_JSON, ProblemBody

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
JSON = "application/json"
TEXTS = {"text/html": "<!doctype html>", "text/plain": "texto"}


def describe(app: Litestar, title: str, version: str) -> dict[str, Any]:
    """The document of every route of `app`. ValueError names a route that says nothing of who may call it."""
    document = _Document()
    operations = list(_operations(app))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, route, handler in operations:
        paths.setdefault(path, {})[method.lower()] = document.operation(route, method, handler)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": GUIDE,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": tag} for tag in sorted({tag for *_, handler in operations for tag in handler.resolve_tags()})
        ],
        "paths": paths,
        "components": document.components(),
    }


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRoute, HTTPRouteHandler]]:
    """Path, method, route and handler, in an order that does not change."""
    found = [
        (route.path_format, method, route, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method in METHODS and handler.resolve_include_in_schema()
    ]
    yield from sorted(found, key=lambda each: (each[0], METHODS.index(each[1])))


class _Document:
    def __init__(self) -> None:
        self._schemas = Schemas({ProblemBody: "Problema", FieldError: "CampoInvalido"})
        self._examples = Examples(self._schemas.components)
        self._ids: set[str] = set()

    def components(self) -> dict[str, Any]:
        problem = self._schemas.of(ProblemBody)
        self._schemas.components["Problema"]["additionalProperties"] = True
        return {
            "securitySchemes": {"bearer": BEARER},
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": {f"Problema{status}": _problem_response(status, problem) for status in sorted(PROBLEMS)},
            "schemas": dict(sorted(self._schemas.components.items())),
        }

    def operation(self, route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> dict[str, Any]:
        permission = handler.opt.get("permission")
        if permission is None:
            raise ValueError(f"{method} {route.path_format} declares no permission")
        summary, _, rest = (handler.fn.__doc__ or "").strip().partition("\n")
        operation: dict[str, Any] = {
            "operationId": self._operation_id(handler),
            "summary": summary.rstrip("."),
            "description": "\n\n".join(filter(None, [_dedented(rest), _who(permission)])),
            "tags": list(handler.resolve_tags()),
            "x-permissao": str(permission),
            "security": [] if permission == "public" else [{"bearer": []}],
        }
        if parameters := self._parameters(route, method, handler):
            operation["parameters"] = parameters
        if (data := handler.parsed_data_field) is not None:
            schema = self._schemas.of(data.annotation)
            example = self._examples.of_request(schema, data.annotation)
            content = {JSON: {"schema": schema, "example": example}}
            operation["requestBody"] = {"required": not data.is_optional, "content": content}
        operation["responses"] = self._responses(route, method, handler)
        return operation

    def _operation_id(self, handler: HTTPRouteHandler) -> str:
        """`petsSearch`, of `PetsController.search`."""
        *_, owner, name = ["", *handler.fn.__qualname__.split(".")]
        first, *others = [*owner.removesuffix("Controller").split(), *name.split("_")]
        own = first[:1].lower() + first[1:] + "".join(word.capitalize() for word in others)
        unique = own
        while unique in self._ids:
            unique = own + str(int(unique.removeprefix(own) or 1) + 1)
        self._ids.add(unique)
        return unique

    def _parameters(self, route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> list[Schema]:
        found = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": schema,
                "example": self._path_example(name, schema),
            }
            for name, parameter in route.path_parameters.items()
            for schema in [self._schemas.of(parameter.type)]
        ]
        if query := handler.opt.get("query"):
            found += self._schemas.parameters(query)
        if _has_unit_of_work(handler) and method == "PATCH":
            found.append({"$ref": "#/components/parameters/IfMatch"})
        if _has_unit_of_work(handler) and method in {"POST", "PATCH"}:
            found.append({"$ref": "#/components/parameters/IdempotencyKey"})
        return found

    def _path_example(self, name: str, schema: Schema) -> Any:
        example = self._examples.of({"type": "object", "properties": {name: schema}})
        return example[name]

    def _responses(self, route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> dict[str, Any]:
        responses = {str(handler.status_code): self._success(handler)}
        for status, given in (handler.responses or {}).items():
            content = self._content(given.data_container, given.media_type)
            responses[str(status)] = {"description": given.description} | content
        for status in _expected_problems(route, method, handler):
            responses.setdefault(str(status), {"$ref": f"#/components/responses/Problema{status}"})
        return dict(sorted(responses.items()))

    def _success(self, handler: HTTPRouteHandler) -> dict[str, Any]:
        status = handler.status_code
        response: dict[str, Any] = {"description": SUCCESSES.get(status) or HTTPStatus(status).phrase}
        annotation = handler.parsed_return_field.annotation
        if issubclass(get_origin(annotation) or object, Response):
            (annotation,) = get_args(annotation)
        if status == HTTPStatus.NO_CONTENT or status >= HTTPStatus.MULTIPLE_CHOICES:
            return response
        response |= self._content(annotation, handler.media_type)
        if isinstance(annotation, type) and "versao" in getattr(annotation, "__struct_fields__", ()):
            response["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
        return response

    def _content(self, annotation: Any, media_type: Any) -> dict[str, Any]:
        media = str(getattr(media_type, "value", media_type) or JSON).partition(";")[0]
        if annotation in {None, type(None)}:
            return {}
        if media in TEXTS:
            return {"content": {media: {"schema": {"type": "string"}, "example": TEXTS[media]}}}
        schema = self._schemas.of(annotation)
        return {"content": {media: {"schema": schema, "example": self._examples.of(schema)}}}


def _expected_problems(route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> Iterator[int]:
    """The statuses of the problems that this operation may answer."""
    is_public = handler.opt["permission"] == "public"
    writes = method not in READS
    has_body = handler.parsed_data_field is not None
    yield from (400, 500)
    if not is_public or writes:
        # Public writes are the ways in: they may find nobody, refuse a suspended hospital, and are counted.
        yield from (401, 403, 429, 503)
    if route.path_parameters or (has_body and not is_public):
        # A body may name a record that this hospital does not have.
        yield 404
    if writes:
        # Of the ways in: an e-mail that fits in several hospitals.
        yield 409
    if method == "PATCH" and _has_unit_of_work(handler):
        yield from (412, 428)
    if has_body:
        yield from (413, 415)
    if has_body or "query" in handler.opt or (writes and _has_unit_of_work(handler)):
        yield 422


def _has_unit_of_work(handler: HTTPRouteHandler) -> bool:
    """Whether it takes the context, which is where `If-Match` and `Idempotency-Key` are read."""
    return "ctx" in handler.parsed_fn_signature.parameters


def _problem_response(status: int, schema: Schema) -> dict[str, Any]:
    kind = PROBLEMS[status]
    example = ProblemBody(
        type=f"/problemas/{kind.slug()}",
        title=kind.title,
        status=status,
        detail=kind.title,
        instance="/pets",
        status_code=status,
        timestamp=msgspec.convert(AN_INSTANT, ProblemBody.__annotations__["timestamp"]),
        path="/pets",
        message=kind.title,
        request_id=AN_ID,
        advice=kind.advice,
        errors=[FieldError("nome", "é obrigatório")] if status == HTTPStatus.UNPROCESSABLE_ENTITY else [],
    )
    response: dict[str, Any] = {
        "description": kind.title,
        "content": {PROBLEM_JSON: {"schema": schema, "example": msgspec.to_builtins(example)}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return response


def _who(permission: str) -> str:
    """The sentence that says who may call."""
    if permission == "public":
        return "Aberta: não exige autenticação."
    if permission == "signed-in":
        return "Exige autenticação, e nenhuma permissão."
    roles = ", ".join(name for name, permissions in ROLES.items() if permission in permissions)
    return f"Exige a permissão `{permission}`." + (f" Perfis que já nascem com ela: {roles}." if roles else "")


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
