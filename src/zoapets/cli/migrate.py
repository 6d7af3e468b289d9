"""`zoapets migrate`: the database and every hospital, as this version needs them."""

from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec
from cyclopts import Parameter, validators

from zoapets.cli.output import DONE, FAILED, MISUSED, FailureError, Json, complain, emit, progress, say
from zoapets.cli.owner import owner
from zoapets.core.owner.hospitals import hospitals
from zoapets.core.owner.migrations import AT_ONCE, SHARED, Outcome, current, head, migrate_all
from zoapets.core.owner.provisioning import prepare_installation
from zoapets.core.tenancy import APP_ROLE


class Migrated(msgspec.Struct):
    """One hospital: revisions before and after; null where it could not be told."""

    slug: str
    schema: str
    before: str | None
    after: str | None
    error: str


class Report(msgspec.Struct):
    """`public` is the registry that all hospitals share."""

    public_before: str | None
    public_after: str
    hospitals: list[Migrated]
    failed: int


async def migrate(
    *,
    at_once: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=16))] = AT_ONCE,
    json: Json = False,
) -> int:
    """Prepare the database, and bring every hospital up to date.

    Makes the roles, rights and extensions, takes from PUBLIC what would break the isolation between hospitals, and
    gives the role zoapets_app the password of DATABASE_URL. Then every hospital is migrated in a transaction of its
    own. A run that was cut off, or in which a hospital failed, is finished by running it again.

    Needs DATABASE_URL (or DATABASE_HOST, ...) and DATABASE_OWNER_URL. Exits with 1 when a hospital failed.

    Args:
        at_once: Hospitals that are migrated at the same time.
        json: Print the report as JSON.
    """
    async with owner() as (connection, url, settings):
        user = unquote(urlsplit(settings.database_url).username or "")
        if user != APP_ROLE:
            raise FailureError(
                f"DATABASE_URL (or DATABASE_USER) is for {user!r}: it must be for {APP_ROLE}, which this command makes",
                code=MISUSED,
            )
        before = await current(connection, "public")
        await prepare_installation(connection, settings.database_url)
        slugs = {hospital.schema_name: hospital.slug for hospital in await hospitals(connection)}
        with progress("Migrating hospitals", len(slugs), silent=json or not slugs) as bar:

            def done(outcome: Outcome) -> None:
                bar.advance(bar.task_ids[0])
                if outcome.error and not json:
                    complain(f"{slugs[outcome.schema]} ({outcome.schema}): {outcome.error}")

            outcomes = await migrate_all(url, slugs, done, at_once=at_once)
    rows = [Migrated(slugs[each.schema], each.schema, each.before, each.after, each.error) for each in outcomes]
    failed = [row for row in rows if row.error]
    if json:
        emit(Report(before, head(SHARED), sorted(rows, key=lambda row: row.slug), len(failed)))
    else:
        _tell(rows, failed, public=(before, head(SHARED)))
    return FAILED if failed else DONE


def _tell(rows: list[Migrated], failed: list[Migrated], *, public: tuple[str | None, str]) -> None:
    before, after = public
    say(f"public: {after}" if before == after else f"public: {before or 'nothing'} -> {after}")
    changed = sum(not row.error and row.before != row.after for row in rows)
    say(f"hospitals: {changed} migrated, {len(rows) - changed - len(failed)} up to date, {len(failed)} failed")
    if failed:
        complain(
            f"not migrated: {', '.join(row.slug for row in failed)}",
            advice="They are as they were. Run zoapets migrate again: it continues with those that are behind.",
        )
