"""Ten thousand open nursing boards, each asking for its ward's panel again and again, with the ETag it has.

Each board is a session of its own. What is counted is what PostgreSQL was asked, and whether any board was shown a
panel from before a dose that had been recorded.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figures import Figure, Spread
from benchmarks.ground import Ground
from benchmarks.limit import PANEL
from benchmarks.load import Load, Requests, request
from benchmarks.statements import counting

BOARDS, QUICK_BOARDS = 10_000, 1000
CONNECTIONS = 64
SECONDS = 8.0
WRITES = 20
NOT_MODIFIED, OK = 304, 200
SHARE_304 = 0.9


@dataclass
class Boards:
    """A source of requests: every board in turn, and each with the ETag of its last answer."""

    paths: list[str]
    tokens: list[str]
    etags: list[str] = field(default_factory=list)
    _next: int = 0
    _bytes: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.etags = [""] * len(self.tokens)
        order = random.Random(10_000)
        self._order = list(range(len(self.tokens)))
        order.shuffle(self._order)

    def take(self) -> tuple[bytes, Any] | None:
        board = self._order[self._next]
        self._next = (self._next + 1) % len(self._order)
        return self.asks(board), board

    def asks(self, board: int) -> bytes:
        """Its request; made anew only when its ETag has changed."""
        found = self._bytes.get(board)
        if found is None:
            etag = self.etags[board]
            path, token = self.path(board), self.tokens[board]
            found = request("GET", path, token, if_none_match=etag) if etag else request("GET", path, token)
            self._bytes[board] = found
        return found

    def share_etags(self) -> None:
        """What the first board of each ward has, all of them have."""
        wards = len(self.paths)
        self.etags = [self.etags[board % wards] for board in range(len(self.tokens))]
        self._bytes.clear()

    def path(self, board: int) -> str:
        return self.paths[board % len(self.paths)]

    def answered(self, mark: Any, status: int, head: bytes) -> None:
        if status == OK and (at := head.find(b"\r\netag: ")) >= 0:
            self.etags[mark] = head[at + 8 : head.index(b"\r\n", at + 8)].decode()
            self._bytes.pop(mark, None)


async def run(ground: Ground) -> list[Figure]:
    hospital = await ground.bench()
    async with ground.owner(hospital.schema_name) as connection:
        wards = [row["id"] for row in await connection.fetch("select id from alas order by nome")]
        doses = await connection.fetch(
            "select a.id, l.ala_id from administracoes a join internacoes i on i.id = a.internacao_id"
            " join leitos l on l.id = i.leito_id where a.status = 'pendente' order by a.data_hora_agendada limit $1",
            WRITES,
        )
    tokens = await ground.tokens(hospital, "enfermagem", ground.size(BOARDS, quick=QUICK_BOARDS))
    boards = Boards([f"{PANEL}?alaId={ward}" for ward in wards], tokens)
    async with ground.serving() as server, Load(server.port, connections=CONNECTIONS) as load:
        # They have been open for a while: each has its ward's panel.
        for board in range(len(wards)):
            await load.run(_One(boards, board))
        boards.share_etags()
        async with counting(ground) as calls:
            done = (await load.run(boards, seconds=ground.seconds(SECONDS))).checked()
        # Of the statements that make a panel, each runs once.
        made = max((count for text, count in calls.by_text.items() if "administracoes" in text), default=0)
        stale = await _stale(load, boards, doses, {ward: number for number, ward in enumerate(wards)})
    each = len(wards) * done.seconds
    detail = {
        "answers a second": round(done.rate),
        "p99 ms": round(1000 * done.percentile(0.99), 2),
        "statuses": dict(done.statuses),
        "boards": len(tokens),
        "wards": len(wards),
        "statements": sorted(((count, text[:160]) for text, count in calls.by_text.items()), reverse=True)[:12],
    }
    return [
        Figure(
            name="boards 304",
            compares=f"answers that are 304, of {len(tokens):,} boards on {len(wards)} wards",
            value=Spread.of([done.statuses[NOT_MODIFIED] / done.answers]),
            unit="of all",
            target=SHARE_304,
            at_least=True,
            note=f"{done.rate:,.0f} answers a second",
            detail=detail,
        ),
        Figure(
            name="boards panel",
            compares="panels made, per ward and second",
            value=Spread.of([made / each]),
            unit="/s",
            target=1,
        ),
        Figure(
            name="boards all",
            compares="units of work in PostgreSQL (who asks, too), per ward and second",
            value=Spread.of([calls.units / each]),
            unit="/s",
            target=1,
        ),
        Figure(
            name="boards stale",
            compares=f"panels from before an acknowledged dose, of {len(doses)} doses",
            value=Spread.of([stale]),
            unit="panels",
            target=0,
        ),
    ]


async def _stale(load: Load, boards: Boards, doses: list[Any], wards: dict[Any, int]) -> int:
    """How often, right after a dose of a ward was recorded, a board of that ward was told that nothing changed."""
    stale = 0
    for dose in doses:
        board = wards[dose["ala_id"]]
        # The board knows the panel of this moment.
        await load.run(_One(boards, board))
        give = request("PATCH", f"/administracoes/{dose['id']}/realizar", boards.tokens[board], body=b"{}")
        (await load.run(Requests([give]))).checked()
        answer = await load.run(_One(boards, board))
        stale += answer.statuses[NOT_MODIFIED]
    return stale


class _One:
    """One board, asking once."""

    def __init__(self, boards: Boards, board: int) -> None:
        self._boards = boards
        self._left = [board]

    def take(self) -> tuple[bytes, Any] | None:
        if not self._left:
            return None
        board = self._left.pop()
        return self._boards.asks(board), board

    def answered(self, mark: Any, status: int, head: bytes) -> None:
        self._boards.answered(mark, status, head)
