"""Whatever is sent to a route that writes, it is taken as its document says, or refused and nothing is written."""

from tests.cast import Hospital
from tests.proofs import ledger
from tests.proofs.input.fuzz import a_few, fuzz
from tests.proofs.input.targets import watched
from tests.proofs.ledger import Ledger
from zoapets.core.http import READS

CASES = 600
LEAST = 60_000


def writes(method: str, path: str) -> bool:
    del path
    return method not in READS


async def test_nothing_sent_breaks_a_route_that_writes(target: Hospital, platform: Hospital, proof: Ledger) -> None:
    watch = watched(target, twin=watched(platform, "Plataforma"))

    if ledger.is_full():
        outcome = await fuzz(watch, cases=CASES, phases=("examples", "coverage", "fuzzing"), only=writes)
        assert watch.requests >= LEAST
    else:
        outcome = await a_few(watch, only=writes)

    assert not outcome.findings, "\n".join(outcome.findings[:40])
    proof.shown("no generated write breaks the API or its document", requests=watch.requests, **outcome.requests)
