"""Failed logins are slowed down, in a way that tells nobody which accounts exist."""

import asyncio
import itertools
from datetime import timedelta

import httpx
import pytest

from tests.cast import PASSWORD, Hospital, Stage, number
from tests.core.auth.door import Door, StillClock, address, at, gist, kind, known, verified_last
from zoapets.core.auth.attempts import Attempts, address_key, email_key
from zoapets.core.database import UnitOfWork

WRONG = "uma senha errada"
LIMITED = (429, "muitas-tentativas-de-login")


async def fail(door: Door, email: str, times: int) -> list[int]:
    return [(await door.login(email, WRONG)).status_code for _ in range(times)]


async def test_five_failures_make_the_next_try_wait(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)

    assert await fail(door, email, 6) == [401] * 5 + [429]
    right = await door.login(email)
    assert kind(right) == LIMITED
    assert right.headers["retry-after"] == "1"
    still.forward(1)
    assert (await door.login(email)).status_code == 200


async def test_an_unknown_email_is_slowed_down_just_the_same(
    stage: Stage, hospital: Hospital, door: Door, still: StillClock
) -> None:
    _, email = await known(hospital)
    async with at(stage, address()) as http:
        stranger = f"ninguem{number()}@exemplo.com.br"
        told = [(await door.login(email, WRONG), await Door(http).login(stranger, WRONG)) for _ in range(7)]
        still.forward(1)
        told += [(await door.login(email, WRONG), await Door(http).login(stranger, WRONG)) for _ in range(2)]

    assert [answer.status_code for answer, _ in told] == [401] * 5 + [429] * 2 + [401, 429]
    for one, other in told:
        assert gist(one) == gist(other)
        assert one.headers.get("retry-after") == other.headers.get("retry-after")
        assert one.headers.keys() == other.headers.keys()


async def test_the_wait_doubles_up_to_fifteen_minutes(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    await fail(door, email, 4)
    waits = []
    for _ in range(13):
        assert (await door.login(email, WRONG)).status_code == 401
        limited = await door.login(email, WRONG)
        assert kind(limited) == LIMITED
        waits.append(int(limited.headers["retry-after"]))
        still.forward(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


async def test_a_try_that_must_wait_does_not_make_the_wait_longer(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    _, email = await known(hospital)
    await fail(door, email, 5)
    assert {(await door.login(email, WRONG)).headers["retry-after"] for _ in range(20)} == {"1"}
    still.forward(1)
    assert (await door.login(email)).status_code == 200


async def test_a_success_forgives_the_email(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    for _ in range(3):
        assert await fail(door, email, 4) == [401] * 4
        assert (await door.login(email)).status_code == 200


async def test_fifteen_quiet_minutes_forgive_the_email(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    await fail(door, email, 4)
    still.forward(15 * 60)
    assert await fail(door, email, 6) == [401] * 5 + [429]


async def test_the_longest_wait_is_not_fifteen_quiet_minutes(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    await fail(door, email, 5)
    await hospital.sql("update public.login_attempts set falhas = 40 where chave = $1", email_key(email))
    still.forward(1)
    await fail(door, email, 1)
    still.forward(900)
    await fail(door, email, 1)
    assert (await door.login(email)).headers["retry-after"] == "900"


async def test_a_login_without_failures_writes_no_counter(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    await door.login(email)
    assert await hospital.sql("select from public.login_attempts where chave = $1", email_key(email)) == []


async def test_signing_in_at_one_hospital_gives_no_more_guesses_at_another(
    hospital: Hospital, other_hospital: Hospital, door: Door
) -> None:
    """Whoever runs a hospital can give any e-mail a password there."""
    _, email = await known(hospital)
    await known(other_hospital, email)
    for _ in range(4):
        assert (await door.login(email, WRONG, hospital.slug)).status_code == 401
    assert (await door.login(email, PASSWORD, other_hospital.slug)).status_code == 200
    assert (await door.login(email, WRONG, hospital.slug)).status_code == 401
    assert kind(await door.login(email, PASSWORD, hospital.slug)) == LIMITED


@pytest.mark.usefixtures("still")
async def test_guesses_sent_at_once_are_no_more_guesses(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    statuses = [answer.status_code for answer in await asyncio.gather(*(door.login(email, WRONG) for _ in range(24)))]
    assert (statuses.count(401), statuses.count(429)) == (5, 19)


async def test_the_right_guess_among_those_sent_at_once_is_not_told_beyond_the_limit(
    stage: Stage, hospital: Hospital, door: Door, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)

    answer = await verified_last(
        stage, monkeypatch, right=lambda: door.login(email), wrong=lambda: door.login(email, WRONG)
    )

    assert kind(answer) == LIMITED
    still.forward(1)
    assert (await door.login(email)).status_code == 200


async def test_a_hundred_failures_slow_an_address_down_and_no_other(
    stage: Stage, hospital: Hospital, still: StillClock
) -> None:
    _, email = await known(hospital)
    guilty, innocent = address(), address()
    async with at(stage, guilty) as http, at(stage, innocent) as other:
        statuses = await spray(http, 100)
        limited = await Door(http).login(email)
        assert statuses == [401] * 100
        assert (kind(limited), limited.headers["retry-after"]) == (LIMITED, "1")
        assert (await Door(other).login(email)).status_code == 200
        still.forward(1)
        assert (await Door(http).login(email)).status_code == 200
        # A success does not forgive the address: it may be one of an attacker's own accounts.
        assert await spray(http, 2) == [401, 429]


async def spray(http: httpx.AsyncClient, times: int) -> list[int]:
    """Failures for as many e-mails: unfit hospitals are named, so that the e-mails need not be known."""
    return [(await Door(http).login(f"ninguem{number()}@exemplo.com.br")).status_code for _ in range(times)]


def test_an_ipv6_client_is_its_whole_network() -> None:
    assert address_key("2001:db8:1:2::1") == address_key("2001:db8:1:2:ffff::9") != address_key("2001:db8:1:3::1")


def test_a_client_without_an_address_is_counted_by_email_alone() -> None:
    assert address_key("-") is None


async def test_clients_without_an_address_can_fail_too(stage: Stage) -> None:
    async with at(stage, "-") as http:
        assert await fail(Door(http), f"ninguem{number()}@exemplo.com.br", 6) == [401] * 5 + [429]


COUNTERS = (
    "insert into public.login_attempts (chave, falhas, ultima_em, bloqueado_ate)"
    " select name, 9, $2, $3 from unnest($1::text[]) as name"
)


def sweeping() -> str:
    """An e-mail whose failure has old counters swept away."""
    emails = (f"ninguem{number()}@exemplo.com.br" for _ in itertools.count())
    return next(email for email in emails if email_key(email).startswith("00"))


async def left(hospital: Hospital, *keys: str) -> list[str]:
    kept = await hospital.sql("select chave from public.login_attempts where chave = any($1) order by chave", keys)
    return [row["chave"] for row in kept]


async def test_counters_are_swept_away_after_a_day(hospital: Hospital, door: Door, still: StillClock) -> None:
    now, day = still.now(), timedelta(days=1)
    names = [f"contador {number()}" for _ in range(5)]
    times = [(now - day - timedelta(seconds=1), None), (now - 2 * day, now - day - timedelta(seconds=1))]
    times += [(now - day, None), (now - 2 * day, now - day), (now - day - timedelta(hours=1), now)]
    for name, (last, until) in zip(names, times, strict=True):
        await hospital.sql(COUNTERS, [name], last, until)

    await door.login(sweeping())

    assert await left(hospital, *names) == names[2:]


async def test_a_thousand_counters_are_swept_at_a_time(hospital: Hospital, door: Door, still: StillClock) -> None:
    await door.login(sweeping())
    names = [f"muitos {number()}" for _ in range(1001)]
    await hospital.sql(COUNTERS, names, still.now() - timedelta(days=2), None)

    await door.login(sweeping())
    assert len(await left(hospital, *names)) == 1
    await door.login(sweeping())
    assert await left(hospital, *names) == []


async def test_a_counter_that_another_holds_does_not_hold_up_the_sweep(
    stage: Stage, hospital: Hospital, door: Door, still: StillClock
) -> None:
    held, free = (f"velha {number()}" for _ in range(2))
    await hospital.sql(COUNTERS, [held, free], still.now() - timedelta(days=2), None)

    async with stage.owner.transaction():
        await stage.owner.execute("select from public.login_attempts where chave = $1 for update", held)
        assert (await door.login(sweeping())).status_code == 401

    assert await left(hospital, held, free) == [held]


@pytest.mark.usefixtures("still")
async def test_a_wait_that_begins_while_the_email_is_forgiven_stands(
    hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)
    await fail(door, email, 5)

    async def before_it_began(self: Attempts, db: UnitOfWork, email: str, address: str) -> None:
        del self, db, email, address

    with monkeypatch.context() as look:
        look.setattr(Attempts, "check", before_it_began)
        assert (await door.login(email)).status_code == 200

    assert kind(await door.login(email)) == LIMITED


async def test_what_is_counted_names_nobody(hospital: Hospital, door: Door) -> None:
    email = f"ninguem{number()}@exemplo.com.br"
    await door.login(email)
    rows = await hospital.sql("select chave from public.login_attempts where chave = $1", email_key(email))
    assert [len(row["chave"]) for row in rows] == [64]
    assert not await hospital.sql("select from public.login_attempts where chave like '%@%'")
