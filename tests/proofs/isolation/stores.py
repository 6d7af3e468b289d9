"""Where something of hospitals is kept: one class for each such place.

A room that keeps its rows in tables, its limits in Valkey or its files in the file store is under proof unasked. What
is kept elsewhere (a queue of jobs, an index to search in) gets a class here; until it has one, `Shared`, or the test
that looks for an address without a store, fails.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar

import redis.asyncio as redis

from tests.proofs.isolation import stamp
from tests.proofs.isolation.ground import Ground
from tests.proofs.isolation.rows import UNSTAMPED
from zoapets.entities import SharedEntity

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Every table that is not PostgreSQL's own, and which of its columns hold bytes.
TABLES = """
select n.nspname, c.relname,
  coalesce(array_agg(a.attname::text) filter (where a.atttypid = 'bytea'::regtype), '{}') as bytes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$)' group by 1, 2 order by 1, 2
"""


class Store(ABC):
    """A place, and how to look through it. `setting` is the address in the settings that leads to it."""

    setting: ClassVar[str]

    @abstractmethod
    async def look(self, ground: Ground) -> list[str]:
        """What it holds where it must not be; empty when all is well."""

    @abstractmethod
    def planted(self, ground: Ground) -> AbstractAsyncContextManager[list[str]]:
        """While it lasts, something is where it must not be: in these places, which `look` must then name."""


class Tables(Store):
    """The hospital's own: records, events, the audit, answers to repeated requests."""

    setting = "database_url"

    async def look(self, ground: Ground) -> list[str]:
        hospitals = {hospital.schema: hospital for hospital in ground.hospitals}
        found = []
        for schema, table, in_bytes in await ground.stage.owner.fetch(TABLES):
            if (hospital := hospitals.get(schema)) is not None:
                pattern = stamp.foreign_to(hospital.number)
                count = await ground.stage.owner.fetchval(_matching(schema, table, in_bytes), pattern)
                found += [f"{schema}.{table}"] if count else []
        return found

    @asynccontextmanager
    async def planted(self, ground: Ground) -> AsyncIterator[list[str]]:
        into, of = ground.hospitals[0], ground.hospitals[-1]
        tables = sorted(into.totals.keys() - UNSTAMPED)
        async with _rolled_back(ground.stage.owner):
            # The other hospital's rows, as they are: no trigger and no foreign key looks at them.
            await ground.stage.owner.execute("set local session_replication_role = replica")
            for table in tables:
                columns = await ground.stage.owner.fetchval(_COLUMNS, of.schema, table)
                await ground.stage.owner.execute(
                    f"insert into {into.schema}.{table} ({columns}) overriding system value"  # noqa: S608 - names of ours
                    f" select {columns} from {of.schema}.{table} on conflict do nothing"
                )
            yield [f"{into.schema}.{table}" for table in tables]


class Shared(Store):
    """What all hospitals have in common. Of theirs, it holds what stands in `DIRECTORY` alone."""

    setting = "database_url"
    # Who they are, and where an e-mail belongs; what a hospital writes is nowhere here.
    DIRECTORY = frozenset({"email_directory.email", "tenants.cnpj", "tenants.nome", "tenants.slug"})

    async def look(self, ground: Ground) -> list[str]:
        schemas = {hospital.schema for hospital in ground.hospitals}
        found = []
        for schema, table, in_bytes in await ground.stage.owner.fetch(TABLES):
            if schema not in schemas:
                hidden = [name.partition(".")[2] for name in self.DIRECTORY if name.startswith(f"{table}.")]
                statement = _matching(schema, table, in_bytes, hidden)
                count = await ground.stage.owner.fetchval(statement, r"stamp\d{6}|\mca\d{6}-")
                found += [f"{schema}.{table}"] if count else []
        return found

    @asynccontextmanager
    async def planted(self, ground: Ground) -> AsyncIterator[list[str]]:
        async with _rolled_back(ground.stage.owner):
            await ground.stage.owner.execute("create table public.jobs (dados bytea)")
            await ground.stage.owner.execute("insert into public.jobs values ($1)", stamp.text(1).encode())
            flag = "insert into public.feature_flags select id, $1 from public.tenants limit 1"
            await ground.stage.owner.execute(flag, stamp.text(1))
            yield ["public.feature_flags", "public.jobs"]

    @classmethod
    def stale(cls) -> set[str]:
        """What `DIRECTORY` names and no table has."""
        tables = SharedEntity.metadata.tables.values()
        return set(cls.DIRECTORY - {f"{table.name}.{column.name}" for table in tables for column in table.columns})


class Cache(Store):
    """Valkey. Every key names one hospital, and its value says nothing of another.

    A key may repeat what somebody has asked for, in vain, of another's.
    """

    setting = "redis_url"

    async def look(self, ground: Ground) -> list[str]:
        owners = {str(hospital.hospital.id): hospital for hospital in ground.hospitals}
        found = []
        async with self._client(ground) as client:
            async for key in client.scan_iter(count=1000):
                named = {owners[found_id] for found_id in _UUID.findall(key.decode()) if found_id in owners}
                told = set(stamp.MARK.findall(await self._value(client, key)))
                if len(named) != 1 or told - named.pop().marks:
                    found.append(key.decode())
        return found

    async def keys(self, ground: Ground) -> int:
        async with self._client(ground) as client:
            return int(await client.dbsize())

    async def forget(self, ground: Ground, keys: str) -> None:
        """Whatever a pattern matches."""
        async with self._client(ground) as client:
            async for key in client.scan_iter(keys):
                await client.delete(key)

    @asynccontextmanager
    async def planted(self, ground: Ground) -> AsyncIterator[list[str]]:
        own, other = ground.hospitals[0], ground.hospitals[1]
        wrong = {
            "painel": "of nobody",
            f"painel/{own.hospital.id}": stamp.text(other.number),
            f"painel/{own.hospital.id}/{other.hospital.id}": "of two",
        }
        async with self._client(ground) as client:
            await client.mset(wrong)
            try:
                yield list(wrong)
            finally:
                await client.delete(*wrong)

    @asynccontextmanager
    async def _client(self, ground: Ground) -> AsyncIterator[Any]:
        client = redis.Redis.from_url(ground.stage.settings.redis_url or "")
        try:
            yield client
        finally:
            await client.aclose()

    async def _value(self, client: Any, key: bytes) -> bytes:
        match await client.type(key):
            case b"string":
                value = await client.get(key)
            case b"hash":
                value = await client.hgetall(key)
            case b"list":
                value = await client.lrange(key, 0, -1)
            case b"set":
                value = await client.smembers(key)
            case b"zset":
                value = await client.zrange(key, 0, -1)
            case b"none":
                # It has expired meanwhile.
                value = b""
            case kind:
                raise TypeError(f"say how a value of type {kind!r} is read")
        return value if isinstance(value, bytes) else repr(value).encode()


class Files(Store):
    """The file store: every path begins with a hospital's id. No room keeps files yet."""

    setting = "storage_url"

    async def look(self, ground: Ground) -> list[str]:
        owners = {str(hospital.hospital.id): hospital for hospital in ground.hospitals}
        store, found = ground.stage.runtime.storage._open(), []
        for file in [file for batch in store.list() for file in batch]:
            path: str = file["path"]
            owner = owners.get(path.partition("/")[0])
            held = path.encode() + b" " + bytes(store.get(path).bytes())
            if owner is None or set(stamp.MARK.findall(held)) - owner.marks:
                found.append(path)
        return found

    @asynccontextmanager
    async def planted(self, ground: Ground) -> AsyncIterator[list[str]]:
        store = ground.stage.runtime.storage._open()
        own, other = (str(hospital.hospital.id) for hospital in ground.hospitals[:2])
        wrong = {"laudo.txt": "of nobody", f"{own}/laudo.txt": stamp.text(2), f"{own}/{stamp.text(2)}.txt": "of two"}
        store.put(f"{other}/laudo.txt", stamp.text(2).encode())
        for path, held in wrong.items():
            store.put(path, held.encode())
        try:
            yield list(wrong)
        finally:
            store.delete([*wrong, f"{other}/laudo.txt"])


# Valkey first: what it holds is gone in a minute.
STORES: list[Store] = [Cache(), Files(), Shared(), Tables()]
_COLUMNS = """
select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
where attrelid = format('%I.%I', $1::text, $2::text)::regclass and attnum > 0 and not attisdropped
  and attgenerated = ''
"""


@asynccontextmanager
async def _rolled_back(owner: Any) -> AsyncIterator[None]:
    transaction = owner.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def _matching(schema: str, table: str, in_bytes: list[str], hidden: list[str] | None = None) -> str:
    """How many rows of a table hold what `$1` matches, in whatever column but the hidden ones."""
    texts = [f"(to_jsonb(t) - '{{{','.join([*in_bytes, *(hidden or [])])}}}'::text[])::text"]
    texts += [f"coalesce(encode(t.{name}, 'escape'), '')" for name in in_bytes if name not in (hidden or [])]
    return f"select count(*) from {schema}.{table} t where {' || '.join(texts)} ~ $1"  # noqa: S608 - names of ours
