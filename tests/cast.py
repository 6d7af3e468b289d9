"""The cast: an installation, its hospitals, and people who are signed in.

Everything a test makes goes through the API, as an administrator; people are signed in without a password, for
speed (logging in has tests of its own).
"""

import asyncio
import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import asyncpg
import httpx

from zoapets.app import Application, create_app
from zoapets.common.clock import Clock
from zoapets.common.ids import new_id
from zoapets.core.config import Settings
from zoapets.core.owner.provisioning import NewTenant, prepare_installation, provision
from zoapets.core.runtime import Runtime

PASSWORD = "zoapets123"
# argon2id of PASSWORD, cheap: made for tests only.
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$WM723B6K6TYPjqmcFEr2CA$IB7F3O/PYBTG+cLIGvlINma5hMY6XMEC/MQtVUe2mfA"
_numbers = itertools.count(1)


def number() -> int:
    """A number that no other test of this worker has."""
    return next(_numbers)


async def until(condition: Callable[[], Any], *, seconds: float = 10) -> None:
    """Wait until `condition` (a coroutine function, or not) is true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.005)


async def seal_all(connection: Any) -> None:
    """Seal the trail of the hospital of its search path; other databases' transactions may hold it up for a while."""

    async def nothing_is_left() -> bool:
        return not await connection.fetchval("select restam from selar_auditoria()")

    await until(nothing_is_left, seconds=60)


class Person:
    """Somebody who is signed in; calls the API with their token."""

    def __init__(self, stage: "Stage", id: UUID, email: str, token: str) -> None:
        self.id = id
        self.email = email
        self.token = token
        self._stage = stage

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Headers are given as `if_match='"1"'`."""
        sent = {"authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await self._stage.http.request(method, path, json=body, headers=sent)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        query = {name: value for name, value in params.items() if value is not None}
        return await self._stage.http.get(path, params=query, headers={"authorization": f"Bearer {self.token}"})

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.call("POST", path, body, **headers)

    async def patch(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.call("PATCH", path, body, **headers)

    async def delete(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.call("DELETE", path, body, **headers)


@dataclass
class Stage:
    """The installation under test."""

    owner_url: str
    settings: Settings
    clock: Clock
    app: Application
    http: httpx.AsyncClient
    owner: Any
    owner_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _down: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, owner_url: str, valkey_url: str, **changed: Any) -> Self:
        app_url = owner_url.replace("postgres@", "zoapets_app@", 1)
        settings = Settings(
            database_url=app_url,
            owner_url=owner_url,
            redis_url=valkey_url,
            jwt_secret="k" * 20 + "test-signing-key-for-access",
            jwt_refresh_secret="r" * 20 + "test-signing-key-for-refresh",
            jwt_expires_in=timedelta(days=365),
            jwt_refresh_expires_in=timedelta(days=400),
            access_ttl=timedelta(0),
            log_level="error",
            # Nothing happens behind a test's back.
            **{"seal_interval": timedelta(hours=1)} | changed,
        )
        owner = await asyncpg.connect(owner_url)
        await prepare_installation(owner, app_url)
        clock = Clock()
        app = create_app(settings, clock)
        stage = cls(owner_url, settings, clock, app, _client(app), owner)
        stage._life = asyncio.create_task(stage._live())
        await stage._up.wait()
        return stage

    async def _live(self) -> None:
        # In a task of its own: what the application opens must be closed by the task that opened it.
        async with self.app.litestar.lifespan():
            self._up.set()
            await self._down.wait()

    async def close(self) -> None:
        await self.http.aclose()
        self._down.set()
        if self._life is not None:
            await self._life
        await self.owner.close()

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.app.litestar.state.runtime
        return runtime

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def hospital(self, slug: str | None = None, *, platform: bool = False) -> "Hospital":
        """A hospital of this name, or a new one."""
        slug = slug or f"hospital-{number()}"
        new = NewTenant(
            slug=slug,
            nome=f"Hospital {slug.title()}",
            admin_nome="Administração",
            admin_email=f"admin@{slug}.test",
            admin_senha_hash=PASSWORD_HASH,
            platform=platform,
        )
        made = await provision(self.owner, new)
        schema = await self.owner.fetchval("select schema_name from public.tenants where id = $1", made)
        return Hospital(self, made, slug, schema)


def _client(app: Application) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://zoapets.test")


@dataclass
class Hospital:
    """A hospital and its people."""

    stage: Stage
    id: UUID
    slug: str
    schema: str
    _people: dict[str, Person] = field(default_factory=dict)

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        """As the owner, behind the application's back: to look, or to arrange what no verb can."""
        text = statement.replace("{s}", self.schema)
        async with self.stage.owner_lock:
            found: list[Any] = await self.stage.owner.fetch(text, *args)
        return found

    async def is_sealed(self) -> bool:
        """Whether every row of its trail is in a seal."""
        ((left,),) = await self.sql(
            "select count(*) from {s}.auditoria"
            " where transacao >= (select coalesce(max(ate_transacao), 0) from {s}.auditoria_selos)"
        )
        return bool(left == 0)

    async def signed_in(self, role: str = "Administrador", *, new: bool = False) -> Person:
        """A person of this role (the same one each time, unless `new`)."""
        if role in self._people and not new:
            return self._people[role]
        person_id, email = new_id(), f"pessoa{number()}@{self.slug}.test"
        await self.sql(
            "insert into {s}.users (id, nome, email, senha_hash) values ($1, $2, $3, $4)",
            person_id,
            f"{role} {person_id.hex[-4:]}",
            email,
            PASSWORD_HASH,
        )
        await self.sql(
            "insert into {s}.user_roles (user_id, role_id) select $1, id from {s}.roles where nome = $2",
            person_id,
            role,
        )
        person = await self.sign_in(person_id, email, (role,))
        if not new:
            self._people[role] = person
        return person

    async def sign_in(self, id: UUID, email: str, roles: tuple[str, ...] = ()) -> Person:
        """A session for an existing user."""
        session, now = new_id(), self.stage.now
        await self.sql(
            "insert into {s}.sessoes (id, user_id, refresh_hash, criada_em, renovada_em, expira_em)"
            " values ($1, $2, 'x', $3, $3, $4)",
            session,
            id,
            now,
            now + timedelta(days=400),
        )
        token = self.stage.runtime.tokens.access(
            user_id=id, email=email, roles=roles, tenant_id=self.id, sessao_id=session, now=now - timedelta(days=1)
        )
        return Person(self.stage, id, email, token)

    # --- things, made through the API

    async def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What POST `path` answers, which must be 201."""
        answer = await (await self.signed_in()).post(path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def tutor(self, **given: Any) -> dict[str, Any]:
        return await self.made("/tutores", {"nome": f"Tutor {number()}", "telefone": "+5511987654321"} | given)

    async def pet(self, **given: Any) -> dict[str, Any]:
        if "tutorId" not in given:
            given["tutorId"] = (await self.tutor())["id"]
        return await self.made("/pets", {"nome": f"Pet {number()}", "especie": "canina"} | given)

    async def medicamento(self, **given: Any) -> dict[str, Any]:
        """An injectable of 50 mg/mL."""
        body = {"principioAtivo": "Cefalotina", "apresentacao": "Frasco", "vias": ["IV", "SC"], "forma": "po_injetavel"}
        strength = {"concentracao": 50, "concentracaoUnidade": "mg/mL"}
        return await self.made("/medicamentos", body | strength | {"nome": f"Medicamento {number()}"} | given)

    async def unidade(self, **given: Any) -> dict[str, Any]:
        return await self.made("/unidades", {"nome": f"Unidade {number()}"} | given)

    async def ala(self, **given: Any) -> dict[str, Any]:
        if "unidadeId" not in given:
            given["unidadeId"] = (await self.unidade())["id"]
        return await self.made("/alas", {"nome": f"Ala {number()}"} | given)

    async def leito(self, **given: Any) -> dict[str, Any]:
        if "alaId" not in given:
            given["alaId"] = (await self.ala())["id"]
        return await self.made("/leitos", {"codigo": f"L-{number()}"} | given)

    async def internacao(self, **given: Any) -> dict[str, Any]:
        """A new pet in a new bed; with `leitoId=None` it waits for one."""
        if "petId" not in given:
            given["petId"] = (await self.pet())["id"]
        if "leitoId" not in given:
            given["leitoId"] = (await self.leito())["id"]
        return await self.made("/internacoes", {"motivo": "Vômito e prostração"} | given)

    async def role(self, **given: Any) -> dict[str, Any]:
        return await self.made("/roles", {"nome": f"Perfil {number()}", "permissoes": ["pets:ler"]} | given)

    async def user(self, **given: Any) -> dict[str, Any]:
        """With a role that reads pets, unless `roleIds` says otherwise."""
        if "roleIds" not in given:
            given["roleIds"] = [(await self.role())["id"]]
        email = f"user{number()}@{self.slug}.test"
        return await self.made("/users", {"nome": f"Pessoa {number()}", "email": email, "senha": PASSWORD} | given)
