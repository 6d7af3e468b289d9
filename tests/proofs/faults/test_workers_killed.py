"""kill -9 of the API's workers, at random moments, while clients write."""

import random
import signal

import pytest

from tests.proofs.faults import breaks
from tests.proofs.faults.effects import findings
from tests.proofs.faults.installation import Api, Installation
from tests.proofs.faults.load import ACKNOWLEDGED, WRITERS, Load
from tests.proofs.faults.processes import send, wait_until
from tests.proofs.faults.ward import Ward, new_ward
from tests.proofs.ledger import Ledger, pick

SEED = 20_260_714
# Fewer than elsewhere: a worker that starts has to get its share of the machine.
CLIENTS = 8
HOLD = [breaks.answer_before_the_commit, breaks.audit_after_the_commit]
HOLD += [breaks.events_after_the_commit, breaks.answers_stored_after_the_commit]


def kill_workers(api: Api, ward: Ward, *, moments: int) -> Load:
    """Kill a worker at random moments of the load, each time all of them serve; the load, not yet resolved."""
    rng, started = random.Random(SEED), api.started()  # noqa: S311 - no secret
    with Load(api, ward, writers=CLIENTS, cuts=True) as load:
        for n in range(started + 1, started + 1 + moments):
            load.wait_for(rng.randint(1, 8 * WRITERS), *ACKNOWLEDGED)
            send([rng.choice(api.workers())], signal.SIGKILL)
            # The supervisor starts another, and that one serves.
            wait_until(lambda so_many=n: api.started() >= so_many, "a killed worker is replaced")  # type: ignore[misc]
    return load


def kill_the_only_worker(api: Api, ward: Ward) -> Load:
    """The same, once, where nobody starts another."""
    with Load(api, ward, writers=CLIENTS, cuts=True) as load:
        load.wait_for(4 * WRITERS, *ACKNOWLEDGED)
        send(api.workers(), signal.SIGKILL)
    return load


def test_a_killed_worker_leaves_each_write_whole_or_not_at_all(
    installation: Installation, api: Api, proof: Ledger
) -> None:
    moments = pick(2, 50)
    ward = new_ward(installation, doses=pick(1, 6000), seed=SEED)
    load = kill_workers(api, ward, moments=moments)
    before = findings(ward, load.writes)
    resolved = load.resolve()

    assert load.complaints == [], SEED
    assert before == [], SEED
    assert findings(ward, load.writes) == [], SEED
    assert len(api.workers()) == api.count
    proof.shown(
        "kill -9 of workers: row, audit, event and stored answer are all there or all absent; nothing is lost",
        moments=moments,
        writes=load.acknowledged,
        cut_off=load.count(0),
        repeated=resolved,
    )


@pytest.mark.parametrize("broken", HOLD[: pick(2, len(HOLD))])
def test_the_check_sees_what_is_done_outside_the_transaction(
    installation: Installation, proof: Ledger, broken: breaks.Break
) -> None:
    ward = new_ward(installation, seed=SEED)
    if broken is breaks.audit_after_the_commit:
        ward.script(breaks.AUDIT_ASIDE)
    with installation.serving(workers=1, broken=broken.__name__) as api:
        load = kill_the_only_worker(api, ward)

    found = findings(ward, load.writes)
    told = "acknowledged and lost" if broken is breaks.answer_before_the_commit else "half of it is there"
    assert any(finding.startswith(told) for finding in found), found
    proof.seen(broken.__name__.replace("_", " "), findings=len(found))
