"""Sequences of requests, each using what the one before it made: no order of them breaks the API."""

from tests.cast import Hospital
from tests.proofs import ledger
from tests.proofs.input.fuzz import fuzz
from tests.proofs.input.targets import watched
from tests.proofs.ledger import Ledger


async def test_no_sequence_breaks_the_api(target: Hospital, platform: Hospital, proof: Ledger) -> None:
    watch = watched(target, twin=watched(platform, "Plataforma"))

    outcome = await fuzz(watch, cases=ledger.pick(2, 600), phases=("stateful",))

    assert not outcome.findings, "\n".join(outcome.findings[:40])
    assert outcome.requests["stateful"] > 1
    proof.shown("no generated sequence breaks the API or its document", requests=watch.requests, **outcome.requests)
