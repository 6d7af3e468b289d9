"""kill -9 of PostgreSQL, all of it, while sixteen clients write."""

import random

import pytest

from tests.proofs.faults import breaks
from tests.proofs.faults.effects import findings
from tests.proofs.faults.installation import Api, Installation, full_only
from tests.proofs.faults.load import ACKNOWLEDGED, BACK_WITHIN_S, REFUSED, WRITERS, Load
from tests.proofs.faults.processes import wait_until
from tests.proofs.faults.ward import Ward, new_ward
from tests.proofs.ledger import Ledger, pick

SEED = 20_260_713
# A crash that cuts all connections between two statements shows nothing.
MOST_CRASHES = 10


def crash(installation: Installation, api: Api, ward: Ward, *, rounds: int) -> tuple[Load, float]:
    """Kill PostgreSQL at random moments of the load; the load, and the longest way back."""
    rng, longest = random.Random(SEED), 0.0  # noqa: S311 - no secret
    with Load(api, ward) as load:
        for _ in range(rounds):
            load.wait_for(rng.randint(WRITERS, 12 * WRITERS), *ACKNOWLEDGED)
            installation.servers.kill_postgres()
            try:
                wait_until(lambda: len(load.complaints) > 0 or load.away(), "all clients are refused")
            finally:
                installation.servers.start_postgres()
            longest = max(longest, load.wait_for(1, *ACKNOWLEDGED, seconds=BACK_WITHIN_S))
    return load, longest


def test_what_was_acknowledged_survives_a_killed_postgres(installation: Installation, api: Api, proof: Ledger) -> None:
    rounds = pick(2, 20)
    ward = new_ward(installation, doses=pick(1, 4000), seed=SEED)
    load, longest = crash(installation, api, ward, rounds=rounds)
    before = findings(ward, load.writes)
    resolved = load.resolve()

    assert load.complaints == [], SEED
    assert before == [], SEED
    assert findings(ward, load.writes) == [], SEED
    assert api.process.poll() is None
    proof.shown(
        "kill -9 of PostgreSQL under write load: nothing acknowledged is lost, nothing is there twice",
        rounds=rounds,
        writes=load.acknowledged,
        repeated=resolved,
        refused=load.count(REFUSED),
        slowest_refusal_ms=round(load.slowest(REFUSED) * 1000),
        longest_way_back_s=round(longest, 2),
    )


def test_the_check_sees_commits_that_do_not_wait_for_the_disk(
    installation: Installation, api: Api, proof: Ledger
) -> None:
    """They are in the memory of PostgreSQL alone for as long as its WAL writer sleeps."""
    ward = new_ward(installation, seed=SEED)
    with installation.configured(synchronous_commit="off", wal_writer_delay="10s", wal_writer_flush_after="1GB"):
        load, _ = crash(installation, api, ward, rounds=1)

    found = findings(ward, load.writes)
    assert any(finding.startswith("acknowledged and lost") for finding in found), found
    proof.seen("synchronous_commit = off", lost=len(found))


@full_only
def test_the_check_sees_a_fault_that_is_answered_as_an_error_of_ours(installation: Installation, proof: Ledger) -> None:
    ward, broken = new_ward(installation, seed=SEED), breaks.faults_without_a_meaning
    complaints: list[str] = []
    with installation.serving(workers=1, broken=broken.__name__) as api:
        for _ in range(MOST_CRASHES):
            if not complaints:
                complaints = crash(installation, api, ward, rounds=1)[0].complaints

    assert any(complaint.startswith("500") for complaint in complaints), complaints
    proof.seen("faults of the database answered with 500", complaints=len(complaints))


def test_what_is_acknowledged_is_on_the_disk(installation: Installation, proof: Ledger) -> None:
    """SIGKILL leaves what the system has cached: that these are on is what a loss of power asks."""
    settings = ("fsync", "full_page_writes", "synchronous_commit")

    values = {name: installation.sql(f"show {name}")[0][0] for name in settings}

    assert values == dict.fromkeys(settings, "on")
    proof.shown("the proofs ran with everything on that a loss of power needs", settings=", ".join(settings))


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_the_doctor_sees_what_a_loss_of_power_would_lose(installation: Installation, proof: Ledger, name: str) -> None:
    with installation.configured(**{name: "off"}):
        assert installation.durability() == "fail"
    assert installation.durability() == "ok"
    proof.seen(f"{name} = off, by zoapets doctor")
