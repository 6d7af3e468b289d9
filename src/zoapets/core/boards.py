"""Boards: answers that many screens of a hospital ask for again and again, kept in Valkey for a second.

A board is made once a second at most, however many screens show it, and never shows less than what the hospital was
told is stored. Each hospital has a token, which names its present state. A write that changes what a board shows puts
another in its place after its commit and before its answer; a board is kept with the token that was read before it was
made, and is good for that token alone. Where Valkey is away, every request makes its own.

The one gap: Valkey answers one worker and not another, which has just written. Then a board may lag for that second.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from zoapets.core.cache import AwayError, Cache
from zoapets.core.statements import Change

KEPT = timedelta(seconds=1)
# Tokens outlive every board; one that is lost is drawn anew.
TOKEN_KEPT_S = 24 * 3600
# How long to wait for another worker that is making the board, and how often to look.
PATIENCE_S, LOOK_S = 0.5, 0.02
# Of each, a worker holds the newest itself; the others are in Valkey.
MOST_HELD = 32


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of board: its name, and what changes it: rows added to some tables, rows changed in others."""

    name: str
    added: frozenset[str]
    changed: frozenset[str]

    def shows(self, changes: frozenset[Change]) -> bool:
        return any(change.table in (self.added if change.adds else self.changed) for change in changes)


_boards: list[Board] = []


def board(name: str, *, added: Iterable[str], changed: Iterable[str]) -> Board:
    """Declare a board, once, beside the statements that it is made of."""
    declared = Board(name, frozenset(added), frozenset(changed))
    _boards.append(declared)
    return declared


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A board as it was made: for which token, when, its ETag and its bytes."""

    token: bytes
    at: datetime
    etag: str
    body: bytes


class AbandonedError(Exception):
    """Whoever was making the board has gone."""


class Boards:
    """Makes, keeps and forgets them."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._held: dict[str, Made] = {}
        self._making: dict[tuple[str, bytes], asyncio.Future[Made]] = {}
        self._telling: dict[UUID, asyncio.Task[None]] = {}
        self._next: dict[UUID, asyncio.Task[None]] = {}
        # Hospitals that were written to while Valkey was away: told before their boards are kept again.
        self._untold: set[UUID] = set()

    async def get(
        self, board: Board, hospital: UUID, asked: str, now: datetime, make: Callable[[], Awaitable[bytes]]
    ) -> Made:
        """The hospital's board for `asked` (its parameters): one that is kept, or as `make` makes it now."""
        try:
            if hospital in self._untold:
                await self._draw(hospital)
            token = await self._token(hospital)
        except AwayError:
            return _made(b"", now, await make())
        key = f"zoapets:{hospital}:{board.name}:{asked}"
        while True:
            held = self._held.get(key)
            if held is not None and _is_good(held, token, now):
                return held
            making = self._making.get((key, token))
            if making is None:
                return await self._make(key, token, now, make)
            try:
                return await asyncio.shield(making)
            except AbandonedError:
                continue

    async def written(self, hospital: UUID, changes: frozenset[Change]) -> None:
        """After a commit: when this returns, no board shows the hospital as it was before `changes`.

        One message serves all writes that were committed before it is sent.
        """
        if not self._cache.configured or not any(board.shows(changes) for board in _boards):
            return
        following = self._next.get(hospital)
        if following is None:
            following = asyncio.create_task(self._tell(hospital, self._telling.get(hospital)))
            self._next[hospital] = following
        await asyncio.shield(following)

    # --- making

    async def _make(self, key: str, token: bytes, now: datetime, make: Callable[[], Awaitable[bytes]]) -> Made:
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self._making[key, token] = future
        try:
            made = await self._kept_elsewhere(key, token, now) or _made(token, now, await make())
            if made.at == now:
                await self._keep(key, made)
            self._held.pop(key, None)
            if len(self._held) >= MOST_HELD:
                del self._held[next(iter(self._held))]
            self._held[key] = made
            future.set_result(made)
            return made
        finally:
            del self._making[key, token]
            if not future.done():
                future.set_exception(AbandonedError())
                # Heard, where nobody waits.
                future.exception()

    async def _kept_elsewhere(self, key: str, token: bytes, now: datetime) -> Made | None:
        """What another worker has made, or is making just now."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    found = await self._cache.get(key)
                    if found is not None and _is_good(made := msgspec.msgpack.decode(found, type=Made), token, now):
                        return made
                    if await self._cache.put(f"{key}:making", token, only_new=True, keep_ms=_KEPT_MS):
                        return None
                    await asyncio.sleep(LOOK_S)
        except (AwayError, TimeoutError):
            return None

    async def _keep(self, key: str, made: Made) -> None:
        try:
            await self._cache.put(key, msgspec.msgpack.encode(made), keep_ms=_KEPT_MS)
            await self._cache.remove(f"{key}:making")
        except AwayError:
            return

    # --- tokens

    async def _token(self, hospital: UUID) -> bytes:
        name = _token_name(hospital)
        if (token := await self._cache.get(name)) is not None:
            return token
        await self._cache.put(name, secrets.token_bytes(12), only_new=True, keep_ms=TOKEN_KEPT_S * 1000)
        return await self._cache.get(name) or b""

    async def _tell(self, hospital: UUID, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._telling[hospital] = self._next.pop(hospital)
        try:
            await self._draw(hospital)
        except AwayError:
            self._untold.add(hospital)
        finally:
            # Its own: whoever follows begins when this has ended.
            del self._telling[hospital]

    async def _draw(self, hospital: UUID) -> None:
        """Put a new token in the old one's place."""
        await self._cache.put(_token_name(hospital), secrets.token_bytes(12), keep_ms=TOKEN_KEPT_S * 1000)
        self._untold.discard(hospital)


_KEPT_MS = int(KEPT.total_seconds() * 1000)


def _token_name(hospital: UUID) -> str:
    return f"zoapets:{hospital}:estado"


def _made(token: bytes, at: datetime, body: bytes) -> Made:
    return Made(token, at, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', body)


def _is_good(made: Made, token: bytes, now: datetime) -> bool:
    return made.token == token and timedelta() <= now - made.at < KEPT
