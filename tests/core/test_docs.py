"""The pages need no other server, keep nothing stale, and explain every problem the house knows."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

import zoapets.app  # noqa: F401 - a problem is known once its room is
from zoapets.common.errors import Problem
from zoapets.core.config import Settings
from zoapets.core.docs.controller import DocsController
from zoapets.core.middleware import RequestRing
from zoapets.core.observability import Metrics
from zoapets.core.problems import handle

SETTINGS = Settings(database_url="postgresql://", jwt_secret="-", jwt_refresh_secret="-", log_level="error")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
async def reader() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the pages alone, inside the ring, with every problem of the house known."""
    app = Litestar([DocsController], exception_handlers={Exception: handle}, openapi_config=None)
    transport = httpx.ASGITransport(RequestRing(app, SETTINGS, Metrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_the_reader_asks_no_other_server_and_runs_no_inline_script(reader: httpx.AsyncClient) -> None:
    home = await reader.get("/")
    page = await reader.get("/docs")

    assert (home.status_code, home.headers["location"]) == (307, "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'lang="pt-BR"' in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert re.findall(r"<script(?! src=)|\son\w+=|https?:", page.text) == []
    addresses = re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text)
    assert len(set(addresses)) == 5
    for address in addresses:
        asset = await reader.get(address)
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_an_asset_asked_for_by_an_old_content_is_not_kept(reader: httpx.AsyncClient) -> None:
    asset = await reader.get("/docs/docs.js", params={"v": "old"})
    again = await reader.get("/docs/docs.js", headers={"if-none-match": f'"other", W/{asset.headers["etag"]}'})
    assert (asset.status_code, asset.headers["cache-control"]) == (200, "no-cache")
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["page.html", "nada.js", "..%2fdocs.py", "%2e%2e"])
async def test_only_what_the_reader_needs_is_served(reader: httpx.AsyncClient, name: str) -> None:
    assert (await reader.get(f"/docs/{name}")).status_code == 404


async def test_the_document_is_sent_once_to_who_keeps_it(reader: httpx.AsyncClient) -> None:
    first = await reader.get("/openapi.json")
    again = await reader.get("/openapi.json", headers={"if-none-match": first.headers["etag"]})
    other = await reader.get("/openapi.json", headers={"if-none-match": '"other"'})

    assert first.json()["paths"]["/problemas"]["get"]["operationId"] == "docsProblems"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.content == first.content


async def test_every_problem_says_what_it_means_and_what_to_do(reader: httpx.AsyncClient) -> None:
    listed = {each["codigo"]: each for each in (await reader.get("/problemas")).json()}
    table = await reader.get("/problemas", headers={"accept": BROWSER})

    for kind in Problem.all():
        said = await reader.get(f"/problemas/{kind.slug()}")
        page = await reader.get(f"/problemas/{kind.slug()}", headers={"accept": BROWSER})
        assert said.json() == listed[kind.slug()]
        assert (said.json()["status"], said.json()["title"]) == (kind.status, kind.title)
        assert said.json()["meaning"] != kind.title, "a status without a meaning"
        assert said.json()["advice"]
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["vary"] == "Accept"
        assert f"/problemas/{kind.slug()}" in page.text
        assert f"/problemas/{kind.slug()}" in table.text


async def test_an_unknown_problem_is_not_found(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/problemas/nada")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "/problemas/not-found"
