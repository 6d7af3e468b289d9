"""Whatever is asked of a route that reads, the answer is one that its document says, and nothing is written."""

from tests.cast import Hospital
from tests.proofs import ledger
from tests.proofs.input.fuzz import a_few, fuzz
from tests.proofs.input.targets import watched
from tests.proofs.ledger import Ledger
from zoapets.core.http import READS

CASES = 650
LEAST = 40_000


def reads(method: str, path: str) -> bool:
    del path
    return method in READS


async def test_no_question_breaks_a_route_that_reads(target: Hospital, platform: Hospital, proof: Ledger) -> None:
    watch = watched(target, twin=watched(platform, "Plataforma"))

    if ledger.is_full():
        outcome = await fuzz(watch, cases=CASES, phases=("examples", "coverage", "fuzzing"), only=reads)
        assert watch.requests >= LEAST
    else:
        outcome = await a_few(watch, only=reads)

    assert not outcome.findings, "\n".join(outcome.findings[:40])
    proof.shown("no generated read breaks the API or its document", requests=watch.requests, **outcome.requests)
