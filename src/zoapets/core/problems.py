"""Every error, ours, the framework's or nobody's, becomes `application/problem+json` in Portuguese."""

import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
)

from zoapets.common.errors import (
    BadRequest,
    FieldError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
)
from zoapets.core.http import ENCODER, JsonResponse
from zoapets.core.idempotency import Replay

log = structlog.get_logger("zoapets.problems")
PROBLEM_JSON = "application/problem+json"
TOO_LARGE = 413


class ProblemBody(msgspec.Struct, rename="camel", omit_defaults=True):
    """RFC 9457, with the seed's members (`statusCode, timestamp, path, message`)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    status_code: int
    timestamp: datetime
    path: str
    message: str
    request_id: str
    advice: str
    errors: list[FieldError] = []


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to `error`."""
    if isinstance(error, Replay):
        return _replay(error)
    problem = _as_problem(error)
    if type(problem) is Problem:
        log.error("unexpected error", request_id=_request_id(request), **_without_values(error))
    return problem_response(problem, str(request.scope["path"]), _request_id(request))


def problem_response(problem: Problem, path: str, request_id: str) -> Response[bytes]:
    """`problem` as it goes out."""
    return Response(
        body_of(problem, path, request_id),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=problem.headers,
    )


def body_of(problem: Problem, path: str, request_id: str) -> bytes:
    body = ProblemBody(
        type=f"/problemas/{problem.slug()}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=path,
        status_code=problem.status,
        timestamp=datetime.now(UTC),
        path=path,
        message=problem.detail,
        request_id=request_id,
        advice=problem.advice,
        errors=list(problem.errors),
    )
    if not problem.members:
        return ENCODER.encode(body)
    members = {_camel(name): value for name, value in problem.members.items()}
    return ENCODER.encode({**msgspec.to_builtins(body), **members})


def _without_values(error: BaseException) -> dict[str, Any]:
    """What happened and where: the messages of errors stay out of the log, they may quote a person's data."""
    return {
        "error": type(error).__name__,
        "sqlstate": getattr(error, "sqlstate", None),
        "cause": type(error.__cause__).__name__ if error.__cause__ else None,
        "trace": [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ],
    }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _replay(error: Replay) -> Response[bytes]:
    headers = {"Idempotency-Replayed": "true"}
    if error.answer.etag:
        headers["ETag"] = error.answer.etag
    return JsonResponse(
        error.answer.body, status_code=error.answer.status, media_type="application/json", headers=headers
    )


def _as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case MethodNotAllowedException():
            return MethodNotAllowed(headers=error.headers or {})
        case NotFoundException():
            return NotFound()
        case HTTPException(status_code=status) if status == TOO_LARGE:
            return PayloadTooLarge()
        case ClientException():
            return BadRequest()
        case _:
            return Problem()


def _request_id(request: Request[Any, Any, Any]) -> str:
    return str(request.scope.get("request_id", "-"))
