"""Who throws: a watch for a hospital's administrator, and for the platform's."""

from tests.cast import Hospital, Person
from tests.proofs import ledger
from tests.proofs.input.watch import Watch

SLOWEST_S = 2.0


def watched(hospital: Hospital, role: str = "Administrador", *, twin: Watch | None = None) -> Watch:
    """The hospital's application, called by somebody of this role; who is put out is followed by another.

    How long an answer takes is judged in the full run alone: a slice shares its machine with other tests.
    """

    async def sign_in() -> Person:
        return await hospital.signed_in(role, new=True)

    slowest = SLOWEST_S if ledger.is_full() else None
    return Watch(hospital.stage.app, hospital, sign_in, slowest=slowest, twin=twin)
