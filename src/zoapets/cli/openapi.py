"""`zoapets openapi`: the API's description, without a server or a database."""

from pathlib import Path

import msgspec

from zoapets import __version__
from zoapets.app import create_app
from zoapets.cli.output import FailureError, emit, say
from zoapets.core.config import Settings
from zoapets.core.docs import describe
from zoapets.core.docs.controller import TITLE


def openapi(*, output: Path | None = None) -> None:
    """Print the OpenAPI 3.1 document of this version. Needs no configuration and no database.

    Args:
        output: A file to write it to, in place of standard output.
    """
    settings = Settings(database_url="postgresql://", jwt_secret="", jwt_refresh_secret="")
    document = describe(create_app(settings).litestar, TITLE, __version__)
    if output is None:
        emit(document)
        return
    try:
        output.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as error:
        raise FailureError(f"{output}: {error.strerror}") from error
    say(f"written to {output}", stderr=True)
