"""The document says what the code does, its examples work, and it can be read without another server."""

from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from litestar import Controller, Litestar, get, patch, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.routes import HTTPRoute
from msgspec import UNSET, Meta, UnsetType
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from zoapets.app import create_app
from zoapets.common.paging import Page, PageLimit
from zoapets.common.schema import Email, Number, Query, Read, Telefone, Write
from zoapets.core.config import Settings
from zoapets.core.docs import describe
from zoapets.core.docs.examples import accepts
from zoapets.core.docs.schemas import Schemas
from zoapets.core.http import Ctx, FromQuery, from_query, provide_context, public, requires, routed, signed_in
from zoapets.core.permissions import Permission

SETTINGS = Settings(database_url="postgresql://", jwt_secret="-", jwt_refresh_secret="-", log_level="error")


class Porte(StrEnum):
    PEQUENO = "pequeno"
    MEDIO = "medio"
    GRANDE = "grande"


class Dose(Number):
    """A dose in mg."""

    most = Decimal(100)
    places = 2


class Receita(Write):
    """Either `dose` or `livre`, and a time."""

    email: Email
    telefone: Telefone
    dose: Dose | None = None
    livre: Annotated[str, Meta(min_length=8, max_length=40)] | None = None
    hora: time = time(8)
    porte: Porte = Porte.MEDIO

    def __post_init__(self) -> None:
        if (self.dose is None) == (self.livre is None):
            raise ValueError("informe dose ou livre")


class ReceitaUpdate(Write):
    dose: Dose | None | UnsetType = UNSET
    livre: str | UnsetType = UNSET


class ReceitaRead(Read):
    id: UUID
    valor: Decimal
    em: datetime
    arquivado_em: datetime | None
    porte: Porte
    dados: msgspec.Raw
    versao: int
    origem: Literal["papel", "tela"] = "tela"
    partes: list["ReceitaRead"] = msgspec.field(default_factory=list)


class ReceitaFiltros(Query):
    porte: Porte | None = None
    limit: PageLimit = 20


class ReceitasController(Controller):
    path = "/receitas"
    tags = ("receitas",)

    @get(**routed(requires(Permission.PRESCRICOES_LER), from_query(ReceitaFiltros)))
    async def search(self, ctx: Ctx, filtros: FromQuery[ReceitaFiltros]) -> Page[ReceitaRead]:
        """Listar receitas."""
        raise NotImplementedError

    @post(**requires(Permission.PRESCRICOES_PRESCREVER))
    async def create(self, ctx: Ctx, data: JSONBody[Receita]) -> ReceitaRead:
        """Escrever uma receita.

        Ela vale
        por um mês.
        """
        raise NotImplementedError

    @patch("/{id:uuid}", **requires(Permission.PRESCRICOES_PRESCREVER))
    async def update(self, ctx: Ctx, id: FromPath[UUID], data: JSONBody[ReceitaUpdate | None]) -> ReceitaRead:
        """Corrigir uma receita."""
        raise NotImplementedError

    @post("/sair", status_code=204, **signed_in())
    async def leave(self) -> None:
        """Sair."""

    @post("/entrar", **public())
    async def enter(self, data: JSONBody[Receita]) -> dict[str, Decimal]:
        """Entrar."""
        raise NotImplementedError


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    app = Litestar([ReceitasController], dependencies={"ctx": Provide(provide_context)}, openapi_config=None)
    return describe(app, "Pequena", "1")


@pytest.fixture(scope="module")
def house() -> Litestar:
    return create_app(SETTINGS).litestar


@pytest.fixture(scope="module")
def document(house: Litestar) -> dict[str, Any]:
    return describe(house, "Zoa Pets", "1")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body with a schema and an example, by what it is."""
    for name, operation in operations(document):
        parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for part, said in parts.items():
            for media in said.get("content", {}).values():
                yield f"{name} {part}", media
    for name, response in document["components"]["responses"].items():
        yield name, response["content"]["application/problem+json"]


def errors_of(operation: dict[str, Any]) -> set[int]:
    return {int(status) for status, said in operation["responses"].items() if "$ref" in said}


# --- the house's own document


def test_the_document_is_openapi_3_1(document: dict[str, Any], small: dict[str, Any]) -> None:
    for each in (document, small):
        assert each["openapi"].startswith("3.1.")
        OpenAPIV31SpecValidator(each).validate()


# Pages for people, not operations of the API.
PAGES = {"GET /", "GET /docs", "GET /docs/{file}"}


def test_every_route_is_in_the_document(document: dict[str, Any], house: Litestar) -> None:
    routes = {
        f"{method} {route.path_format}"
        for route in house.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }
    assert {name for name, _ in operations(document)} == routes - PAGES


def test_every_operation_says_what_it_does_and_who_may_call(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        permission = operation["x-permissao"]
        if permission == "public":
            assert operation["security"] == [], name
            assert "Aberta" in operation["description"], name
        else:
            assert permission == "signed-in" or permission in set(Permission), name
            assert operation["security"] == [{"bearer": []}], name
            assert permission == "signed-in" or f"`{permission}`" in operation["description"], name
            assert errors_of(operation) >= {400, 401, 403, 429, 500, 503}, name


def test_the_same_code_gives_the_same_document(document: dict[str, Any], house: Litestar) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert "petsSearch" in names
    assert msgspec.json.encode(describe(house, "Zoa Pets", "1")) == msgspec.json.encode(document)


def test_every_error_is_the_shared_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, said in operation["responses"].items():
            if "$ref" in said:
                assert said == {"$ref": f"#/components/responses/Problema{status}"}, name
    for said in document["components"]["responses"].values():
        media = said["content"]["application/problem+json"]
        assert media["schema"] == {"$ref": "#/components/schemas/Problema"}
        assert media["example"]["type"].startswith("/problemas/")


def test_every_request_example_is_read_by_its_struct(document: dict[str, Any], house: Litestar) -> None:
    checked = 0
    for route in house.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else []:
            if handler.parsed_data_field is not None:
                (method,) = handler.http_methods
                said = document["paths"][route.path_format][method.lower()]["requestBody"]["content"]
                assert accepts(handler.parsed_data_field.annotation, said["application/json"]["example"])
                checked += 1
    assert checked > 10


def test_every_example_fits_its_schema(document: dict[str, Any], small: dict[str, Any]) -> None:
    for each in (document, small):
        for name, media in bodies(each):
            schema = {"components": each["components"], **media["schema"]}
            faults = OAS31Validator(schema, format_checker=oas31_format_checker).iter_errors(media["example"])
            assert [fault.message for fault in faults] == [], name


# --- what each kind of route and field becomes


def test_the_first_line_of_a_docstring_is_the_summary(small: dict[str, Any]) -> None:
    operation = small["paths"]["/receitas"]["post"]
    assert operation["summary"] == "Escrever uma receita"
    assert operation["description"].startswith("Ela vale\npor um mês.\n\nExige a permissão `prescricoes:prescrever`.")
    assert "Veterinário" in operation["description"]


def test_parameters_come_from_the_path_the_query_struct_and_the_method(small: dict[str, Any]) -> None:
    def named(operation: dict[str, Any]) -> list[str]:
        return [each.get("name") or each["$ref"].rpartition("/")[2] for each in operation["parameters"]]

    listed = small["paths"]["/receitas"]["get"]
    update = small["paths"]["/receitas/{id}"]["patch"]

    assert named(listed) == ["porte", "limit"]
    assert listed["parameters"][0]["schema"] == {"$ref": "#/components/schemas/Porte"}
    assert listed["parameters"][1]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert listed["parameters"][1]["description"] == "Itens por página, no máximo 100."
    assert named(update) == ["id", "IfMatch", "IdempotencyKey"]
    assert update["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}
    assert update["requestBody"]["required"] is False
    assert named(small["paths"]["/receitas"]["post"]) == ["IdempotencyKey"]
    # Neither has a unit of work, which is where the header is read.
    assert "parameters" not in small["paths"]["/receitas/sair"]["post"]
    assert "parameters" not in small["paths"]["/receitas/entrar"]["post"]


def test_the_errors_follow_from_what_an_operation_takes(small: dict[str, Any]) -> None:
    paths = small["paths"]
    always = {400, 401, 403, 429, 500, 503}
    assert errors_of(paths["/receitas"]["get"]) == always | {422}
    assert errors_of(paths["/receitas"]["post"]) == always | {404, 409, 413, 415, 422}
    assert errors_of(paths["/receitas/{id}"]["patch"]) == always | {404, 409, 412, 413, 415, 422, 428}
    assert errors_of(paths["/receitas/sair"]["post"]) == always | {409}
    assert errors_of(paths["/receitas/entrar"]["post"]) == always | {409, 413, 415, 422}
    assert paths["/receitas/sair"]["post"]["responses"]["204"] == {"description": "Feito; não há o que devolver."}


def test_a_schema_shows_what_is_read_and_what_is_written(small: dict[str, Any]) -> None:
    schemas = small["components"]["schemas"]
    read, written = schemas["ReceitaRead"]["properties"], schemas["Receita"]["properties"]

    assert read["valor"] == {"type": "number"}
    assert read["em"] == {"type": "string", "format": "date-time"}
    assert read["arquivadoEm"] == {"type": ["string", "null"], "format": "date-time"}
    assert read["dados"] == {}
    assert "partes" in schemas["ReceitaRead"]["required"]
    assert schemas["Porte"]["enum"] == ["pequeno", "medio", "grande"]
    assert (written["dose"]["exclusiveMinimum"], written["dose"]["maximum"]) == (0, 100)
    assert written["dose"]["type"] == ["number", "null"]
    assert (written["email"]["format"], written["telefone"]["format"]) == ("email", "telefone")
    assert written["porte"] == {"$ref": "#/components/schemas/Porte", "default": "medio"}
    assert schemas["Receita"]["required"] == ["email", "telefone"]
    assert schemas["Receita"]["additionalProperties"] is False
    assert "PageReceitaRead" in schemas


def test_of_fields_that_exclude_each_other_an_example_keeps_one(small: dict[str, Any]) -> None:
    example = small["paths"]["/receitas"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert "dose" in example
    assert "livre" not in example


def test_two_shapes_of_one_name_are_told_apart_by_their_rooms() -> None:
    kinds = [msgspec.defstruct("Coisa", [(name, str)], module=f"zoapets.modules.{name}.schemas") for name in "ab"]

    @get("/", **public())
    async def both() -> tuple[str, ...]:
        """Ver."""
        return ()

    both.fn.__annotations__["return"] = dict[str, kinds[0] | list[kinds[1]]]  # type: ignore[valid-type]  # made above
    schemas = describe(Litestar([both], openapi_config=None), "-", "1")["components"]["schemas"]
    assert {"Coisa", "BCoisa"} <= set(schemas)


def test_a_route_that_does_not_say_who_may_call_it_is_refused() -> None:
    @get("/esquecida")
    async def forgotten() -> None:
        """Ver."""

    with pytest.raises(ValueError, match="GET /esquecida declares no permission"):
        describe(Litestar([forgotten], openapi_config=None), "-", "1")


def test_what_no_schema_can_say_is_an_error_and_no_silence() -> None:
    twins = [msgspec.defstruct("Coisa", [(name, str)], module="zoapets.modules.coisas.schemas") for name in "abc"]
    three = dict[str, twins[0] | list[twins[1] | list[twins[2]]]]  # type: ignore[valid-type]  # made above
    for refused, kind in [(TypeError, complex), (TypeError, bytearray), (ValueError, three)]:
        with pytest.raises(refused):
            Schemas().of(kind)
    with pytest.raises(TypeError, match="is no struct"):
        Schemas().parameters(str)  # type: ignore[arg-type]


def test_two_routes_of_one_name_have_two_ids() -> None:
    def route(path: str) -> Any:
        @get(path, **public())
        async def ver() -> None:
            """Ver."""

        return ver

    house = Litestar([route("/a"), route("/b"), route("/c")], openapi_config=None)
    ids = [methods["get"]["operationId"] for methods in describe(house, "-", "1")["paths"].values()]
    assert len(set(ids)) == 3
