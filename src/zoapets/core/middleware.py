"""The outermost ring: request id, security headers, body type and size, time, metrics, the access line.

Plain ASGI around the framework, so that a 404 and a crash pass through it too.
"""

import re
import time
from typing import Any

from litestar.routes import HTTPRoute
from uuid_utils import uuid7

from zoapets.common.errors import PayloadTooLarge, Problem, UnsupportedMediaType
from zoapets.core.config import Settings
from zoapets.core.observability import AccessLog, Metrics
from zoapets.core.problems import PROBLEM_JSON, body_of

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_JSON = re.compile(rb"\s*application/(?:[a-z0-9.+-]+\+)?json\s*(?:;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
]
# Answers hold people's data: no cache on the way may keep them. The document pages set their own.
NO_STORE = (b"cache-control", b"no-store")
CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class RequestRing:
    """Wraps the application."""

    def __init__(self, app: Any, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self._body_limit = settings.body_limit
        self._methods = {
            route.path_format: ", ".join(sorted(route.methods)).encode()
            for route in app.routes
            if isinstance(route, HTTPRoute)
        }
        self._metrics = metrics
        self._log = AccessLog(enabled=settings.log_level in {"debug", "info"}, file=settings.access_log)

    def close(self) -> None:
        self._log.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid7()).encode()
        scope["request_id"] = request_id.decode()
        status = 500

        async def answer(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["method"] == "OPTIONS":
                    self._say_methods(message, scope)
                _finish_headers(message, request_id)
            await send(message)

        try:
            problem = self._refusal(scope["method"], headers)
            if problem is not None:
                await _refuse(problem, scope, answer)
            else:
                await self.app(scope, receive, answer)
        finally:
            route = scope.get("path_template") or "-"
            seconds = self._metrics.observe(scope["method"], route, status, started)
            self._log.write(scope["method"], route, status, seconds, scope)

    def _say_methods(self, message: Any, scope: Any) -> None:
        """The framework's own answer names the methods of the first handler that this path was given, alone."""
        methods = self._methods.get(scope.get("path_template"))
        message["headers"] = [
            (name, methods if methods and name.lower() == b"allow" else value) for name, value in message["headers"]
        ]

    def _refusal(self, method: str, headers: dict[bytes, bytes]) -> Problem | None:
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_limit:
            return PayloadTooLarge()
        has_body = (length and length != b"0") or b"transfer-encoding" in headers
        if method in {"POST", "PUT", "PATCH", "DELETE"} and has_body:
            if not _JSON.fullmatch(headers.get(b"content-type", b"")):
                return UnsupportedMediaType()
            if headers.get(b"content-encoding", b"identity") != b"identity":
                return UnsupportedMediaType("O corpo não pode vir comprimido.")
        return None


def _finish_headers(message: Any, request_id: bytes) -> None:
    headers = [*message["headers"], (b"x-request-id", request_id), *SECURITY_HEADERS]
    present = {name.lower() for name, _ in message["headers"]}
    if b"cache-control" not in present:
        headers.append(NO_STORE)
    if b"content-security-policy" not in present:
        headers.append(CSP)
    message["headers"] = headers


async def _refuse(problem: Problem, scope: Any, send: Any) -> None:
    body = body_of(problem, scope["path"], scope["request_id"])
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    headers += [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
