"""What the API says of itself: its document, a reader for it that asks no other server, what each problem means."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

import msgspec
from litestar import Controller, MediaType, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Redirect

from zoapets import __version__
from zoapets.common.errors import NotFound, Problem
from zoapets.common.schema import Read
from zoapets.core.docs import describe
from zoapets.core.http import public

TITLE = "Zoa Pets"
Req = Request[Any, Any, Any]

# Swagger UI 5.35.0 (Apache-2.0), as published; its license stands beside it, and inside its bundle those of its parts.
ASSETS = {
    "docs.css": "text/css",
    "docs.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain",
    "swagger-ui-LICENSE.txt": "text/plain",
    "swagger-ui-NOTICE.txt": "text/plain",
}
# The reader sets styles on its elements and draws icons from data: URLs; it runs no script but these files.
READER_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TEXT_CSP = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
FOR_EVER = "public, max-age=31536000, immutable"
CHECK_FIRST = "no-cache"

MEANINGS = {
    400: "A requisição não pôde ser lida: corpo, parâmetro ou cabeçalho malformado.",
    401: "Não se sabe quem chama: falta o token, ou ele não vale mais.",
    403: "Sabe-se quem chama, e não lhe é permitido.",
    404: "Não há nada com este identificador neste hospital, ou o endereço não existe.",
    405: "O endereço existe, mas não para este método.",
    409: "A requisição está certa, mas o estado atual do registro não permite a ação. Nada foi alterado.",
    412: "Outra pessoa alterou o registro depois que você o leu. Nada foi alterado.",
    413: "O corpo da requisição passa do tamanho aceito.",
    415: "O corpo da requisição não está em um formato aceito.",
    422: "A requisição foi lida, mas há valores que não servem; `errors` aponta cada um.",
    428: "Falta o cabeçalho que protege a alteração de outra, feita ao mesmo tempo.",
    429: "Foram feitas requisições demais em pouco tempo.",
    500: "O erro é do sistema, e foi registrado.",
    503: "O sistema, ou algo de que ele depende, não pode atender. Repita escritas com a mesma `Idempotency-Key`.",
}


class Asset(NamedTuple):
    content: bytes
    media_type: str
    digest: str

    @property
    def etag(self) -> str:
        return f'"{self.digest}"'


class ProblemaRead(Read):
    """One kind of problem. `codigo` is the last part of `type`."""

    codigo: str
    type: str
    status: int
    title: str
    meaning: str
    advice: str


class DocsController(Controller):
    tags = ("documentação",)

    @get("/", status_code=307, include_in_schema=False, **public())
    async def home(self) -> Redirect:
        """Ir para a documentação."""
        return Redirect("/docs", status_code=307)

    @get("/openapi.json", responses={304: ResponseSpec(None, description="Não mudou.")}, **public())
    async def openapi(self, request: Req) -> Response[dict[str, Any]]:
        """Este documento, em OpenAPI 3.1."""
        document: Asset | None = request.app.state.get("openapi")
        if document is None:
            described = msgspec.json.encode(describe(request.app, TITLE, __version__))
            document = request.app.state["openapi"] = _asset(described, "application/json")
        return _answer(request, document, CHECK_FIRST)

    @get("/docs", media_type=MediaType.HTML, include_in_schema=False, **public())
    async def reader(self) -> Response[str]:
        """Ler e experimentar a API no navegador."""
        body = '<div id="api"></div>\n<noscript><p class="zoa-text">Esta página precisa de JavaScript.</p></noscript>'
        page = _page(f"{TITLE}: API", body, ("swagger-ui.css", "docs.css"), ("swagger-ui-bundle.js", "docs.js"))
        return _html(page, READER_CSP)

    @get("/docs/{file:str}", include_in_schema=False, **public())
    async def asset(self, request: Req, file: FromPath[str]) -> Response[Any]:
        """Baixar um arquivo da página da documentação."""
        if file not in ASSETS:
            raise NotFound
        asset = _file(file)
        return _answer(request, asset, FOR_EVER if request.query_params.get("v") == asset.digest else CHECK_FIRST)

    @get("/problemas", **public())
    async def problems(self, request: Req) -> Response[list[ProblemaRead]]:
        """Listar os problemas que a API pode responder. Com `Accept: text/html`, uma página."""
        found = list(_problems().values())
        return _html(_table(found), TEXT_CSP) if _wants_html(request) else _json(found)

    @get("/problemas/{codigo:str}", **public())
    async def problem(self, request: Req, codigo: FromPath[str]) -> Response[ProblemaRead]:
        """Ver o que um problema significa e o que fazer. Com `Accept: text/html`, uma página."""
        found = _problems().get(codigo)
        if found is None:
            raise NotFound("Não há problema com este código.")
        return _html(_article(found), TEXT_CSP) if _wants_html(request) else _json(found)


def _problems() -> dict[str, ProblemaRead]:
    """Every problem that is known to this process, by code, the lower status first."""
    found = {kind.slug(): kind for kind in Problem.all()}
    return {
        code: ProblemaRead(
            code, f"/problemas/{code}", kind.status, kind.title, MEANINGS.get(kind.status, kind.title), kind.advice
        )
        for code, kind in sorted(found.items(), key=lambda each: (each[1].status, each[0]))
    }


def _asset(content: bytes, media_type: str) -> Asset:
    return Asset(content, media_type, hashlib.sha256(content).hexdigest())


@cache
def _file(name: str) -> Asset:
    content = files("zoapets.core.docs").joinpath("static", name).read_bytes()
    return _asset(content, ASSETS[name])


@cache
def _template() -> Template:
    return Template(files("zoapets.core.docs").joinpath("static", "page.html").read_text("utf-8"))


def _url(name: str) -> str:
    """Where an asset is, with its content in its name: what is cached under it stays true."""
    return f"/docs/{name}?v={_file(name).digest}"


def _answer(request: Req, asset: Asset, cache_control: str) -> Response[Any]:
    """The asset, or 304 to who has it."""
    headers = {"ETag": asset.etag, "Cache-Control": cache_control}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or asset.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(None, status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def _json(content: Any) -> Response[Any]:
    return Response(
        msgspec.json.encode(content),
        media_type=MediaType.JSON,
        headers={"Cache-Control": CHECK_FIRST, "Vary": "Accept"},
    )


def _html(page: str, policy: str) -> Response[Any]:
    headers = {"Content-Security-Policy": policy, "Cache-Control": CHECK_FIRST, "Vary": "Accept"}
    return Response(page, media_type=MediaType.HTML, headers=headers)


def _wants_html(request: Req) -> bool:
    return request.accept.best_match([MediaType.JSON, MediaType.HTML], MediaType.JSON) == MediaType.HTML


def _page(title: str, body: str, styles: Iterable[str] = ("docs.css",), scripts: Iterable[str] = ()) -> str:
    return _template().substitute(
        title=escape(title),
        body=body,
        favicon=_url("favicon.svg"),
        styles="\n".join(f'<link rel="stylesheet" href="{_url(name)}">' for name in styles),
        scripts="\n".join(f'<script src="{_url(name)}"></script>' for name in scripts),
    )


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(problems: Iterable[ProblemaRead]) -> str:
    rows = "\n".join(
        f'<tr><td>{each.status}</td><td><a href="{each.type}"><code>{each.codigo}</code></a></td>'
        f"<td>{_prose(each.title)}</td></tr>"
        for each in problems
    )
    body = (
        '<div class="zoa-text"><h1>Problemas</h1>'
        '<p class="zoa-soft">Todo erro da API traz em <code>type</code> um destes códigos, que não mudam.</p>'
        f"<table><thead><tr><th>Status</th><th>Código</th><th>O que diz</th></tr></thead><tbody>{rows}</tbody></table>"
        "</div>"
    )
    return _page(f"{TITLE}: problemas", body)


def _article(problem: ProblemaRead) -> str:
    body = (
        f'<article class="zoa-text"><h1>{_prose(problem.title)}</h1>'
        f'<p class="zoa-soft"><code>{problem.type}</code> · status {problem.status}</p>'
        f"<dl><dt>O que significa</dt><dd>{_prose(problem.meaning)}</dd>"
        f"<dt>O que fazer</dt><dd>{_prose(problem.advice)}</dd></dl>"
        '<p><a href="/problemas">Todos os problemas</a></p></article>'
    )
    return _page(f"{TITLE}: {problem.title}", body)
