"""`make migration NAME=add_x`: write the migration that the entities ask for, as far as Alembic sees it.

A real PostgreSQL is started for the moment, migrated, and given one hospital; Alembic compares it with the entities.
What it cannot write (the text of a CHECK, a default, a computed column, an EXCLUDE) is named, to be written by hand.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import CreateTableOp, UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from zoapets.core.owner.catalog import catalog
from zoapets.core.owner.migrations import SHARED, TENANT, TREES
from zoapets.core.owner.provisioning import NewTenant, prepare_installation, provision
from zoapets.embedded import EmbeddedServers
from zoapets.entities import Entity, SharedEntity

T = TypeVar("T")

PUBLIC = "public"
DRAFT = "tenant_draft"
# Of a catalogue, what the entities say; rights, triggers and functions are the migrations' own.
DECLARED = frozenset({"column", "constraint", "index"})
# Alembic only warns of defaults and computed columns: `differences` compares them as PostgreSQL writes them.
PLUGINS = ["alembic.autogenerate.*", "~alembic.autogenerate.defaults", "alembic.ext.checkconstraint_byname"]


def declared(schema: str) -> MetaData:
    """A copy of what the entities say of `schema`: Alembic leaves its own marks on what it compares."""
    entities = SharedEntity.metadata if schema == PUBLIC else Entity.metadata
    copy = MetaData(naming_convention=entities.naming_convention, schema=entities.schema)
    for table in entities.sorted_tables:
        table.to_metadata(copy)
    return copy


async def differences(url: str, schema: str, metadata: MetaData | None = None) -> list[str]:
    """What a migrated schema has otherwise than the entities (or `metadata`): lines with + are to be added.

    The entities are created in a draft schema, which is rolled back: both sides are compared as PostgreSQL writes them.

    Args:
        url: an owner's; `schema` is migrated already.
        schema: a hospital's, or `public`.
        metadata: in place of the entities'.
    """
    tables = (metadata or declared(schema)).sorted_tables
    connection = await asyncpg.connect(url)
    draft = connection.transaction()
    await draft.start()
    try:
        await connection.execute(f"create schema {DRAFT}; set local search_path = {DRAFT};")
        await connection.execute(";\n".join(_ddl(tables)))
        # What is in the search_path is written without its schema, and the draft's name would not be taken out.
        await connection.execute("set local search_path = pg_catalog")
        wanted = {line async for line in _lines(connection, DRAFT)}
        found = {line async for line in _lines(connection, schema)}
    finally:
        await draft.rollback()
        await connection.close()
    return sorted([f"+ {line}" for line in wanted - found] + [f"- {line}" for line in found - wanted])


async def operations(url: str, schema: str, metadata: MetaData | None = None) -> UpgradeOps:
    """What Alembic would do to a migrated schema to make it what the entities (or `metadata`) say. As `differences`."""

    def produce(connection: Connection) -> UpgradeOps:
        script = produce_migrations(_context(connection, schema), metadata or declared(schema))
        return script.upgrade_ops or UpgradeOps()

    return await _inspected(url, schema, produce)


def code(upgrade: UpgradeOps, schema: str) -> str:
    """The body of `upgrade()`; a hospital's new table gets its rights and audit triggers."""
    # The first and the last line are Alembic's remarks, which say nothing to who reads the file later.
    lines = [line.removeprefix("    ") for line in render_python_code(upgrade).splitlines()[1:-1]]
    for made in upgrade.ops:
        if isinstance(made, CreateTableOp) and schema != PUBLIC:
            name = made.table_name
            lines += [f'op.execute(ddl.granted("{name}"))', f'for trigger in ddl.audited("{name}"):']
            lines += ["    op.execute(trigger)"]
    return "\n    ".join(lines)


def write(tree: Path, name: str, body: str) -> Path:
    """The next migration of a tree, with its unused imports gone."""
    scripts = ScriptDirectory(tree, file_template="%(rev)s", messaging_opts={"quiet": True})
    number = f"{int(scripts.get_current_head() or 0) + 1:04d}"
    scripts.generate_revision(number, name.replace("_", " ").capitalize(), upgrades=body)
    path = (tree / "versions" / f"{number}.py").rename(tree / "versions" / f"{number}_{name}.py")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--fix", "--select", "F401,I001", path], check=True)  # noqa: S603 - ours
    subprocess.run([*ruff, "format", "--quiet", path], check=True)  # noqa: S603 - as above
    return path


async def migrate(url: str, name: str) -> list[str]:
    """Write what the trees need; what was done, and what is left to do by hand, in lines for people."""
    owner = await asyncpg.connect(url)
    await prepare_installation(owner, url)
    new = NewTenant(
        slug="draft", nome="Draft", admin_nome="Draft", admin_email="draft@draft.test", admin_senha_hash="-"
    )
    tenant_id = await provision(owner, new)
    hospital = await owner.fetchval("select schema_name from public.tenants where id = $1", tenant_id)
    await owner.close()
    said = []
    for tree, schema in ((SHARED, PUBLIC), (TENANT, hospital)):
        upgrade, lines = await operations(url, schema), await differences(url, schema)
        if not upgrade.is_empty():
            path = write(TREES / tree, name, code(upgrade, schema))
            said.append(
                f"{tree}: wrote {path.name}. Read it: it must say all of the following, and what rights it needs."
            )
        elif lines:
            said.append(f"{tree}: Alembic sees nothing to write, but this differs; write it by hand.")
        else:
            said.append(f"{tree}: the entities and the migrations agree.")
        said += [f"  {line}" for line in lines]
    return said


def _ddl(tables: list[Any]) -> list[str]:
    """CREATE statements, with `public` left out of every name so that they land in the search_path."""
    parts: list[ExecutableDDLElement] = []
    for table in tables:
        parts += [CreateTable(table), *map(CreateIndex, table.indexes)]
    postgresql = dialect()  # type: ignore[no-untyped-call]
    return [str(part.compile(dialect=postgresql)).replace(f"{PUBLIC}.", "") for part in parts]


async def _lines(connection: Any, schema: str) -> AsyncIterator[str]:
    for line in await catalog(connection, schema):
        if line.kind in DECLARED and "alembic_version" not in line.text:
            yield f"{line.kind} {line.text}"


async def _inspected(url: str, schema: str, look: Callable[[Connection], T]) -> T:
    # The first schema of the search_path is the one whose tables Alembic sees without a schema's name.
    first = "pg_catalog" if schema == PUBLIC else schema

    async def connect(*_: Any, **__: Any) -> Any:
        return await asyncpg.connect(url, server_settings={"search_path": first})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


def _context(connection: Connection, schema: str) -> MigrationContext:
    def include_name(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name == (PUBLIC if schema == PUBLIC else None)

    return MigrationContext.configure(
        connection,
        opts={
            "autogenerate_plugins": PLUGINS,
            "compare_type": True,
            "compare_server_default": False,
            "include_name": include_name,
            "include_schemas": schema == PUBLIC,
            "version_table_schema": PUBLIC if schema == PUBLIC else None,
        },
    )


def main(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,60}", name):
        sys.exit("make migration NAME=add_x: lower case letters, digits and _, from 3 to 61.")
    with tempfile.TemporaryDirectory(prefix="zm-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # run by root, the servers are `nobody`'s
        with EmbeddedServers(Path(folder) / "servers", fast=True) as servers:
            lines = asyncio.run(migrate(servers.start().postgres, name))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")  # noqa: PLR2004 - the script and its name for the migration
