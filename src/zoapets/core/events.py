"""Events: what happened, written to the hospital's outbox in the transaction in which it happened."""

import re
from datetime import datetime
from functools import cache
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """Something that happened. Its name in the outbox is the class's, in kebab-case: `alta-dada`."""

    @classmethod
    @cache
    def tipo(cls) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class Entry(msgspec.Struct, frozen=True):
    """An event as `registrar_eventos` takes it."""

    em: datetime
    ator_id: UUID | None
    requisicao_id: str
    tipo: str
    dados: Event


class Outbox:
    """The events of one unit of work, kept until its commit."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        self.events.append(event)

    def statement(self, *, actor_id: UUID | None, now: datetime, request_id: str) -> str:
        """What writes them, to stand before the COMMIT in its message; empty when nothing happened.

        Such a message takes no parameters, so the events are in it as hexadecimal digits, which end no quote.
        """
        if not self.events:
            return ""
        entries = [Entry(now, actor_id, request_id, event.tipo(), event) for event in self.events]
        return f"select registrar_eventos('\\x{msgspec.json.encode(entries).hex()}'); "
