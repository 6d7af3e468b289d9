"""What PostgreSQL was asked: texts and counts, from `pg_stat_statements`, which is off but for these moments."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.ground import STATEMENTS, Ground
from benchmarks.load import Load, Requests

OFF_AT_FIRST = {"shared_preload_libraries": STATEMENTS}
# A backend hears of a changed setting by a signal, and there is nothing that tells when it has.
HEARD_S = 0.05
GATE = "current_user = session_user"
WHO = ("sessoes", "public.tenants", "configuracoes")
_CALLS = """
select query, calls from ext.pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database())
  and (userid = 'zoapets_app'::regrole or userid in (select oid from pg_roles where rolname like 'tenant\\_%'))
"""


@dataclass
class Calls:
    """How often each statement ran, and how many units of work there were, each of which began with the gate."""

    by_text: dict[str, int] = field(default_factory=dict)
    units: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_text.values())


@asynccontextmanager
async def counting(ground: Ground) -> AsyncIterator[Calls]:
    """What the application asks PostgreSQL meanwhile."""
    calls = Calls()
    async with ground.owner() as connection:
        await ground.set(pg_stat_statements__track="top", pg_stat_statements__track_utility="off")
        await asyncio.sleep(HEARD_S)
        await connection.execute("select ext.pg_stat_statements_reset()")
        try:
            yield calls
        finally:
            rows = await connection.fetch(_CALLS)
            await ground.set(pg_stat_statements__track="none")
    for row in rows:
        if GATE in row["query"]:
            calls.units += row["calls"]
        else:
            calls.by_text[row["query"]] = calls.by_text.get(row["query"], 0) + row["calls"]


async def seen(ground: Ground, load: Load, requests: list[bytes]) -> set[str]:
    """The statements behind these requests, without those that find out who asks: their words, in no order.

    Two processes may name the columns of one INSERT in different orders.
    """
    async with counting(ground) as calls:
        await load.run(Requests(requests))
    asked = (text for text in calls.by_text if not any(table in text for table in WHO))
    return {" ".join(sorted(re.findall(r"[a-z_.]+", text))) for text in asked}
