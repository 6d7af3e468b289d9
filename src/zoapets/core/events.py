"""Events: what happened, written to the hospital's outbox in the transaction in which it happened."""

import re
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, cast, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import DateTime, Text, Uuid

from zoapets.core.database import UnitOfWork
from zoapets.core.statements import query
from zoapets.entities.registros import Evento


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """Something that happened. Its name in the outbox is the class's, in kebab-case: `alta-dada`."""

    @classmethod
    def tipo(cls) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


_rows = (
    func.unnest(bindparam("tipos", type_=ARRAY(Text)), bindparam("dados", type_=ARRAY(Text)))
    .table_valued("tipo", "dados")
    .render_derived()
)
INSERT = query(
    insert(Evento).from_select(
        ["em", "ator_id", "requisicao_id", "tipo", "dados"],
        select(
            cast(bindparam("em"), DateTime(timezone=True)),
            cast(bindparam("ator_id"), Uuid),
            cast(bindparam("requisicao_id"), Text),
            _rows.c.tipo,
            cast(_rows.c.dados, JSONB),
        ),
    )
)


class Outbox:
    """The events of one unit of work, kept until just before its commit."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        self.events.append(event)

    async def write(self, db: UnitOfWork, *, actor_id: UUID | None, now: datetime, request_id: str) -> None:
        """All of them in one statement."""
        if not self.events:
            return
        await db.run(
            INSERT,
            em=now,
            ator_id=actor_id,
            requisicao_id=request_id,
            tipos=[event.tipo() for event in self.events],
            dados=[msgspec.json.encode(event).decode() for event in self.events],
        )
        self.events.clear()
