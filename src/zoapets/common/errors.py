"""What can go wrong, as people are told: every problem has a stable code, a title in Portuguese and a next step."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One invalid field: its path (`itens[0].dose`) and what is wrong with it."""

    field: str
    message: str


class Problem(Exception):  # noqa: N818 - "Problem Details" is the standard's name (RFC 9457)
    """An error that reaches the client as `application/problem+json` (RFC 9457).

    A room subclasses it with `title` (the message) and `advice` (what to do next). With `constraint`, a violation
    of that constraint in the database becomes this problem.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Erro interno."
    advice: ClassVar[str] = "Tente de novo; se continuar, informe o `requestId` ao suporte."
    constraint: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.headers = headers or {}
        self.members = members

    @classmethod
    def slug(cls) -> str:
        """The class name in kebab-case: the code a client may rely on."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def all(cls) -> Iterator[type["Problem"]]:
        """Itself and every problem below it."""
        yield cls
        for child in cls.__subclasses__():
            yield from child.all()


class BadRequest(Problem):
    status = 400
    title = "A requisição está malformada."
    advice = "Corrija os campos indicados em `errors` e envie de novo."


class Unauthorized(Problem):
    status = 401
    title = "É preciso entrar no sistema."
    advice = "Envie `Authorization: Bearer <accessToken>`; obtenha o token em POST /auth/login."


class Forbidden(Problem):
    status = 403
    title = "Seu perfil não permite esta ação."
    advice = "Peça a permissão indicada a um administrador do hospital."


class NotFound(Problem):
    status = 404
    title = "Não encontrado."
    advice = "Confira o endereço e o identificador."


class MethodNotAllowed(Problem):
    status = 405
    title = "Este endereço não aceita este método."
    advice = "Veja os métodos aceitos no cabeçalho `Allow`."


class Conflict(Problem):
    status = 409
    title = "A ação conflita com o estado atual."
    advice = "Consulte o estado atual antes de tentar de novo."


class PreconditionFailed(Problem):
    status = 412
    title = "O registro mudou desde que você o leu."
    advice = "Leia o registro de novo e refaça a alteração com o `ETag` atual em `If-Match`."


class PayloadTooLarge(Problem):
    status = 413
    title = "O corpo da requisição é grande demais."
    advice = "Divida o envio em partes menores."


class UnsupportedMediaType(Problem):
    status = 415
    title = "O corpo deve ser JSON."
    advice = "Envie `Content-Type: application/json`."


class Unprocessable(Problem):
    status = 422
    title = "Há campos inválidos."
    advice = "Corrija os campos indicados em `errors` e envie de novo."


class PreconditionRequired(Problem):
    status = 428
    title = "Este hospital exige `If-Match` em toda alteração."
    advice = "Leia o registro e envie o seu `ETag` no cabeçalho `If-Match`."


class TooManyRequests(Problem):
    status = 429
    title = "Muitas tentativas."
    advice = "Espere o tempo indicado em `Retry-After` (segundos)."


class Unavailable(Problem):
    status = 503
    title = "Serviço temporariamente indisponível."
    advice = "Tente de novo em alguns segundos."
