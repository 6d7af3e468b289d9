"""What a worker of `zoapets serve` serves. Its supervisor does not load this: that takes a second, for nothing."""

import multiprocessing
import os
import signal
import threading

from zoapets.app import Application, create_app
from zoapets.core.config import from_environment
from zoapets.core.observability import configure_logging


def app_from_environment() -> Application:
    """What a worker serves. It ends with its supervisor, however that ends: nobody else would ever stop it."""
    settings = from_environment()
    configure_logging(settings.log_level)
    if (parent := multiprocessing.parent_process()) is not None:

        def follow() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, name="follow-supervisor", daemon=True).start()
    return create_app(settings)
