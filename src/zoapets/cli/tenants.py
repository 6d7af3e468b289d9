"""`zoapets tenants`: the owner's side of hospitals."""

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from zoapets.cli.output import DONE, FAILED, FailureError, Json, complain, emit, progress, say, show_table
from zoapets.cli.owner import choose_password, hashed, owner, show_once
from zoapets.common.clock import Clock
from zoapets.core.owner.hospitals import Drift, HospitalRow, create, drifts, find, hospitals, set_status
from zoapets.core.owner.installation import MIGRATE
from zoapets.core.owner.migrations import TENANT, head
from zoapets.core.owner.provisioning import NewTenant
from zoapets.entities.shared import TenantStatus

# Of a hospital that differs, as many lines are shown.
LINES_SHOWN = 20
FromStdin = Annotated[bool, Parameter(negative="")]

app = App(name="tenants", help="Make, list, suspend, compare and copy hospitals. Needs DATABASE_OWNER_URL.")
app.command("zoapets.cli.backup:export_tenant", name="export", help="Write one hospital into one file, in use or not.")
app.command("zoapets.cli.backup:import_tenant", name="import", help="Make a new hospital out of an exported file.")
app.command("zoapets.cli.backup:verify_file", name="verify", help="Say what is in an exported file; needs no database.")


class Created(msgspec.Struct):
    """`senha` is there when it was made up: nobody can read it again."""

    hospital: HospitalRow
    admin_email: str
    senha: str | None


@app.command(name="create")
async def create_tenant(
    slug: str,
    *,
    nome: str,
    admin_email: str,
    admin_nome: str = "Administração",
    admin_senha: str | None = None,
    senha_stdin: FromStdin = False,
    fuso: str = "America/Sao_Paulo",
    cnpj: str | None = None,
    plano: str = "hospital",
    platform: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """Make a hospital, with its schema, its role, its settings and its first administrator; whole or not at all.

    Without --admin-senha and --senha-stdin the password is asked for; without a terminal it is made up, and shown once.

    Args:
        slug: Its short name, for logins and commands: lower case letters, digits and -.
        nome: Its name, as people write it.
        admin_email: The e-mail of the first administrator.
        admin_nome: The name of the first administrator.
        admin_senha: The administrator's password. Other users of this machine can see it: prefer --senha-stdin.
        senha_stdin: Read the password from the first line of standard input.
        fuso: The time zone of its wall clock.
        cnpj: Its CNPJ.
        plano: What it bought: essencial or hospital.
        platform: Make the tenant of those who run the installation, in place of a hospital; there is one.
        json: Print what was made as JSON, the password too when it was made up.
    """
    password = choose_password(admin_senha, stdin=senha_stdin)
    async with owner() as (connection, _, _):
        new = NewTenant(
            slug=slug,
            nome=nome,
            fuso=fuso,
            cnpj=cnpj,
            plano=plano,
            admin_nome=admin_nome,
            admin_email=admin_email,
            admin_senha_hash=await hashed(password.text),
            platform=platform,
        )
        made = await create(connection, new)
    email = admin_email.strip().lower()
    if json:
        emit(Created(made, email, password.text if password.made else None))
        return
    say(f"made {made.slug} ({made.nome}), id {made.id}, schema {made.schema_name}")
    say(f"administrator: {email}")
    show_once(password)


@app.command(name="list")
async def list_tenants(*, json: Json = False) -> None:
    """List every tenant, with its status and its newest migration.

    Args:
        json: Print the list as JSON.
    """
    async with owner() as (connection, _, _):
        rows = await hospitals(connection)
    if json:
        emit(rows)
        return
    newest = head(TENANT)
    show_table(
        ("slug", "nome", "tipo", "status", "revisao", "schema", "since"),
        [
            (
                row.slug,
                row.nome,
                row.tipo,
                row.status,
                f"{row.revisao}" if row.revisao == newest else f"{row.revisao} (newest: {newest})",
                row.schema_name,
                f"{row.created_at:%Y-%m-%d}",
            )
            for row in rows
        ],
    )
    if not rows:
        say("no hospitals yet: zoapets tenants create", stderr=True)


@app.command
async def suspend(slug: str, *, json: Json = False) -> None:
    """Keep everybody of a hospital out, within a second; its data stays as it is.

    Args:
        slug: The hospital's slug or id.
        json: Print the hospital as JSON.
    """
    await _set_status(slug, TenantStatus.SUSPENSO, json=json)


@app.command
async def resume(slug: str, *, json: Json = False) -> None:
    """Let the people of a suspended hospital in again.

    Args:
        slug: The hospital's slug or id.
        json: Print the hospital as JSON.
    """
    await _set_status(slug, TenantStatus.ATIVO, json=json)


@app.command
async def check(*, json: Json = False) -> int:
    """Prove that every hospital's schema is what this version's migrations make; name the lines that differ.

    Columns, constraints, indexes, triggers, functions and rights are compared with those of a new hospital, which is
    made for the moment and rolled back. Exits with 1 when a hospital differs.

    Args:
        json: Print the differences as JSON.
    """
    found: list[Drift] = []
    async with owner() as (connection, _, _):
        total = len(await hospitals(connection))
        with progress("Comparing hospitals", total, silent=json or not total) as bar:
            async for drift in drifts(connection):
                found.append(drift)
                bar.advance(bar.task_ids[0])
    differing = [drift for drift in found if not drift.is_equal]
    if json:
        emit({"compared": len(found), "differing": differing})
    else:
        say(f"{len(found) - len(differing)} of {len(found)} hospitals are what the migrations make")
        for drift in differing:
            _tell(drift)
    return FAILED if differing else DONE


async def _set_status(slug: str, status: TenantStatus, *, json: bool) -> None:
    async with owner() as (connection, _, _):
        hospital = await find(connection, slug)
        if not await set_status(connection, hospital, status, Clock().now()):
            raise FailureError(f"{hospital.slug} is {status} already")
        hospital = await find(connection, slug)
    if json:
        emit(hospital)
    else:
        say(f"{hospital.slug} is {hospital.status}")


def _tell(drift: Drift) -> None:
    behind = "" if drift.revisao == head(TENANT) else f"; it is at revision {drift.revisao}: {MIGRATE}"
    complain(f"{drift.slug} ({drift.schema}) differs{behind}")
    lines = [f"  - {line}" for line in drift.missing] + [f"  + {line}" for line in drift.extra]
    for line in lines[:LINES_SHOWN]:
        say(" ".join(line.split("\n")), stderr=True)
    if len(lines) > LINES_SHOWN:
        say(f"  and {len(lines) - LINES_SHOWN} more lines (--json shows all)", stderr=True)
