"""What writes have left in the database: each whole or not at all, each acknowledged one there, and once."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.proofs.faults.ward import KINDS, Kind, Ward, Write


def findings(ward: Ward, writes: Iterable[Write]) -> list[str]:
    """What should not be: half a write, one that is there twice, an acknowledged one that is not."""
    audited: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in ward.sql("select requisicao_id, tabela, acao from auditoria where requisicao_id is not null"):
        audited[row["requisicao_id"]].append((row["tabela"], row["acao"]))
    events: defaultdict[str, list[str]] = defaultdict(list)
    for row in ward.sql("select requisicao_id, tipo from eventos where requisicao_id is not null"):
        events[row["requisicao_id"]].append(row["tipo"])
    stored = {row["chave"]: row for row in ward.sql("select chave, status, corpo from idempotencia")}
    marked = {kind: Counter(_marks(ward, kind)) for kind in KINDS}
    found = []
    for write in writes:
        there = {
            f"row in {write.kind.table}": marked[write.kind][write.key],
            "audit row": audited[write.key].count((write.kind.table, write.kind.audited)),
            "key": int(write.key in stored),
            "stored answer": int(write.key in stored and stored[write.key]["status"] is not None),
        }
        if write.kind.event is not None:
            there["event"] = events[write.key].count(write.kind.event)
        if problem := _judge(write, there):
            found.append(f"{problem}: {write.method} {write.path} {write.key}: {there}")
        if write.answer is not None and write.key in stored and stored[write.key]["corpo"] != write.answer:
            found.append(f"another answer is stored than was given: {write.method} {write.path} {write.key}")
    return found


def _judge(write: Write, there: dict[str, int]) -> str | None:
    counts = set(there.values())
    if max(counts) > 1:
        return "there twice"
    if counts == {0, 1}:
        return "half of it is there"
    return "acknowledged and lost" if counts == {0} and write.answer is not None else None


def _marks(ward: Ward, kind: Kind) -> list[str]:
    statement = f"select {kind.mark} as mark from {kind.table} where {kind.mark} is not null"  # noqa: S608 - our own names
    return [row["mark"] for row in ward.sql(statement)]
