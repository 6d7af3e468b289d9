"""What happens to a stay, for the outbox."""

from uuid import UUID

from zoapets.core.events import Event


class InternacaoIniciada(Event, frozen=True):
    """A pet has come to stay; without a bed it waits."""

    internacao_id: UUID
    pet_id: UUID
    leito_id: UUID | None


class PacienteAdmitido(Event, frozen=True):
    """A pet that waited has its bed."""

    internacao_id: UUID
    pet_id: UUID
    leito_id: UUID


class LeitoTrocado(Event, frozen=True):
    internacao_id: UUID
    pet_id: UUID
    de_leito_id: UUID
    para_leito_id: UUID


class AltaDada(Event, frozen=True):
    internacao_id: UUID
    pet_id: UUID


class ObitoRegistrado(Event, frozen=True):
    internacao_id: UUID
    pet_id: UUID
