"""The demo's installation: its database, its hospitals, and a working day that is always today's."""

from collections.abc import Callable
from typing import Any

from zoapets.common.clock import Clock
from zoapets.core.auth.passwords import Passwords
from zoapets.core.owner.hospitals import HospitalRow, create, hospitals
from zoapets.core.owner.installation import connected
from zoapets.core.owner.migrations import migrate_all
from zoapets.core.owner.provisioning import PLATFORM_SLUG, NewTenant, prepare_installation
from zoapets.core.permissions import ADMINISTRADOR
from zoapets.demo import people
from zoapets.demo.fill import fill_hospital, is_filled, refresh

PASSWORD = "zoapets123"  # noqa: S105 - the demo's, printed for everybody to use
PLATFORM_EMAIL = "plataforma@zoapets.test"
HOSPITALS = {
    "demo": {"aurora": "Hospital Veterinário Aurora", "horizonte": "Hospital Veterinário Horizonte"},
    "bench": {"bench": "Hospital Veterinário Bench"},
}
# Who can sign in: the e-mail's first part, and the role.
LOGINS = {"admin": ADMINISTRADOR, **people.LOGINS}


class FailedError(Exception):
    """A hospital of the demo could not be brought up to date."""


async def prepare_demo(
    server_url: str, owner_url: str, app_url: str, *, size: str, said: Callable[[str], None]
) -> set[str]:
    """Make what is missing, migrate what is behind, and move what is of yesterday; `said` hears of each step.

    Args:
        server_url: an owner's, to a database that is there.
        owner_url: the same owner's, to the demo's database `zoapets`.
        app_url: the serving role's.
        size: a key of HOSPITALS.
        said: receives lines for people.

    Returns:
        The e-mails of LOGINS that there are in these hospitals.

    Raises:
        FailedError: a hospital could not be migrated.
    """
    async with connected(server_url, "the demo's PostgreSQL") as connection:
        if not await connection.fetchval("select true from pg_database where datname = 'zoapets'"):
            await connection.execute("create database zoapets")
    async with connected(owner_url, "the demo's PostgreSQL") as connection:
        await prepare_installation(connection, app_url)
        await _migrate(connection, owner_url)
        there = {hospital.slug: hospital for hospital in await hospitals(connection)}
        password_hash = await _hash()
        for slug, nome in HOSPITALS[size].items():
            hospital = there.get(slug) or await create(connection, _new(slug, nome, password_hash))
            await _fill(connection, hospital, size, password_hash, said)
        if PLATFORM_SLUG not in there:
            await create(connection, _new(PLATFORM_SLUG, "Plataforma Zoa Pets", password_hash))
        emails = [f"{login}@{slug}.test" for slug in HOSPITALS[size] for login in LOGINS]
        found = await connection.fetch("select email from public.email_directory where email = any($1)", emails)
        return {row["email"] for row in found}


def _new(slug: str, nome: str, password_hash: str) -> NewTenant:
    platform = slug == PLATFORM_SLUG
    return NewTenant(
        slug=slug,
        nome=nome,
        admin_nome="Plataforma" if platform else "Administração",
        admin_email=PLATFORM_EMAIL if platform else f"admin@{slug}.test",
        admin_senha_hash=password_hash,
        platform=platform,
    )


async def _hash() -> str:
    passwords = Passwords()
    try:
        return await passwords.hash(PASSWORD)
    finally:
        passwords.close()


async def _migrate(connection: Any, owner_url: str) -> None:
    schemas = {hospital.schema_name: hospital.slug for hospital in await hospitals(connection)}
    outcomes = await migrate_all(owner_url, schemas, lambda _: None)
    if faults := [f"{schemas[each.schema]}: {each.error}" for each in outcomes if each.error]:
        raise FailedError("; ".join(faults))


async def _fill(
    connection: Any, hospital: HospitalRow, size: str, password_hash: str, said: Callable[[str], None]
) -> None:
    """All that happens in a hospital, whole or not at all: a start that was cut off is made good by the next."""
    now = Clock().now()

    def step(line: str) -> None:
        said(f"{hospital.slug}: {line}")

    if await is_filled(connection, hospital.schema_name):
        if await refresh(connection, hospital.schema_name, now=now):
            step("moved to the present")
        return
    await fill_hospital(
        connection,
        hospital.schema_name,
        hospital.slug,
        size=size,
        now=now,
        password_hash=password_hash,
        step=step,
    )
