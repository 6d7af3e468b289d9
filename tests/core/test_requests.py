"""What every request is answered with: ids, headers, problems, bounds, health."""

import json
import re
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.cast import Hospital, Stage, _client
from zoapets.app import create_app
from zoapets.common.errors import Problem
from zoapets.core.auth import access
from zoapets.core.config import Settings
from zoapets.core.context import TenantContext
from zoapets.core.database import UnitOfWork
from zoapets.core.statements import query
from zoapets.core.tenancy import Origin, tenant_gate

WRITE = query(text("insert into eventos (em, tipo, dados) values (now(), 'x', '{}')"))
UUID = "01890000-0000-7000-8000-000000000000"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "statusCode", "timestamp", "path", "message"}


def assert_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= PROBLEM_MEMBERS
    assert body["type"] == f"/problemas/{kind}"
    return body


async def test_a_request_id_comes_back_and_a_wild_one_is_replaced(stage: Stage) -> None:
    given = await stage.http.get("/health/live", headers={"x-request-id": "pedido-1"})
    wild = await stage.http.get("/health/live", headers={"x-request-id": "a b\tc"})

    assert given.headers["x-request-id"] == "pedido-1"
    assert re.fullmatch(r"[0-9a-f-]{36}", wild.headers["x-request-id"])


async def test_every_answer_carries_security_headers_also_a_404(stage: Stage) -> None:
    for path in ("/health/live", "/nada"):
        headers = (await stage.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_what_is_not_there_is_a_problem_of_the_same_shape(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    assert_problem(await admin.get("/nada"), 404, "not-found")
    assert_problem(await admin.get("/pets/não-é-uuid"), 404, "not-found")
    assert_problem(await admin.get(f"/pets/{UUID}"), 404, "pet-nao-encontrado")
    wrong_method = await admin.call("PUT", f"/pets/{UUID}", {})
    assert_problem(wrong_method, 405, "method-not-allowed")
    assert "GET" in wrong_method.headers["allow"]


async def test_options_says_every_method_of_an_address(stage: Stage) -> None:
    answer = await stage.http.options("/tutores")

    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, OPTIONS, POST")


async def test_bodies_are_json_bounded_and_uncompressed(hospital: Hospital) -> None:
    admin, http = await hospital.signed_in(), hospital.stage.http
    auth = {"authorization": f"Bearer {admin.token}"}

    async def sent(content: bytes, **headers: str) -> httpx.Response:
        with_type = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()} | auth
        return await http.post("/tutores", content=content, headers=with_type)

    assert_problem(
        await sent(b"nome=Ana", content_type="application/x-www-form-urlencoded"), 415, "unsupported-media-type"
    )
    assert_problem(await sent(b"{}", content_encoding="gzip"), 415, "unsupported-media-type")
    assert_problem(await sent(b" " * 1_100_000), 413, "payload-too-large")
    for broken in (b"{", b'{"nome": NaN}', b"\xff", b'{"nome": "Jo\xe3o"}', b"[" * 5000):
        assert_problem(await sent(broken), 400, "bad-request")
    assert_problem(await sent(b"[]"), 422, "unprocessable")
    assert_problem(await sent(b'{"nome": "A\\u0000na", "telefone": "+5511987654321"}'), 422, "unprocessable")


async def test_a_body_without_a_length_is_bounded_too(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    async def endless() -> Any:
        for _ in range(30):
            yield b" " * 65_536

    headers = {"content-type": "application/json", "authorization": f"Bearer {admin.token}"}
    answer = await hospital.stage.http.post("/tutores", content=endless(), headers=headers)

    assert_problem(answer, 413, "payload-too-large")


async def test_nobody_is_told_to_sign_in(stage: Stage) -> None:
    answer = await stage.http.get("/pets")

    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_problem_says_what_it_means_and_what_to_do() -> None:
    problems = list(Problem.all())
    assert len({problem.slug() for problem in problems}) == len(problems)
    for problem in problems:
        assert problem.title.endswith(".")
        assert problem.advice


async def test_a_filter_that_is_null_is_refused_not_forgotten(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    body = assert_problem(await admin.get("/pets", arquivados="null", tutorId="NULL", page="0"), 422, "unprocessable")

    assert [error["field"] for error in body["errors"]] == ["tutorId", "arquivados", "page"]
    assert (await admin.get("/pets", busca="null")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/configuracoes", {"toleranciaAtrasoMinutos": "12"}, "toleranciaAtrasoMinutos"),
        ("/configuracoes", {"toleranciaAtrasoMinutos": 12.5}, "toleranciaAtrasoMinutos"),
        ("/configuracoes", {"exigirIfMatch": "true"}, "exigirIfMatch"),
        ("/configuracoes", {"exigirIfMatch": 0}, "exigirIfMatch"),
        (f"/administracoes/{UUID}/realizar", {"dataHoraRealizada": 1_700_000_000}, "dataHoraRealizada"),
        (f"/administracoes/{UUID}/realizar", {"dataHoraRealizada": "1700000000"}, "dataHoraRealizada"),
    ],
)
async def test_a_body_is_read_as_it_stands(new_hospital: Hospital, path: str, body: dict[str, Any], field: str) -> None:
    admin = await new_hospital.signed_in()

    answer = await admin.patch(path, body)

    assert [error["field"] for error in assert_problem(answer, 422, "unprocessable")["errors"]] == [field]


@pytest.mark.parametrize("text", ["0.5", "1700000000", "-1", "1e9", "170000000-1"])
async def test_a_number_is_no_instant(hospital: Hospital, text: str) -> None:
    admin = await hospital.signed_in()

    body = assert_problem(await admin.get("/administracoes", desde=text), 422, "unprocessable")

    assert body["errors"] == [{"field": "desde", "message": "deve ser data e hora com fuso"}]


@pytest.mark.parametrize("etag", ["3", '"x"', "W/3", '"-1"'])
async def test_an_if_match_that_is_no_etag_is_malformed(hospital: Hospital, etag: str) -> None:
    tutor, admin = await hospital.tutor(), await hospital.signed_in()

    assert_problem(await admin.patch(f"/tutores/{tutor['id']}", {"nome": "Y"}, if_match=etag), 400, "bad-request")


async def test_health_names_each_dependency(stage: Stage) -> None:
    ready = await stage.http.get("/health/ready")

    assert (ready.status_code, ready.json()["status"]) == (200, "ok")
    assert {name for name, part in ready.json().items() if isinstance(part, dict)} == {"postgres", "valkey", "arquivos"}


async def test_without_valkey_it_works_and_says_degraded(stage: Stage, hospital: Hospital) -> None:
    settings = replace(stage.settings, redis_url="redis://127.0.0.1:1/0", rate_limit_per_minute=1000)
    admin = await hospital.signed_in()
    async with another(settings) as http:
        ready = await http.get("/health/ready")
        read = await http.get("/pets", headers={"authorization": f"Bearer {admin.token}"})
        metrics = (await http.get("/metrics")).text

    assert (ready.status_code, ready.json()["status"], ready.json()["valkey"]["ok"]) == (200, "degraded", False)
    assert read.status_code == 200
    assert re.search(r"^zoapets_cache_failures_total [1-9]", metrics, re.MULTILINE)


async def test_who_asks_too_often_is_told_to_wait(stage: Stage, hospital: Hospital) -> None:
    eager, other = await hospital.signed_in("Financeiro", new=True), await hospital.signed_in("Financeiro", new=True)
    async with another(replace(stage.settings, rate_limit_per_minute=3)) as http:

        async def ask(person: Any) -> httpx.Response:
            return await http.get("/auth/me", headers={"authorization": f"Bearer {person.token}"})

        answers = [await ask(eager) for _ in range(5)]
        calm = await ask(other)

    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[-1].headers["retry-after"]) >= 1
    assert_problem(limited[-1], 429, "too-many-requests")
    assert calm.status_code == 200


async def test_metrics_count_by_route_not_by_address(stage: Stage, hospital: Hospital) -> None:
    pet, admin = await hospital.pet(), await hospital.signed_in()
    await admin.get(f"/pets/{pet['id']}")

    metrics = (await stage.http.get("/metrics")).text

    assert 'route="/pets/{id}"' in metrics
    assert pet["id"] not in metrics


async def test_the_access_line_names_no_person_and_no_address(
    stage: Stage, hospital: Hospital, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    admin = await hospital.signed_in()
    async with another(replace(stage.settings, log_level="info")) as http:
        capfdbinary.readouterr()
        await http.get("/tutores?busca=Segredo", headers={"authorization": f"Bearer {admin.token}"})
    written = capfdbinary.readouterr().err.decode()

    line = json.loads(written.strip().splitlines()[-1])
    assert (line["route"], line["status"], line["user"]) == ("/tutores", 200, str(admin.id))
    for secret in ("Segredo", admin.token, admin.email):
        assert secret not in written


async def test_a_get_cannot_write(hospital: Hospital) -> None:
    work = UnitOfWork(hospital.stage.runtime.pool, tenant_gate(hospital.schema, read_only=True))
    with pytest.raises(Exception, match="read-only"):
        await work.run(WRITE)
    await work.rollback()


async def test_an_unexpected_error_is_a_500_that_tells_nothing(new_hospital: Hospital) -> None:
    hospital, admin = new_hospital, await new_hospital.signed_in()
    await hospital.sql("alter table {s}.tutores rename column observacoes to notas")
    try:
        with capture_logs() as logged:
            answer = await admin.get("/tutores")
    finally:
        await hospital.sql("alter table {s}.tutores rename column notas to observacoes")

    body = assert_problem(answer, 500, "problem")
    [line] = [line for line in logged if line["event"] == "unexpected error"]
    assert (line["request_id"], line["sqlstate"]) == (body["requestId"], "42703")
    assert any("tutores/controller.py" in place for place in line["trace"])
    assert "observacoes" not in json.dumps([body, line])


async def test_browsers_of_other_sites_are_let_in_only_by_configuration(stage: Stage) -> None:
    asked = {"origin": "https://painel.exemplo.com.br", "access-control-request-method": "GET"}
    closed = await stage.http.options("/pets", headers=asked)
    async with another(replace(stage.settings, cors_origins=("https://painel.exemplo.com.br",))) as http:
        opened = await http.options("/pets", headers=asked)
        stranger = await http.options("/pets", headers=asked | {"origin": "https://outro.exemplo.com.br"})

    assert "access-control-allow-origin" not in closed.headers
    assert opened.headers["access-control-allow-origin"] == "https://painel.exemplo.com.br"
    assert stranger.headers.get("access-control-allow-origin") != "https://outro.exemplo.com.br"


async def test_what_is_believed_of_a_person_is_asked_again_within_a_second(
    stage: Stage, new_hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = await new_hospital.signed_in("Enfermeiro")
    later = SimpleNamespace(monotonic=time.monotonic)
    monkeypatch.setattr(access, "time", later)
    bearer = {"authorization": f"Bearer {nurse.token}"}
    async with another(replace(stage.settings, access_ttl=Settings.access_ttl)) as http:
        assert (await http.get("/pets", headers=bearer)).status_code == 200
        await new_hospital.sql("update {s}.users set ativo = false where id = $1", nurse.id)
        later.monotonic = lambda: time.monotonic() + 0.99
        assert (await http.get("/pets", headers=bearer)).status_code == 401


class another:  # noqa: N801 - reads as a word: `async with another(settings) as http`
    """Another process's worth of application on the same database."""

    def __init__(self, settings: Any) -> None:
        self._app = create_app(settings)
        self._life: Any = None

    async def __aenter__(self) -> httpx.AsyncClient:
        self._life = self._app.litestar.lifespan()
        await self._life.__aenter__()
        self._http = _client(self._app)
        return self._http

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()
        await self._life.__aexit__(None, None, None)


async def test_each_part_says_how_it_is_and_only_the_database_is_needed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = replace(stage.settings, storage_url="s3+http://127.0.0.1:1/zoapets", minio_access_key="chave")
    alone = create_app(replace(store, minio_secret_key="segredo", redis_url=None), stage.clock)

    async def lost(*_: Any, **__: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError

    async with alone.litestar.lifespan(), _client(alone) as http:
        less = await http.get("/health/ready")
        monkeypatch.setattr(alone.litestar.state.runtime.pool, "acquire", lost)
        nothing = await http.get("/health/ready")

    assert (less.status_code, less.json()["status"]) == (200, "degraded")
    assert less.json()["valkey"]["detalhe"] == "não configurado: limites contados por processo"
    assert not less.json()["arquivos"]["ok"]
    assert (nothing.status_code, nothing.json()["status"]) == (503, "unavailable")
    assert not nothing.json()["postgres"]["ok"]


async def answered(app: Any, scope: dict[str, Any], *heard: str) -> list[str]:
    """The kinds of messages that an application answers these with."""
    waiting, said = iter(heard), list[str]()

    async def receive() -> dict[str, str]:
        return {"type": next(waiting)}

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    await app(scope, receive, send)
    return said


async def test_what_is_no_http_goes_by_the_ring(stage: Stage) -> None:
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}}

    said = await answered(create_app(stage.settings, stage.clock), scope, "lifespan.startup", "lifespan.shutdown")

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_websocket_is_closed_at_once(stage: Stage) -> None:
    scope = {
        "type": "websocket",
        "path": "/pets",
        "raw_path": b"/pets",
        "query_string": b"",
        "headers": [],
        "root_path": "",
        "subprotocols": [],
        "state": {},
    }

    assert await answered(stage.app, scope, "websocket.connect") == ["websocket.close"]


async def test_an_act_that_nobody_signs_is_none(hospital: Hospital, stage: Stage) -> None:
    grant = await stage.runtime.access.authenticate(f"Bearer {(await hospital.signed_in()).token}")
    nobody = replace(grant.actor, id=None)
    gate = tenant_gate(hospital.schema, read_only=True)
    ctx = TenantContext(nobody, grant.hospital, stage.now, UnitOfWork(stage.runtime.pool, gate), Origin(), None)

    with pytest.raises(PermissionError):
        _ = ctx.actor_id
