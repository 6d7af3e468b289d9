"""The owner's verbs on audit trails: seal by hand, verify, and take in a trail that comes from another PostgreSQL.

The verifier trusts nothing that the seals were made with: it reads every row as the docstring of `AuditoriaSelo` says,
with functions of PostgreSQL's own, hashes it here, and follows the chain from its beginning.
"""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any

import msgspec

from zoapets.core.owner.hospitals import HospitalRow, RefusedError, acting
from zoapets.core.owner.seals import ENTRY, Chain, Fault, Row, Seal, Wrong, moment
from zoapets.entities.registros import TipoSelo

# Rows that are looked at together, and seals that are fetched together.
ROWS_AT_ONCE = 20_000
SEALS_AT_ONCE = 20
# Of so many changed rows it is asked whether they hold what another one held.
MOST_ASKED = 20
MOST_TOLD = 100
# What is no single seal's is told after what is.
OF_THE_WHOLE = frozenset({Wrong.TRUNCATED, Wrong.RESTORED})

_TEXT = (
    "jsonb_build_array(extract(epoch from em)::text, ator_id, origem, requisicao_id, tabela, acao, registro_id,"
    " registros, antes, depois)::text"
)
_BODY = (
    "jsonb_build_array(numero, tipo, de_transacao, de_id, ate_transacao, ate_id, linhas,"
    " extract(epoch from selado_em)::text)::text"
)
_ROWS = (
    f"select id, transacao, extract(epoch from em)::float8, convert_to({_TEXT}, 'UTF8') from {{s}}.auditoria"  # noqa: S608 - texts of ours
    " where id = any($1::bigint[])"
)
_SEALS = f"""
select numero, tipo, anterior, de_transacao, de_id, ate_transacao, ate_id, linhas, resumos, hash,
  extract(epoch from selado_em)::float8 as at, convert_to({_BODY}, 'UTF8') as body
from {{s}}.auditoria_selos order by numero
"""  # noqa: S608 - as above
_BELOW = "(transacao, id) < ($1::bigint, $2::bigint)"
_FROM = "(transacao, id) >= ($1::bigint, $2::bigint)"
_BEGIN_ANEW = f"""
insert into {{s}}.auditoria_selos (numero, tipo, anterior, de_transacao, de_id, ate_transacao, ate_id, linhas, resumos,
  hash, selado_em)
select numero, tipo, anterior, de_transacao, de_id, ate_transacao, ate_id, linhas, ''::bytea,
  sha256(anterior || convert_to({_BODY}, 'UTF8')), selado_em
from (select $1::bigint as numero, $2::text as tipo, $3::bytea as anterior, $4::bigint as de_transacao,
  $5::bigint as de_id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint as ate_transacao, 0::bigint as ate_id,
  0 as linhas, clock_timestamp() as selado_em) as novo
"""  # noqa: S608 - as above

_NEXT = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_IS_FOREIGN = f"""
select $1::bigint > {_NEXT} or exists (
  select from {{s}}.auditoria where transacao >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
"""  # noqa: S608 - as above
_SET_APART = f"""
update {{s}}.auditoria
set transacao = case when id = any($1::bigint[]) then pg_current_xact_id()::text::bigint else 0 end
where transacao >= {_NEXT} or id = any($1::bigint[])
"""  # noqa: S608 - as above


class Verdict(msgspec.Struct):
    """What was found. `head` is the last seal's hash: kept elsewhere, it proves that no seal was replaced since.

    `unsealed` rows are too new, or wait for the next seal, and prove nothing yet. `faults` are the first of
    `faults_found`, in the chain's order.
    """

    rows: int
    seals: int
    head: str
    unsealed: int
    unsealed_since: str | None
    faults_found: int
    faults: list[Fault]


async def count(connection: Any, schema: str) -> int:
    """How many rows a hospital's seals name."""
    rows: int = await connection.fetchval(f"select coalesce(sum(linhas), 0)::bigint from {schema}.auditoria_selos")  # noqa: S608 - from the registry
    return rows


async def seal(connection: Any, hospital: HospitalRow) -> tuple[int, bool]:
    """Seal what can be sealed now. How many rows that was, and whether some wait for a transaction to end."""
    total = 0
    while True:
        async with acting(connection, hospital):
            rows, left = await connection.fetchrow("select seladas, restam from selar_auditoria()")
        total += rows
        if not rows:
            return total, left


async def verify(
    connection: Any, schema: str, *, head: str | None = None, done: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Hold every row of a hospital's trail against its seals; `done` hears how many rows were looked at.

    Args:
        connection: an owner's; it is asked in one transaction that only reads.
        schema: the hospital's.
        head: the hash of a seal that was noted before: its chain must still be the one that led to it.
        done: for a progress bar.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # A function of the schema's own must not stand in for one of PostgreSQL's.
        await connection.execute("set local search_path = pg_catalog")
        verdict, _ = await _Examination(connection, schema, head, done).run()
        return verdict


async def adopt(connection: Any, schema: str) -> bool:
    """Take in a trail whose rows and seals were copied, perhaps from another PostgreSQL; whether it had to be changed.

    As the owner, before the hospital is served. The trail is verified first. Where it counts in transactions that this
    PostgreSQL has not reached yet, a seal of the kind `importacao` says from which one on its own count. What was not
    sealed is sealed next; what was is set apart from all that comes (`transacao` 0).

    Raises:
        RefusedError: the trail is not what was sealed.
    """
    async with connection.transaction():
        await connection.execute(f"lock table {schema}.auditoria, {schema}.auditoria_selos in exclusive mode")
        path = await connection.fetchval("select current_setting('search_path')")
        await connection.execute("set local search_path = pg_catalog")
        examination = _Examination(connection, schema, None, lambda _: None)
        verdict, unsealed = await examination.run()
        if faults := [told(fault) for fault in verdict.faults if fault.wrong is not Wrong.RESTORED]:
            raise RefusedError(*faults)
        is_foreign: bool = await connection.fetchval(_IS_FOREIGN.replace("{s}", schema), examination.chain.end[0])
        if is_foreign:
            chain = examination.chain
            await connection.execute(_SET_APART.replace("{s}", schema), unsealed)
            numero, tipo = chain.last + 1, TipoSelo.IMPORTACAO.value
            await connection.execute(_BEGIN_ANEW.replace("{s}", schema), numero, tipo, chain.head, *chain.end)
        await connection.execute(f"set local search_path = {path}")
    return is_foreign


def told(fault: Fault) -> str:
    """A fault in one line."""
    row = "" if fault.row is None else f"row {fault.row}"
    if fault.tabela is not None:
        row += f" ({fault.tabela}, {fault.em})"
    where = ", ".join(part for part in (row, "" if fault.seal is None else f"seal {fault.seal}") if part)
    return f"{where}: {fault.wrong}: {fault.detail}".removeprefix(": ")


class _Examination:
    def __init__(self, connection: Any, schema: str, head: str | None, done: Callable[[int], None]) -> None:
        self._connection = connection
        self._schema = schema
        self._wanted = None if head is None else bytes.fromhex(head)
        self._done = done
        self._asked = 0
        self.chain: Chain

    async def run(self) -> tuple[Verdict, list[int]]:
        """The verdict, and the rows that no seal names and that none should have named."""
        self.chain = chain = Chain(
            await self._value("select coalesce(max(numero), 0) from {s}.auditoria_selos where tipo = 'importacao'")
        )
        is_known = self._wanted is None
        async for seals in self._seals():
            rows = await self._rows([row for each in seals for row in each.ids()])
            for each in seals:
                is_known = is_known or self._wanted in {each.hash, each.anterior}
                before = len(chain.faults)
                chain.take(each, rows)
                chain.faults[before:] = [await self._placed(fault, each, rows) for fault in chain.faults[before:]]
                self._done(each.linhas)
        unsealed = [row async for row in self._unsealed()]
        if not is_known:
            detail = (
                f"no seal has the hash that was noted: the chain was cut or replaced; it now ends at seal {chain.last}"
            )
            chain.faults.append(Fault(Wrong.TRUNCATED, chain.last or None, min(unsealed, default=None), detail))
        chain.faults.sort(key=lambda fault: (fault.seal or 0, fault.wrong in OF_THE_WHOLE, fault.row or 0))
        faults = [await self._named(fault) for fault in chain.faults[:MOST_TOLD]]
        since = None
        if unsealed:
            since = moment(
                await self._value(
                    "select extract(epoch from min(em))::float8 from {s}.auditoria where id = any($1::bigint[])",
                    unsealed,
                )
            )
        found = len(chain.faults)
        verdict = Verdict(chain.present, chain.seals, chain.head.hex(), len(unsealed), since, found, faults)
        return verdict, unsealed

    async def _seals(self) -> AsyncIterator[list[Seal]]:
        """All seals in their order, some at a time."""
        pending: list[Seal] = []
        rows = 0
        async for found in self._connection.cursor(_SEALS.replace("{s}", self._schema), prefetch=SEALS_AT_ONCE):
            numero, tipo, anterior, de, de_id, ate, ate_id, linhas, resumos, own, at, body = found
            pending.append(Seal(numero, tipo, anterior, (de, de_id), (ate, ate_id), linhas, resumos, own, at, body))
            rows += len(resumos) // ENTRY.size
            if rows >= ROWS_AT_ONCE:
                yield pending
                pending, rows = [], 0
        if pending:
            yield pending

    async def _rows(self, ids: list[int]) -> dict[int, Row]:
        found = await self._connection.fetch(_ROWS.replace("{s}", self._schema), ids)
        return {row[0]: Row(*row) for row in found}

    async def _placed(self, fault: Fault, seal: Seal, rows: dict[int, Row]) -> Fault:
        """Of a seal that is missing or altered, the first row that it is about; of a changed one, whose it was."""
        if fault.wrong is Wrong.SEAL_ALTERED:
            found = await self._connection.fetch(
                f"select id, sha256(convert_to({_TEXT}, 'UTF8')) from {self._schema}.auditoria"  # noqa: S608 - from the registry
                f" where {_FROM} and (transacao, id) < ($3::bigint, $4::bigint) order by id limit $5",
                *seal.de,
                *seal.ate,
                ROWS_AT_ONCE,
            )
            held = seal.entries()
            odd = (row[0] for at, row in enumerate(found) if at >= len(held) or tuple(row) != held[at])
            return msgspec.structs.replace(fault, row=next(odd, fault.row))
        if fault.wrong is Wrong.SEAL_MISSING:
            (low, high) = self.chain.gaps[-1]
            row = await self._value(
                f"select min(id) from {{s}}.auditoria where {_FROM} and (transacao, id) < ($3::bigint, $4::bigint)",  # noqa: S608 - from the registry
                *low,
                *high,
            )
            return msgspec.structs.replace(fault, row=row)
        if fault.wrong is Wrong.CHANGED and fault.row is not None and self._asked < MOST_ASKED:
            self._asked += 1
            other = await self._sealed_as(sha256(rows[fault.row].text).digest())
            if other is not None:
                detail = f"it holds what was sealed as row {other}"
                return msgspec.structs.replace(fault, wrong=Wrong.REORDERED, detail=detail)
        return fault

    async def _sealed_as(self, digest: bytes) -> int | None:
        found = await self._connection.fetchval(
            f"select resumos from {self._schema}.auditoria_selos where position($1::bytea in resumos) > 0 limit 1",  # noqa: S608 - from the registry
            digest,
        )
        entries = [] if found is None else ENTRY.iter_unpack(found[: len(found) // ENTRY.size * ENTRY.size])
        return next((row for row, held in entries if held == digest), None)

    async def _unsealed(self) -> AsyncIterator[int]:
        """The rows that wait for a seal; those that should have one become faults."""
        chain, end = self.chain, self.chain.end
        is_ahead = await self._value(
            "select $1::bigint > pg_snapshot_xmax(pg_current_snapshot())::text::bigint", end[0]
        )
        if is_ahead:
            detail = "its seals are ahead of this PostgreSQL's transactions, as after a restored dump"
            chain.faults.append(Fault(Wrong.RESTORED, chain.last, None, detail))
        if await self._value(f"select count(*) from {{s}}.auditoria where {_BELOW}", *end) != chain.present:  # noqa: S608 - from the registry
            known = chain.known()
            sql = (
                "select id, transacao, extract(epoch from em)::float8 from {s}.auditoria"  # noqa: S608 - from the registry
                f" where {_BELOW} order by transacao, id"
            )
            async for row, transacao, at in self._connection.cursor(
                sql.replace("{s}", self._schema), *end, prefetch=ROWS_AT_ONCE
            ):
                if row in known:
                    continue
                if is_ahead and at > chain.ended_at:
                    yield row
                elif fault := chain.stray(row, (transacao, row)):
                    chain.faults.append(fault)
        known = chain.known() if self.chain.faults else set()
        for (row,) in await self._connection.fetch(f"select id from {self._schema}.auditoria where {_FROM}", *end):  # noqa: S608 - from the registry
            if row not in known:
                yield row

    async def _named(self, fault: Fault) -> Fault:
        """With the table and the time that the row has now."""
        if fault.row is None:
            return fault
        found = await self._connection.fetchrow(
            f"select tabela, extract(epoch from em)::float8 from {self._schema}.auditoria where id = $1",  # noqa: S608 - from the registry
            fault.row,
        )
        return fault if found is None else msgspec.structs.replace(fault, tabela=found[0], em=moment(found[1]))

    async def _value(self, sql: str, *args: Any) -> Any:
        return await self._connection.fetchval(sql.replace("{s}", self._schema), *args)
