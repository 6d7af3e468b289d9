"""`zoapets audit`: the seals on the audit trails."""

import re
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from zoapets.cli.output import DONE, FAILED, MISUSED, FailureError, Json, complain, emit, progress, say
from zoapets.cli.owner import owner
from zoapets.core.owner import audit
from zoapets.core.owner.hospitals import HospitalRow, find, hospitals

# Of a trail that was tampered with, as many faults are shown.
FAULTS_SHOWN = 10
HASH = re.compile(r"[0-9a-f]{64}")

All = Annotated[bool, Parameter(name="--all", negative="", help="Every hospital.")]

app = App(name="audit", help="Seal audit trails, and verify that nobody changed them. Needs DATABASE_OWNER_URL.")


class Sealed(msgspec.Struct):
    """`left`: some rows wait for a transaction, here or in another hospital, to end."""

    slug: str
    rows: int
    left: bool


class Verified(msgspec.Struct):
    """One hospital; see `Verdict`."""

    slug: str
    intact: bool
    verdict: audit.Verdict


@app.command
async def seal(slug: str | None = None, *, every: All = False, restored: bool = False, json: Json = False) -> None:
    """Seal now what was written and is not sealed yet. `serve` does so by itself, within seconds.

    Args:
        slug: The hospital's slug or id.
        every: Every hospital.
        restored: Its rows came from another PostgreSQL, in a dump: verify them, and count in this one's transactions
            from now on. Only once, before it is served.
        json: Print what was sealed as JSON.
    """
    done: list[Sealed] = []
    async with owner() as (connection, _, _):
        for hospital in await _chosen(connection, slug, every=every):
            if restored:
                await audit.adopt(connection, hospital.schema_name)
            rows, left = await audit.seal(connection, hospital)
            done.append(Sealed(hospital.slug, rows, left))
            if not json:
                say(f"{hospital.slug}: {rows:,} rows sealed" + ("; some wait for others to end" if left else ""))
    if json:
        emit(done)


@app.command
async def verify(slug: str | None = None, *, every: All = False, head: str | None = None, json: Json = False) -> int:
    """Prove that the audit trail is what was sealed; or name the first row that is not.

    Every row is read and hashed anew, and the chain of seals is followed from its beginning. Whoever owns the database
    can make a new chain over what they changed: note the head that is printed somewhere else, and give it to --head
    the next time. Exits with 1 when a trail is not what was sealed.

    Args:
        slug: The hospital's slug or id.
        every: Every hospital.
        head: The head of an earlier verification of this hospital, 64 hexadecimal digits.
        json: Print what was found as JSON.
    """
    if head is not None and (every or not HASH.fullmatch(head := head.strip().lower())):
        raise FailureError("--head must be one hospital's, 64 hexadecimal digits", code=MISUSED)
    found: list[Verified] = []
    async with owner() as (connection, _, _):
        chosen = await _chosen(connection, slug, every=every)
        total = sum([await audit.count(connection, hospital.schema_name) for hospital in chosen])
        with progress("Verifying rows", total, silent=json or not total) as bar:
            for hospital in chosen:
                verdict = await audit.verify(
                    connection, hospital.schema_name, head=head, done=lambda rows: bar.advance(bar.task_ids[0], rows)
                )
                found.append(Verified(hospital.slug, not verdict.faults, verdict))
    if json:
        emit(found)
    else:
        for each in found:
            _tell(each.slug, each.verdict)
    return DONE if all(each.intact for each in found) else FAILED


async def _chosen(connection: Any, slug: str | None, *, every: bool) -> list[HospitalRow]:
    if every == (slug is not None):
        raise FailureError("name a hospital, or say --all", code=MISUSED)
    return await hospitals(connection) if slug is None else [await find(connection, slug)]


def _tell(slug: str, verdict: audit.Verdict) -> None:
    since = f", the oldest since {verdict.unsealed_since}" if verdict.unsealed_since else ""
    sealed = f"{verdict.rows:,} rows in {verdict.seals:,} seals, head {verdict.head}"
    rest = f"{verdict.unsealed:,} rows not sealed yet{since}"
    if not verdict.faults:
        say(f"{slug}: intact, {sealed}, {rest}")
        return
    first, *others = verdict.faults
    complain(f"{slug}: not what was sealed: {audit.told(first)}")
    for fault in others[: FAULTS_SHOWN - 1]:
        say(f"  then {audit.told(fault)}", stderr=True)
    if verdict.faults_found > FAULTS_SHOWN:
        say(
            f"  and {verdict.faults_found - FAULTS_SHOWN:,} more (--json shows the first {len(verdict.faults)})",
            stderr=True,
        )
    say(f"{slug}: {sealed}, {rest}", stderr=True)
