"""`zoapets doctor`: every part of an installation, a line each, and what to do about it."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

from rich.text import Text

from zoapets.cli.output import DONE, FAILED, Json, console, emit
from zoapets.core.cache import Cache
from zoapets.core.config import SERVING, ConfigError, Need, Settings, from_environment
from zoapets.core.observability import Metrics
from zoapets.core.owner import installation
from zoapets.core.owner.installation import Check, Level, UnreachableError, connected
from zoapets.core.storage import Storage

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


async def doctor(*, json: Json = False) -> int:
    """Check the installation: a line for each part, ok, warn or fail, and what to do.

    Configuration, database (version, durability, roles, rights, isolation between hospitals, migrations, clock,
    connections), Valkey and file store. Give it the environment of `serve`, and DATABASE_OWNER_URL. It changes
    nothing but a small file, which it writes to the file store and removes. Exits with 1 when something fails.

    Args:
        json: Print the checks as JSON.
    """
    checks: list[Check] = []
    async for check in _checks():
        checks.append(check)
        if not json:
            _show(check)
    if json:
        emit({"ok": all(check.level is not Level.FAIL for check in checks), "checks": checks})
    return FAILED if any(check.level is Level.FAIL for check in checks) else DONE


async def _checks() -> AsyncIterator[Check]:
    try:
        from_environment(needs={*SERVING, Need.OWNER})
    except ConfigError as error:
        for fault in error.errors:
            yield Check("configuration", Level.FAIL, fault, "see .env.example")
    else:
        yield Check("configuration", Level.OK, "every variable is fit")
    # Each group by itself: one that is unfit must not hide what can be said of the others.
    if (settings := _readable(Need.OWNER) or _readable()) is not None:
        if (server := _readable(Need.SERVER)) is not None:
            settings = replace(settings, workers=server.workers, pool_size=server.pool_size)
        async for check in _database(settings):
            yield check
    if (services := _readable(Need.SERVICES, DATABASE_URL="postgresql://not-asked-for")) is not None:
        yield await _valkey(services)
        yield await _storage(services)


def _readable(*needs: Need, **instead: str) -> Settings | None:
    try:
        return from_environment({**os.environ, **instead}, needs)
    except ConfigError:
        return None


async def _database(settings: Settings) -> AsyncIterator[Check]:
    try:
        async with connected(settings.database_url, "DATABASE_URL") as connection:
            where = installation.place(settings.database_url)
            yield Check("database", Level.OK, f"DATABASE_URL reaches {where}")
            yield await installation.login(connection)
    except UnreachableError as error:
        advice = "is PostgreSQL running, and is the address right? If the role is missing, run: zoapets migrate"
        yield Check("database", Level.FAIL, str(error), advice)
    if settings.owner_url is None:
        return
    try:
        async with connected(settings.owner_url, "DATABASE_OWNER_URL") as connection:
            yield Check("owner", Level.OK, f"DATABASE_OWNER_URL reaches {installation.place(settings.owner_url)}")
            async for check in installation.asked(connection, installation.OWNING):
                yield check
            yield await installation.connections(connection, needed=settings.workers * settings.pool_size)
    except UnreachableError as error:
        yield Check("owner", Level.FAIL, str(error), "is PostgreSQL running, and are the address and password right?")


async def _valkey(settings: Settings) -> Check:
    if settings.redis_url is None:
        advice = "set REDIS_HOST or REDIS_URL when there is more than one process"
        return Check("valkey", Level.WARN, "not configured: rate limits are counted by each process alone", advice)
    cache = Cache(settings.redis_url, Metrics())
    try:
        answers = await cache.ping()
    finally:
        await cache.close()
    where = installation.place(settings.redis_url)
    if answers:
        return Check("valkey", Level.OK, f"{where} answers")
    return Check("valkey", Level.FAIL, f"{where} does not answer", "is it running, and is the address right?")


async def _storage(settings: Settings) -> Check:
    fault = await Storage(settings).check()
    if fault is None:
        return Check("storage", Level.OK, f"{settings.storage_url}: a file was written, read and removed")
    advice = "check STORAGE_URL or MINIO_*: the rights on the folder, or the bucket and its keys"
    return Check("storage", Level.FAIL, f"{settings.storage_url}: {fault}", advice)


def _show(check: Check) -> None:
    line = Text.assemble((f"{check.level:<4}", STYLES[check.level]), f"  {check.name:<13}  {check.detail}")
    if check.advice and check.level is not Level.OK:
        line.append(f"\n      {'':<13}  -> {check.advice}", "bold")
    console().print(line, soft_wrap=True)
