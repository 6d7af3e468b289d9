"""Failed logins: counted by e-mail and by address, and slowed down.

After 5 failures for an e-mail, or 100 for an address, every further one doubles the time until the next try: 1 s, 2 s,
4 s, at most 15 minutes. 15 quiet minutes forget them. An e-mail that no hospital knows is counted like any other, so
that nothing here tells whether an account exists. Counted in PostgreSQL: the limit holds over all workers, and a
database that is away lets nobody in.
"""

import hashlib
import math
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from sqlalchemy import ColumnElement, DateTime, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from zoapets.common.clock import Clock
from zoapets.common.errors import TooManyRequests
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.pool import Pool
from zoapets.core.statements import query
from zoapets.core.tenancy import shared_gate
from zoapets.entities.shared import EmailDirectory, LoginAttempt

MOST_BY_EMAIL, MOST_BY_ADDRESS = 5, 100
WINDOW = timedelta(minutes=15)
LONGEST_DELAY_S = 15 * 60
KEPT = timedelta(days=1)


class MuitasTentativasDeLogin(TooManyRequests):
    """Too many failed logins for this e-mail, or from this address."""

    title = "Muitas tentativas de entrar."


_now = bindparam("now", type_=DateTime(timezone=True))
# Of a key that is waiting, the wait counts too: 15 minutes of it must not wipe the slate.
_last: ColumnElement[datetime] = func.greatest(LoginAttempt.ultima_em, LoginAttempt.bloqueado_ate)
_free = or_(LoginAttempt.bloqueado_ate.is_(None), LoginAttempt.bloqueado_ate <= _now)

# How many there are now. No row comes back for a key that is waiting: another failure got there first.
FAIL = query(
    insert(LoginAttempt)
    .values(chave=bindparam("chave"), falhas=1, ultima_em=_now)
    .on_conflict_do_update(
        index_elements=[LoginAttempt.chave],
        set_={"falhas": case((_last > bindparam("since"), LoginAttempt.falhas + 1), else_=1), "ultima_em": _now},
        where=_free,
    )
    .returning(LoginAttempt.falhas)
)
MAKE_WAIT = query(
    update(LoginAttempt).where(LoginAttempt.chave == bindparam("key")).values(bloqueado_ate=bindparam("until"))
)
WAITING_UNTIL = query(
    select(func.max(LoginAttempt.bloqueado_ate)).where(
        LoginAttempt.chave.in_([bindparam("by_email"), bindparam("by_address")]), LoginAttempt.bloqueado_ate > _now
    )
)
# An e-mail known to several hospitals is not forgiven: who signs in at one of them must not get, by that, more guesses
# at another.
_hospitals = (
    select(func.count()).select_from(EmailDirectory).where(EmailDirectory.email == bindparam("email")).scalar_subquery()
)
FORGIVE = query(delete(LoginAttempt).where(LoginAttempt.chave == bindparam("chave"), _free, _hospitals == 1))
_old = select(LoginAttempt.chave).where(_last < bindparam("before", type_=DateTime(timezone=True)))
SWEEP = query(delete(LoginAttempt).where(LoginAttempt.chave.in_(_old.limit(1000).with_for_update(skip_locked=True))))


class Attempts:
    """The counters behind `POST /auth/login`. Only failures are written."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def check(self, db: UnitOfWork, email: str, address: str) -> None:
        """MuitasTentativasDeLogin, with `Retry-After`, when this e-mail or address must wait."""
        now = self._clock.now()
        until: datetime | None = await db.one(
            WAITING_UNTIL, by_email=email_key(email), by_address=address_key(address), now=now
        )
        if until is not None:
            seconds = max(1, math.ceil((until - now).total_seconds()))
            raise MuitasTentativasDeLogin(headers={"Retry-After": str(seconds)})

    async def failed(self, email: str, address: str) -> None:
        """Count a failure. MuitasTentativasDeLogin when others, checked at the same time, used up the tries."""
        now = self._clock.now()
        keys = {email_key(email): MOST_BY_EMAIL}
        if (by_address := address_key(address)) is not None:
            keys[by_address] = MOST_BY_ADDRESS
        async with self._shared() as db:
            counted = [await self._count(db, key, most, now) for key, most in keys.items()]
        if email_key(email).startswith("00"):
            async with self._shared() as db:
                await db.run(SWEEP, before=now - KEPT)
        if not all(counted):
            async with self._shared() as db:
                await self.check(db, email, address)

    async def succeeded(self, email: str, address: str) -> None:
        """Forgive the e-mail. MuitasTentativasDeLogin when its tries were used up meanwhile.

        With this second look, a thousand guesses sent at once are not a thousand guesses.
        """
        async with self._shared() as db:
            await self.check(db, email, address)
            await db.run(FORGIVE, chave=email_key(email), email=email, now=self._clock.now())

    async def _count(self, db: UnitOfWork, key: str, most: int, now: datetime) -> bool:
        failures: int | None = await db.first(FAIL, chave=key, now=now, since=now - WINDOW)
        if failures is not None and failures >= most:
            # Bounded before it is a power: a patient attacker must not overflow it.
            seconds = min(2 ** min(failures - most, 10), LONGEST_DELAY_S)
            await db.run(MAKE_WAIT, key=key, until=now + timedelta(seconds=seconds))
        return failures is not None

    def _shared(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return finishing(UnitOfWork(self._pool, shared_gate()))


def email_key(email: str) -> str:
    return _digest(f"email:{email}")


def address_key(address: str) -> str | None:
    """Of a client's address: an IPv6 client has a whole /64 to itself. None where there is no address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, IPv6Address):
        return _digest(f"ip:{IPv6Network((ip, 64), strict=False)}")
    return _digest(f"ip:{ip}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
