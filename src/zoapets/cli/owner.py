"""What the owner's commands share: the connection, and passwords that are chosen for others."""

import getpass
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from zoapets.cli.output import MISUSED, FailureError, say
from zoapets.core.auth.passwords import LONGEST, SHORTEST, Passwords
from zoapets.core.config import Need, Settings, from_environment
from zoapets.core.database import prepare
from zoapets.core.owner.hospitals import RefusedError
from zoapets.core.owner.installation import MIGRATE, UnreachableError, connected
from zoapets.core.owner.migrations import UnknownRevisionError
from zoapets.core.owner.provisioning import UnfitServerError


class Owner(NamedTuple):
    """The owner's connection, and where it came from."""

    connection: Any
    url: str
    settings: Settings


@asynccontextmanager
async def owner() -> AsyncIterator[Owner]:
    """The owner's connection of DATABASE_OWNER_URL. What the block cannot do ends the command with the reason."""
    settings = from_environment(needs={Need.OWNER})
    url = settings.owner_url or ""
    try:
        async with connected(url, "DATABASE_OWNER_URL") as connection:
            # In a hospital, as the owners' role, types can no longer be looked up.
            await prepare(connection)
            yield Owner(connection, url, settings)
    except RefusedError as error:
        raise FailureError(*error.reasons) from error
    except (UnreachableError, UnfitServerError, UnknownRevisionError) as error:
        raise FailureError(str(error)) from error
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise FailureError(f"the database is not prepared: {error}", advice=MIGRATE.capitalize() + ".") from error
    except asyncpg.InsufficientPrivilegeError as error:
        advice = "DATABASE_OWNER_URL must be a superuser's of this PostgreSQL."
        raise FailureError(f"{error}", advice=advice) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise FailureError(f"{type(error).__name__}: {error}") from error


class Password(NamedTuple):
    """`text` is to be shown once when it was `made` here."""

    text: str
    made: bool


def choose_password(given: str | None, *, stdin: bool) -> Password:
    """The password given, or read: from standard input, from the terminal without echo, else made up.

    Raises:
        FailureError: it is too short or too long, or the two that were typed differ.
    """
    if given is not None and stdin:
        raise FailureError("give the password as an option or on standard input, not both", code=MISUSED)
    if given is None and stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    elif given is None and sys.stdin.isatty():
        given = getpass.getpass("Password (empty: one is made up): ") or None
        if given is not None and getpass.getpass("Again: ") != given:
            raise FailureError("the two passwords differ", code=MISUSED)
    if given is None:
        return Password(secrets.token_urlsafe(12), made=True)
    if not SHORTEST <= len(given) <= LONGEST or not given.strip():
        raise FailureError(f"the password must have {SHORTEST} to {LONGEST} characters", code=MISUSED)
    return Password(given, made=False)


async def hashed(password: str) -> str:
    """As the application hashes it."""
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def show_once(password: Password) -> None:
    """A password that nobody chose must be told to somebody."""
    if password.made:
        say(f"password: {password.text}    (shown once; change it after the first login)")
