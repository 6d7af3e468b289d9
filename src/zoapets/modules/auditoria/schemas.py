"""Shapes of auditoria."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Raw

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import PRINTABLE, Query, Read

Word = Annotated[str, Meta(min_length=1, max_length=63, pattern=PRINTABLE)]
Instant = Annotated[datetime, Meta(tz=True)]


class AcaoAuditada(StrEnum):
    INSERIR = "inserir"
    ALTERAR = "alterar"
    REMOVER = "remover"


class AtorRead(Read):
    """Who did it."""

    id: UUID
    nome: str


class AuditoriaRead(Read):
    """One change. `ator` is null where a command did it; `origem` is an address, or the command.

    `antes` and `depois` hold the row's columns: of an `alterar` those that changed, of an `inserir` of many rows a
    list, with their ids in `registros`.
    """

    id: int
    em: datetime
    ator: AtorRead | None
    origem: str | None
    requisicao_id: str | None
    tabela: str
    acao: AcaoAuditada
    registro_id: str | None
    registros: list[str] | None
    antes: Raw | None
    depois: Raw | None


class AuditoriaFiltros(Query):
    """`desde` is included, `ate` is not."""

    tabela: Word | None = None
    registro_id: Word | None = None
    ator_id: UUID | None = None
    acao: AcaoAuditada | None = None
    desde: Instant | None = None
    ate: Instant | None = None
    antes_de: Annotated[int, Meta(ge=1, le=2**63 - 1, description="Só o que veio antes deste `id`.")] | None = None
    page: PageNumber = 1
    limit: PageLimit = 20
