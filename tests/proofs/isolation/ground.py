"""An installation of many hospitals, each of whose rows says whose it is."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import redis.asyncio as redis

from tests.cast import PASSWORD_HASH, Hospital, Person, Stage
from tests.conftest import POSTGRES, VALKEY
from tests.proofs.isolation import rows, stamp
from zoapets.core.owner.provisioning import NewTenant, provision
from zoapets.core.permissions import ADMINISTRADOR

FEWEST_ROWS = 3
# Of Valkey's 16; other tests use the first.
VALKEY_DATABASES = range(8, 16)

_LINK = """
insert into {s}.user_roles (user_id, role_id) select $1, id from {s}.roles where nome = $2
"""
_UNSTAMPED_IDS = """
select id::text from {s}.users where nome = $1 union all select id::text from {s}.roles where sistema
"""


@dataclass(eq=False)
class Stamped:
    """A hospital, its number, and how many rows each of its tables has."""

    number: int
    hospital: Hospital
    person: Person
    # The rows of each table as they were made.
    made: dict[str, int]
    # Ids that were given to it when it was made: they carry no stamp.
    other_ids: list[str]
    marks: stamp.Marks = field(init=False)
    # As they were counted last.
    totals: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.marks = stamp.marks(self.number)
        self.totals = self.made

    @property
    def schema(self) -> str:
        return self.hospital.schema

    @property
    def rows(self) -> int:
        """How many there are of each kind."""
        return rows_of(self.number)

    def row_id(self, table: str, n: int) -> str:
        return rows.row_id(self.number, table, n)


@dataclass
class Ground:
    """The installation, and its hospitals."""

    stage: Stage
    hospitals: list[Stamped]

    async def count(self) -> None:
        """What the tables hold now: other tests have left something in them."""
        for hospital in self.hospitals:
            hospital.totals = await _totals(self.stage.owner, hospital.schema)


def rows_of(number: int) -> int:
    """No two hospitals have as many of anything: a count says whose it is."""
    return FEWEST_ROWS + number


@asynccontextmanager
async def installation(name: str, hospitals: int, **changed: Any) -> AsyncIterator[Ground]:
    """Databases of its own with so many stamped hospitals; they are gone afterwards, their roles with the server."""
    server = os.environ[POSTGRES]
    admin = await asyncpg.connect(server)
    await admin.execute(f"drop database if exists {name} with (force)")
    await admin.execute(f"create database {name}")
    url = server.replace("/postgres?", f"/{name}?")
    folder = tempfile.TemporaryDirectory(prefix="zt-", ignore_cleanup_errors=True)
    stage = await Stage.open(url, valkey_url(name), storage_url=f"file://{folder.name}", **changed)
    stage.clock.offset = noon_of(stage.now) - stage.now
    try:
        yield Ground(stage, await _make(stage, url, hospitals))
    finally:
        await stage.close()
        folder.cleanup()
        # The next one of this name is another one: nothing of this one's may be found there.
        async with redis.Redis.from_url(valkey_url(name)) as valkey:
            await valkey.flushdb()
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


def valkey_url(name: str) -> str:
    """A database of Valkey's for this installation alone: two for each worker."""
    worker = int(name.rpartition("gw")[2]) if "gw" in name else 0
    database = VALKEY_DATABASES[(2 * worker + ("many" in name)) % len(VALKEY_DATABASES)]
    return f"{os.environ[VALKEY].partition('?')[0]}?db={database}"


def noon_of(now: datetime) -> datetime:
    """In São Paulo: midnight is far from every dose."""
    return now.replace(hour=15, minute=0, second=0, microsecond=0)


async def _make(stage: Stage, url: str, hospitals: int) -> list[Stamped]:
    numbers = iter(range(1, hospitals + 1))
    made: list[Stamped] = []

    async def work() -> None:
        connection = await asyncpg.connect(url)
        made.extend([await _hospital(stage, connection, number) for number in numbers])
        await connection.close()

    await asyncio.gather(*(work() for _ in range(os.cpu_count() or 1)))
    await stage.owner.execute("analyze")
    return sorted(made, key=lambda one: one.number)


async def _hospital(stage: Stage, connection: Any, number: int) -> Stamped:
    stamped = stamp.text(number)
    new = NewTenant(
        slug=stamped,
        nome=f"Hospital {stamped}",
        cnpj=stamped,
        admin_nome=f"{stamped} administração",
        admin_email=f"admin@{stamped}.test",
        admin_senha_hash=PASSWORD_HASH,
    )
    tenant_id = await provision(connection, new)
    schema: str = await connection.fetchval("select schema_name from public.tenants where id = $1", tenant_id)
    await connection.execute(rows.fill(schema, number, rows_of(number), stage.now.isoformat()))
    user = UUID(rows.row_id(number, "users", 1))
    await connection.execute(_LINK.format(s=schema), user, ADMINISTRADOR)
    token = stage.runtime.tokens.access(
        user_id=user,
        email=f"{stamped} users.email 1",
        roles=(ADMINISTRADOR,),
        tenant_id=tenant_id,
        sessao_id=UUID(rows.row_id(number, "sessoes", 1)),
        now=stage.now - timedelta(days=1),
    )
    unstamped = await connection.fetch(_UNSTAMPED_IDS.format(s=schema), new.admin_nome)
    return Stamped(
        number,
        Hospital(stage, tenant_id, stamped, schema),
        Person(stage, user, "", token),
        await _totals(connection, schema),
        [str(tenant_id), *(row[0] for row in unstamped)],
    )


async def _totals(connection: Any, schema: str) -> dict[str, int]:
    counts = " union all ".join(f"select '{name}', count(*) from {schema}.{name}" for name in rows.TABLES)  # noqa: S608 - names of ours
    return dict(await connection.fetch(counts))
