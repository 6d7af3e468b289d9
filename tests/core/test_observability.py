"""What operators see: a line of JSON for each thing that is said, and metrics over all workers."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from zoapets.core.observability import Metrics, configure_logging


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a process that serves has written, as it is configured to."""
    handlers, level, kept, written = logging.root.handlers[:], logging.root.level, structlog.get_config(), StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("warning")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**kept)


def test_a_library_is_heard_as_json_with_its_error(said: Callable[[], list[dict[str, Any]]]) -> None:
    logger = logging.getLogger("uma.biblioteca")
    logger.info("too quiet")
    try:
        json.loads("{")
    except ValueError:
        logger.exception("it broke %s", "here")

    (line,) = said()
    assert (line["level"], line["logger"], line["message"]) == ("error", "uma.biblioteca", "it broke here")
    assert "JSONDecodeError: " in line["exception"]


def test_a_library_that_speaks_of_no_error_is_heard_without_one(said: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("uma.biblioteca").warning("it is late")

    (line,) = said()
    assert (line["level"], line["message"], "exception" in line) == ("warning", "it is late", False)


def test_what_we_say_is_json_with_a_level_and_an_instant(said: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger().info("too quiet")
    structlog.get_logger().warning("it is late", minutes=3)

    (line,) = said()
    assert (line["level"], line["message"], line["minutes"]) == ("warning", "it is late", 3)
    assert line["timestamp"].endswith("Z")


def test_metrics_are_of_all_workers_where_they_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    assert b"zoapets_cache_failures_total" in metrics.page()

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    assert metrics.page() == b"", "of no worker, as none has written there"
