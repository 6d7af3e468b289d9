"""PostgreSQL frozen: it is there, it takes what is sent, and it answers nothing."""

import time

from tests.proofs.faults import breaks
from tests.proofs.faults.effects import findings
from tests.proofs.faults.installation import Api, Installation, full_only
from tests.proofs.faults.load import ACKNOWLEDGED, BACK_WITHIN_S, REFUSED, WRITERS, Load
from tests.proofs.faults.processes import wait_until
from tests.proofs.faults.ward import Ward, new_ward
from tests.proofs.ledger import Ledger, is_full
from zoapets.core.database import LONGEST_WORK_S

# Waiting for a connection, and then for its first answer: 5 s each. The rest is for a machine that is busy.
NEW_WITHIN_S, BEGUN_WITHIN_S = 14.0, LONGEST_WORK_S + 5.0


def freeze(installation: Installation, api: Api, ward: Ward, *, patience: float) -> tuple[Load, float]:
    """Freeze PostgreSQL under load, in the full run until nobody waits who asked before; the load, and the moment."""
    with Load(api, ward, patience=patience) as load:
        load.wait_for(2 * WRITERS, *ACKNOWLEDGED)
        since = time.monotonic()
        with installation.servers.frozen_postgres():
            wait_until(lambda: api.health() == "unavailable", "health says so")
            if is_full():
                refused = "everybody is refused"
                wait_until(
                    lambda: bool(load.complaints) or (load.answered(since) and load.away()),
                    refused,
                    seconds=2 * patience,
                )
        load.wait_for(WRITERS, *ACKNOWLEDGED, seconds=BACK_WITHIN_S)
    assert api.health() == "ok"
    return load, since


def test_a_frozen_postgres_holds_nobody_up_for_ever(installation: Installation, api: Api, proof: Ledger) -> None:
    ward = new_ward(installation)
    load, since = freeze(installation, api, ward, patience=BEGUN_WITHIN_S)
    before = findings(ward, load.writes)
    load.resolve()

    assert load.complaints == []
    assert before == []
    assert findings(ward, load.writes) == []
    refused = [reply for reply in load.replies if reply.status == REFUSED]
    new = [reply.seconds for reply in refused if reply.at - reply.seconds > since]
    if is_full():
        assert new
        assert max(new) < NEW_WITHIN_S
    proof.shown(
        "PostgreSQL frozen: refused within bounds, told by health, got over, nothing lost",
        writes=load.acknowledged,
        refused=len(refused),
        slowest_new_s=round(max(new, default=0), 1),
        slowest_begun_s=round(load.slowest(REFUSED), 1),
    )


@full_only
def test_the_check_sees_requests_without_a_bound(installation: Installation, proof: Ledger) -> None:
    ward = new_ward(installation)
    with installation.serving(workers=1, broken=breaks.no_bounds.__name__) as api:
        load, _ = freeze(installation, api, ward, patience=NEW_WITHIN_S)

    assert any(complaint.startswith("ReadTimeout") for complaint in load.complaints), load.complaints
    proof.seen("no bound on how long PostgreSQL may take", hung=len(load.complaints))
