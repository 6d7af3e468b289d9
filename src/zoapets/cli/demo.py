"""`zoapets demo`: a whole installation out of the wheels, with hospitals in the middle of a working day."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import uvicorn
from cyclopts import Parameter, validators
from rich.table import Table

from zoapets.app import create_app
from zoapets.cli.folder import ACCESS_LOG, erase, keys
from zoapets.cli.output import DONE, FailureError, console, say
from zoapets.cli.serve import bound, run_alone, server_config
from zoapets.core.config import Settings
from zoapets.core.observability import configure_logging
from zoapets.core.owner.installation import UnreachableError
from zoapets.demo.installation import HOSPITALS, LOGINS, PASSWORD, PLATFORM_EMAIL, FailedError, prepare_demo
from zoapets.embedded import EmbeddedServers, FolderInUse, ServerStartError

HOST = "127.0.0.1"
POOL_SIZE = 10
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Size = Literal["demo", "bench"]


def demo(
    *,
    port: Annotated[int, Parameter(env_var="PORT", validator=validators.Number(gte=1, lte=65535))] = 3000,
    folder: Path = Path(".zoapets"),
    reset: Annotated[bool, Parameter(negative="")] = False,
    size: Annotated[Size, Parameter(env_var="SIZE")] = "demo",
) -> int:
    """Start everything on this machine, with hospitals to try: a PostgreSQL and a Valkey of its own, and the API.

    The first start makes the data; later ones find it again, with doses that are late, due and coming now. Ctrl-C (or
    SIGTERM) ends everything that was started. It listens on this machine alone.

    Args:
        port: Where the API listens.
        folder: Where the data is kept.
        reset: Remove the data of the folder, and start over.
        size: demo has two hospitals, aurora and horizonte; bench has one, bench, to measure with.
    """
    for number in STOPPING:
        signal.signal(number, _interrupt)
    try:
        return _run(port, folder.expanduser().resolve(), reset=reset, size=size)
    except KeyboardInterrupt:
        return DONE
    except (FolderInUse, ServerStartError) as error:
        raise FailureError(str(error), advice="Give it a folder of its own with --folder.") from error
    except (UnreachableError, FailedError) as error:
        raise FailureError(str(error), advice="Start over with --reset.") from error


def _interrupt(*_: object) -> NoReturn:
    """End, once: an impatient second Ctrl-C must not cut the end short, and leave a server behind."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(port: int, folder: Path, *, reset: bool, size: Size) -> int:
    # The port first: nobody wants to learn after the data was made that it is taken.
    with bound(HOST, port) as listener:
        said = _steps()
        if reset:
            erase(folder)
            said(f"removed the data in {folder}")
        with EmbeddedServers(folder) as servers:
            addresses = servers.start(said)
            owner_url = addresses.postgres.replace("/postgres?", "/zoapets?", 1)
            app_url = owner_url.replace("postgres@", "zoapets_app@", 1)
            emails = asyncio.run(prepare_demo(addresses.postgres, owner_url, app_url, size=size, said=said))
            secrets = keys(folder)
            settings = Settings(
                database_url=app_url,
                redis_url=addresses.valkey,
                jwt_secret=secrets.jwt_secret,
                jwt_refresh_secret=secrets.jwt_refresh_secret,
                storage_url=f"file://{folder / 'demo-files'}",
                environment="development",
                host=HOST,
                port=port,
                workers=1,
                pool_size=POOL_SIZE,
                log_level="warning",
                access_log=folder / ACCESS_LOG,
            )
            configure_logging(settings.log_level)
            config = server_config(create_app(settings), settings)
            code = run_alone(_Server(config, lambda: _welcome(port, folder, size, emails)), listener)
            said("ending")
            return code


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, up: Callable[[], None]) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up()


def _steps() -> Callable[[str], None]:
    """What is being done, a line each, with the seconds since the start."""
    started = time.monotonic()

    def said(line: str) -> None:
        say(f"{time.monotonic() - started:6.1f} s  {line}", style="dim")

    return said


def _welcome(port: int, folder: Path, size: Size, emails: set[str]) -> None:
    here = f"http://{HOST}:{port}"
    slugs = list(HOSPITALS[size])
    say("")
    say(f"Zoa Pets is up: {here}/docs", style="bold green")
    say("")
    say(f"Logins, all with the password {PASSWORD}:", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("role", *slugs):
        table.add_column(heading)
    for name, role in LOGINS.items():
        row = [f"{name}@{slug}.test" for slug in slugs]
        if emails.intersection(row):
            table.add_row(role, *row)
    table.add_row("Plataforma", PLATFORM_EMAIL)
    console().print(table)
    say("")
    say("Sign in as a nurse, see the panel, give the first pending dose:", style="bold")
    for line in curl_lines(here, f"enfermagem@{slugs[0]}.test"):
        say(line)
    say("")
    say(
        f"Ctrl-C ends it. The data stays in {folder}, each request in its access.log; --reset starts over.", style="dim"
    )


def curl_lines(here: str, email: str) -> list[str]:
    """Three lines for a shell that work as they stand, one after the other; they need curl and sed."""
    bearer = '-H "authorization: Bearer $TOKEN"'
    body = f'{{"email":"{email}","password":"{PASSWORD}"}}'
    token, dose = r's/.*"accessToken":"\([^"]*\)".*/\1/', r's/.*"pendentes":\[{"id":"\([^"]*\)".*/\1/'
    login = f"curl -s {here}/auth/login -H 'content-type: application/json' -d '{body}'"
    panel = f"curl -s {here}/administracoes/painel-enfermagem {bearer}"
    return [
        f"TOKEN=$({login} | sed '{token}')",
        panel,
        f"curl -s -X PATCH {here}/administracoes/$({panel} | sed '{dose}')/realizar {bearer}",
    ]
