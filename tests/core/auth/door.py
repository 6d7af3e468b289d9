"""At the door: a client with an address of its own, people it may claim to be, and a clock that stands still."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.cast import PASSWORD, PASSWORD_HASH, Hospital, Stage, number
from zoapets.common.ids import new_id


class Door:
    """A client with an address that no other test has."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def login(self, email: str, password: str = PASSWORD, tenant: Any = None) -> httpx.Response:
        body = {"email": email, "password": password} | ({"tenantId": str(tenant)} if tenant else {})
        return await self.http.post("/auth/login", json=body)

    async def tokens(self, email: str) -> dict[str, Any]:
        """What a login answers, which must be 200."""
        answer = await self.login(email)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refresh(self, token: str) -> httpx.Response:
        return await self.http.post("/auth/refresh", json={"refreshToken": token})

    async def call(self, method: str, path: str, token: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})

    async def me(self, token: str) -> httpx.Response:
        return await self.call("GET", "/auth/me", token)


def at(stage: Stage, address: str) -> httpx.AsyncClient:
    """A client that calls from `address`."""
    transport = httpx.ASGITransport(stage.app, raise_app_exceptions=False, client=(address, 40_000))
    return httpx.AsyncClient(transport=transport, base_url="http://zoapets.test")


def address() -> str:
    count = number()
    return f"10.{count // 65536 % 256}.{count // 256 % 256}.{count % 256}"


async def known(
    hospital: Hospital, email: str | None = None, *, role: str = "Enfermeiro", senha_hash: str = PASSWORD_HASH
) -> tuple[UUID, str]:
    """A user who has never signed in: their id and e-mail."""
    user_id, email = new_id(), email or f"visitante{number()}@{hospital.slug}.test"
    await hospital.sql(
        "insert into {s}.users (id, nome, email, senha_hash) values ($1, 'Visitante', $2, $3)",
        user_id,
        email,
        senha_hash,
    )
    await hospital.sql(
        "insert into {s}.user_roles (user_id, role_id) select $1, id from {s}.roles where nome = $2", user_id, role
    )
    return user_id, email


async def verified_last(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    right: Callable[[], Coroutine[Any, Any, httpx.Response]],
    wrong: Callable[[], Awaitable[httpx.Response]],
) -> httpx.Response:
    """The answer to the right guess: all pass the first look, and it is verified when the tries are used up."""
    verify, used_up = stage.runtime.passwords.verify, asyncio.Event()

    async def late(password: str, hashed: str | None) -> tuple[bool, str | None]:
        if password == PASSWORD:
            await used_up.wait()
        return await verify(password, hashed)

    monkeypatch.setattr(stage.runtime.passwords, "verify", late)
    async with asyncio.TaskGroup() as group:
        guess = group.create_task(right())
        while (await wrong()).status_code != httpx.codes.TOO_MANY_REQUESTS:
            pass
        used_up.set()
    return guess.result()


def gist(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """An answer without what differs from one request to the next."""
    return answer.status_code, {k: v for k, v in answer.json().items() if k not in {"timestamp", "requestId"}}


def kind(answer: httpx.Response) -> tuple[int, str]:
    """The status of an error, and its stable code."""
    return answer.status_code, answer.json()["type"].removeprefix("/problemas/")


class StillClock:
    """Time that passes only when told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
