"""What the document says in words: the guide at its head, and what can be said of every operation."""

from typing import Any

from zoapets.common.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from zoapets.core.idempotency import LONGEST_KEY

GUIDE = """\
A API de hospitais veterinários: tutores, pets, internações, prescrições e cada dose agendada, administrada uma só vez,
por uma pessoa identificada. Cada hospital vê só o que é seu.

## Entrar
Envie e-mail e senha a `POST /auth/login` e mande o `accessToken` recebido em toda requisição:
`Authorization: Bearer <accessToken>`. Quando ele vencer (`expiresIn`, em segundos), troque o `refreshToken` por um par
novo em `POST /auth/refresh`. Cada operação diz abaixo a permissão que exige; os perfis de cada hospital reúnem
permissões.

## Listas
Listas vêm em páginas: `?page=1&limit=20` (no máximo 100) responde
`{"data": [...], "meta": {"total", "page", "lastPage"}}`. Parâmetros desconhecidos ou repetidos são recusados, para que
um filtro escrito errado não devolva tudo.

## Erros
Todo erro é `application/problem+json` (RFC 9457), em português. O campo `type` é um código estável: decida por ele, não
pelo texto. `errors` aponta todos os campos inválidos de uma vez. Os [códigos](/problemas), com o que fazer em cada
caso, respondem em `/problemas/<codigo>`. Ao pedir ajuda, informe o `requestId`.

## Alterações
- `PATCH` muda só os campos enviados; `null` apaga o valor de um campo opcional.
- O `ETag` de um registro é a sua `versao`. Mande-o em `If-Match` ao alterar: se alguém mudou o registro nesse
  meio-tempo, a resposta é 412 e nada se perde. Há hospitais que o exigem (428).
- `Idempotency-Key`: repita um `POST` ou `PATCH` com a mesma chave, por até 48 horas, e ele terá um só efeito e a mesma
  resposta, marcada com `Idempotency-Replayed: true`. Use uma chave nova (um UUID) para cada operação.
- Registros clínicos não são apagados: arquivam-se ou anulam-se, com o motivo.

## Datas e horas
Instantes são RFC 3339 com fuso (`2026-03-02T13:30:00Z`), e saem em UTC; datas são `AAAA-MM-DD`. Horários de doses
seguem o relógio do hospital, cujo fuso vem em `GET /auth/me`.
"""

# The problems a client must expect anywhere; those of one room alone are below them, at /problemas.
PROBLEMS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        Unprocessable,
        PreconditionRequired,
        TooManyRequests,
        Problem,
        Unavailable,
    )
}
SUCCESSES = {200: "Deu certo.", 201: "Criado.", 204: "Feito; não há o que devolver.", 307: "Vá para outro endereço."}

BEARER: dict[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "O `accessToken` de `POST /auth/login`.",
}
# Without examples: the reader would send them, the same version and the same key with every request.
PARAMETERS: dict[str, Any] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": 'O `ETag` do registro que você leu, como `"3"`; 412 se ele mudou. Há hospitais que o exigem.',
        "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,9}")$'},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Uma chave sua, nova a cada operação: a repetição com a mesma chave tem um só efeito.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    },
}
HEADERS: dict[str, Any] = {
    "ETag": {
        "description": "A versão do registro, para `If-Match`.",
        "schema": {"type": "string"},
        "example": '"3"',
    },
    "RetryAfter": {
        "description": "Segundos até a próxima tentativa.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 30,
    },
}
