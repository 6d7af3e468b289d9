"""Valkey killed, frozen and slow, while nurses give doses and read the panel."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from tests.proofs.faults import breaks
from tests.proofs.faults.effects import findings
from tests.proofs.faults.installation import Api, Installation
from tests.proofs.faults.load import ACKNOWLEDGED, Load
from tests.proofs.faults.processes import wait_until
from tests.proofs.faults.ward import DOSES_EACH, Ward, new_ward
from tests.proofs.ledger import Ledger, is_full, pick

Fault = Callable[[Installation], AbstractContextManager[None]]
FAILURES = "zoapets_cache_failures_total"
CLIENTS = 8
# How long a fault lasts, and the time before it that it is compared with.
SPELL_S = 0.5, 4.0
MOST_TIMES_P99 = 2.0
# Below this, twice as long is within what two spells of one healthy server differ by.
NOISE_S = 0.05
TRIES = 5


@contextmanager
def killed(installation: Installation) -> Iterator[None]:
    installation.servers.kill_valkey()
    try:
        yield
    finally:
        installation.servers.start_valkey()


@contextmanager
def frozen(installation: Installation) -> Iterator[None]:
    with installation.servers.frozen_valkey():
        yield


@contextmanager
def slow(installation: Installation) -> Iterator[None]:
    installation.valkey.delay = 2.0
    try:
        yield
    finally:
        installation.valkey.delay = 0.0


FAULTS: list[Fault] = [killed, frozen, slow]


def doors_left_open(api: Api, ward: Ward) -> list[str]:
    """What is wrong with how wrong passwords are answered: five are, and no more."""
    body = {"email": ward.email, "password": "palpite"}
    answers = [httpx.post(f"{api.url}/auth/login", json=body, timeout=10) for _ in range(TRIES + 1)]
    statuses = [answer.status_code for answer in answers]
    expected = [401] * TRIES + [429]
    return [] if statuses == expected else [f"{statuses} in place of {expected}"]


def _spell(load: Load, seconds: float) -> float:
    """The p99 of so many seconds of the load, which is going on."""
    started = time.monotonic()
    load.wait_for(4 * CLIENTS, *ACKNOWLEDGED)
    wait_until(lambda: time.monotonic() >= started + seconds, "time passes")
    return load.p99(started, time.monotonic())


@pytest.mark.parametrize("fault", FAULTS)
def test_without_valkey_everything_works_and_says_so(
    installation: Installation, api: Api, proof: Ledger, fault: Fault
) -> None:
    ward, spells, seconds = new_ward(installation, doses=pick(1, 4) * DOSES_EACH), pick(1, 5), SPELL_S[is_full()]
    wait_until(lambda: api.health() == "ok", "all is well at first")
    counted, before, during = api.metric(FAILURES), list[float](), list[float]()
    with Load(api, ward, writers=CLIENTS, panels=True) as load:
        for _ in range(spells):
            before.append(_spell(load, seconds))
            with fault(installation):
                during.append(_spell(load, seconds))
                assert api.health() == "degraded"
            wait_until(lambda: api.health() == "ok", "it is found again")
        with fault(installation):
            locked = doors_left_open(api, ward)
        wait_until(lambda: api.health() == "ok", "it is found again")
    load.resolve()

    assert load.complaints == []
    assert locked == []
    assert findings(ward, load.writes) == []
    assert load.count(*ACKNOWLEDGED) == len(load.replies)
    assert load.panels_read > 0
    assert api.metric(FAILURES) > counted
    times = statistics.median(b / max(a, NOISE_S) for a, b in zip(before, during, strict=True))
    if is_full():
        assert times <= MOST_TIMES_P99, (before, during)
    proof.shown(
        f"Valkey {fault.__name__}: no error, the login limiter holds, no panel is stale, health and a metric say so",
        spells=spells,
        requests=len(load.replies),
        panels=load.panels_read,
        p99_before_ms=round(statistics.median(before) * 1000),
        p99_meanwhile_ms=round(statistics.median(during) * 1000),
    )


def test_short_freezes_leave_no_panel_stale(installation: Installation, api: Api, proof: Ledger) -> None:
    """What one worker could not tell Valkey, another must not read there."""
    ward, freezes = new_ward(installation, doses=pick(1, 2) * DOSES_EACH), pick(2, 20)
    with Load(api, ward, writers=CLIENTS, panels=True) as load:
        for n in range(freezes):
            with frozen(installation):
                load.wait_for(1 + n % (2 * CLIENTS), *ACKNOWLEDGED)
            load.wait_for(CLIENTS, *ACKNOWLEDGED)

    assert load.complaints == []
    assert findings(ward, load.writes) == []
    proof.shown("short freezes of Valkey: no panel is stale", freezes=freezes, panels=load.panels_read)


def test_the_check_sees_a_limiter_that_lives_in_valkey_alone(installation: Installation, proof: Ledger) -> None:
    ward, other = new_ward(installation), new_ward(installation)
    with installation.serving(workers=1, broken=breaks.login_failures_in_valkey_alone.__name__) as api:
        assert doors_left_open(api, ward) == [], "it holds while Valkey is there"
        with killed(installation):
            found = doors_left_open(api, other)

    assert found
    proof.seen("login failures counted in Valkey alone", answers=found[0])


def test_the_check_sees_a_panel_that_is_stale(installation: Installation, proof: Ledger) -> None:
    ward = new_ward(installation)
    with (
        installation.serving(workers=1, broken=breaks.panel_believed_for_a_second.__name__) as api,
        Load(api, ward, writers=CLIENTS, panels=True) as load,
    ):
        wait_until(lambda: len(load.complaints) > 0, "a stale panel is seen")

    assert "the panel shows doses that were given" in load.complaints[0]
    proof.seen("a panel that is believed for a second", complaints=len(load.complaints))
