"""Checkouts of pooled connections, some of which somebody has left tainted."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import text

from tests.proofs.isolation import stamp
from tests.proofs.isolation.ground import Stamped
from zoapets.core.database import TaintedError, UnitOfWork, finishing
from zoapets.core.statements import Query, query
from zoapets.core.tenancy import tenant_gate

AT_ONCE = 8
# Who serves, in whose name, and what a reader of names would be shown.
SERVED: Query[list[str]] = query(
    text("select array[pg_backend_pid()::text, current_user::text] || array(select nome from tutores)")
)
# What careless code could leave on a connection for whoever comes next: `{s}` is another hospital, `{n}` a number.
TAINTS = {
    "role": "commit; set role {s}",
    "role and search_path": "commit; set role {s}; set search_path = {s}",
    "role in an open transaction": "commit; begin; set local role {s}",
    "transaction never ended": "select 1",
    "search_path": "commit; set search_path = {s}",
    "settings": "commit; set statement_timeout = 0; set default_transaction_read_only = off; set lock_timeout = 0",
    "actor": "commit; set zoapets.actor = '00000000-0000-7000-8000-000000000000'",
    "listen": "commit; listen news",
    "cursor": "declare kept_{n} cursor with hold for select * from tutores; commit",
    "prepared": "prepare kept_{n} as select * from tutores; commit",
}
# After these the next unit of work must not be served; of all others, nothing may be seen in it.
OF_ROLE = frozenset({"role", "role and search_path", "role in an open transaction", "transaction never ended"})


@dataclass
class Found:
    """What the checkouts came to. `findings` are what must not be."""

    findings: list[str] = field(default_factory=list)
    checkouts: int = 0
    tainted: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    # The processes of connections with a role left on them.
    condemned: set[str] = field(default_factory=set)


async def left_behind(work: UnitOfWork, sql: str) -> str:
    """Run `sql` on the connection of a unit of work, give the connection back as it then is, and say which it was."""
    connection = await work._begin()
    pid = str(await connection.link.fetchval("select pg_backend_pid()"))
    try:
        await connection.link.execute(sql)
    except BaseException:
        await work.discard()
        raise
    work._let_go()
    work._pool.release(connection)
    return pid


async def check_out(pool: Any, hospitals: list[Stamped], checkouts: int, taints: int, *, seed: int) -> Found:
    """So many units of work. Before some of them somebody leaves a connection in a role, or tainted otherwise.

    `taints` is how many of each.
    """
    found, draw = Found(), Random(seed)  # noqa: S311 - a run that can be repeated is what is wanted
    of_role, others = sorted(OF_ROLE), sorted(TAINTS.keys() - OF_ROLE)
    turns: list[str | None] = [None] * checkouts
    turns[: 2 * taints] = [kinds[n % len(kinds)] for kinds in (of_role, others) for n in range(taints)]
    draw.shuffle(turns)
    left = iter(turns)

    async def work() -> None:
        for turn in left:
            hospital, other = draw.choice(hospitals), draw.choice(hospitals)
            if turn is not None:
                found.checkouts += 1
                await _taint(found, pool, hospital, other, turn)
            await _serve(found, pool, hospital, read_only=draw.random() < 0.5)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    # Whoever is still in the pool comes to light when all are asked for at once, and again in place of the destroyed.
    for _ in range(AT_ONCE):
        await asyncio.gather(*(_serve(found, pool, hospitals[0], read_only=True) for _ in range(AT_ONCE)))
    return found


async def _taint(found: Found, pool: Any, hospital: Stamped, other: Stamped, kind: str) -> None:
    work = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=False))
    try:
        pid = await left_behind(work, TAINTS[kind].format(s=other.schema, n=found.checkouts))
    except TaintedError:
        # It got one that was tainted already.
        found.refused += 1
        await _taint(found, pool, hospital, other, kind)
        return
    found.tainted[kind] += 1
    if kind in OF_ROLE:
        found.condemned.add(pid)


async def _serve(found: Found, pool: Any, hospital: Stamped, *, read_only: bool) -> None:
    found.checkouts += 1
    work = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=read_only))
    try:
        async with finishing(work):
            pid, user, *names = await work.one(SERVED)
    except TaintedError:
        found.refused += 1
        if work.statements:
            found.findings.append(f"{work.statements} statements ran before the taint was found")
        return
    if pid in found.condemned:
        found.findings.append(f"{pid} was left in a role, and served {hospital.number}")
    if user != hospital.schema:
        found.findings.append(f"{hospital.number} was served as {user}")
    if strangers := set(stamp.MARK.findall("\n".join(names).encode())) - hospital.marks:
        found.findings.append(f"{hospital.number} read names of {strangers}")
