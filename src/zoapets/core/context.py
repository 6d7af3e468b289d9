"""What every verb of every room is given: who acts, in which hospital, when, and the one transaction it acts in."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from zoapets.common.schema import Read
from zoapets.core.database import UnitOfWork
from zoapets.core.events import Event, Outbox
from zoapets.core.permissions import Permission
from zoapets.core.tenancy import Origin, TenantRow


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, or a command that acts on its own behalf."""

    id: UUID | None
    nome: str
    email: str
    roles: tuple[str, ...]
    permissions: frozenset[Permission]
    sessao_id: UUID | None = None


class Ajustes(Read):
    """What the hospital has decided about itself, as the rooms need it."""

    tolerancia_atraso_minutos: int
    antecedencia_maxima_minutos: int | None
    exigir_if_match: bool
    verificar_faixas_de_dose: bool
    validade_do_peso_dias: int


@dataclass(frozen=True, slots=True)
class Hospital:
    """The tenant and its decisions."""

    tenant: TenantRow
    ajustes: Ajustes

    @property
    def fuso(self) -> ZoneInfo:
        """The zone of the wall clock on its walls."""
        return ZoneInfo(self.tenant.fuso)


@dataclass(slots=True)
class TenantContext:
    """One unit of work of one actor in one hospital."""

    actor: Actor
    hospital: Hospital
    now: datetime
    db: UnitOfWork
    origin: Origin = field(default_factory=Origin)
    # From `If-Match`; None when the client did not send it.
    expected_version: int | None = None
    outbox: Outbox = field(default_factory=Outbox)

    @property
    def actor_id(self) -> UUID:
        """The person who signs; an error where a command without a person tries to sign."""
        if self.actor.id is None:
            raise PermissionError("this act must be signed by a person")
        return self.actor.id

    def emit(self, event: Event) -> None:
        """Write `event` to the hospital's outbox with this unit of work: both are stored, or neither is."""
        self.outbox.add(event)

    async def commit(self) -> None:
        """End the unit of work: what was written and what was emitted last together, or the error is the answer."""
        await self.db.commit(
            self.outbox.statement(actor_id=self.actor.id, now=self.now, request_id=self.origin.request_id)
        )
