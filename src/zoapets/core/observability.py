"""What the machine says of itself: JSON logs without personal data, and Prometheus metrics.

A log line carries the route's pattern, never the path or the query that was asked: they hold names and numbers of
people.
"""

import asyncio
import logging
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

_encode = msgspec.json.Encoder(enc_hook=str).encode
HELD_S = 0.05
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def configure_logging(level: str = "info") -> None:
    """One JSON object a line, on standard error; the libraries' own logs too."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=lambda value, **_: _encode(value).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class AccessLine(msgspec.Struct, frozen=True):
    """One request, as it is logged."""

    level: str
    timestamp: datetime
    message: str
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    tenant: UUID | str
    user: UUID | str
    statements: int


class AccessLog:
    """Access lines, to standard error or to a file. They are written a handful at a time, at most `HELD_S` late."""

    def __init__(self, *, enabled: bool, file: Path | None = None) -> None:
        self._enabled = enabled or file is not None
        self._file = None if file is None else file.open("ab", buffering=0)
        self._held = bytearray()
        self._due: asyncio.TimerHandle | None = None

    def write(self, method: str, route: str, status: int, seconds: float, scope: dict[str, Any]) -> None:
        if not self._enabled:
            return
        grant = scope.get("user")
        line = AccessLine(
            "info",
            datetime.now(UTC),
            "request",
            method,
            route,
            status,
            round(seconds * 1000, 2),
            scope.get("request_id", "-"),
            grant.hospital.tenant.id if grant else "-",
            grant.actor.id if grant else "-",
            scope.get("statements", 0),
        )
        self._held += _encode(line)
        self._held += b"\n"
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(HELD_S, self._flush)

    def _flush(self) -> None:
        self._due = None
        held, self._held = self._held, bytearray()
        if self._file is not None:
            self._file.write(held)
        else:
            sys.stderr.buffer.write(held)
            sys.stderr.buffer.flush()

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._flush()
        if self._file is not None:
            self._file.close()


class Metrics:
    """Counters and times by route. With several workers, `PROMETHEUS_MULTIPROC_DIR` adds them up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "zoapets_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.cache_failures = Counter(
            "zoapets_cache_failures", "Times that Valkey did not answer.", registry=self.registry
        )
        self.sealed = Counter("zoapets_audit_sealed", "Rows of audit trails that were sealed.", registry=self.registry)
        self.seal_failures = Counter(
            "zoapets_audit_seal_failures", "Times that an audit trail could not be sealed.", registry=self.registry
        )
        self.logins = Counter("zoapets_logins", "Logins by outcome.", ("outcome",), registry=self.registry)
        self._children: dict[tuple[str, str, int], Any] = {}

    def observe(self, method: str, route: str, status: int, started: float) -> float:
        """Count a request that began at `started` (perf_counter); its seconds."""
        seconds = time.perf_counter() - started
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self.requests.labels(method, route, str(status))
        child.observe(seconds)
        return seconds

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder and Path(folder).is_dir():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self.registry)
