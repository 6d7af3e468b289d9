"""What the system itself remembers in each hospital: audit, events, and answers given to repeated requests."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from zoapets.entities.base import Entity, word


class TipoSelo(StrEnum):
    """`lote` seals rows; `importacao` seals none, and begins anew where rows came from another PostgreSQL."""

    LOTE = "lote"
    IMPORTACAO = "importacao"


class Auditoria(Entity):
    """One row per changed row, written by triggers; one per statement where a statement inserts many.

    `antes` and `depois` hold the row (of an insert: without what is null; of an update: the changed columns), or a
    list of rows for `registros`. `transacao` is the one that wrote it: it says when a row can be sealed.
    A hospital's role may read it and nothing else.
    """

    __tablename__ = "auditoria"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    em: Mapped[datetime]
    ator_id: Mapped[UUID | None]
    origem: Mapped[str | None]
    requisicao_id: Mapped[str | None]
    tabela: Mapped[str]
    acao: Mapped[str]
    registro_id: Mapped[str | None]
    registros: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    antes: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    depois: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    transacao: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))

    __table_args__ = (
        Index("ix_auditoria_registro", "registro_id", text("id desc")),
        Index(
            "ix_auditoria_registros",
            "registros",
            postgresql_using="gin",
            postgresql_where=text("registros is not null"),
        ),
        Index("ix_auditoria_ator", "ator_id", text("id desc")),
        Index("ix_auditoria_tabela", "tabela", text("id desc")),
        Index("ix_auditoria_em", "em"),
        Index("ix_auditoria_transacao", "transacao", "id"),
    )


class AuditoriaSelo(Entity):
    """A seal: the hashes of a batch of `auditoria`, chained to the seal before. A hospital's role may read it.

    The batch is every row with (de_transacao, de_id) <= (transacao, id) < (ate_transacao, ate_id). All transactions
    below `ate_transacao` had ended when it was sealed, so that the batch can never become more; where they left more
    than one seal takes, `ate_id` cuts. The next seal begins where this one ends.

    `resumos` has 40 bytes for each row, by id: the id (64 bits, big-endian) and the SHA-256 of the row's text. That
    text is the JSON array [em, ator_id, origem, requisicao_id, tabela, acao, registro_id, registros, antes, depois] as
    PostgreSQL writes `jsonb`, in UTF-8, where `em` is a string, the seconds since 1970 in UTC with six decimals: no
    setting of a session changes it. `transacao` is left out, as it has no meaning in another PostgreSQL.

    `hash` is the SHA-256 of three things in a row: `anterior`, which is the `hash` of the seal before (of the first,
    32 zeros); the JSON array [numero, tipo, de_transacao, de_id, ate_transacao, ate_id, linhas, selado_em], written in
    the same way; and `resumos`.
    """

    __tablename__ = "auditoria_selos"

    # Given by the seal before, so that of two that follow the same one the database takes only the first.
    numero: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    tipo: Mapped[TipoSelo] = mapped_column(word(TipoSelo))
    anterior: Mapped[bytes] = mapped_column(LargeBinary)
    de_transacao: Mapped[int] = mapped_column(BigInteger)
    de_id: Mapped[int] = mapped_column(BigInteger)
    ate_transacao: Mapped[int] = mapped_column(BigInteger)
    ate_id: Mapped[int] = mapped_column(BigInteger)
    linhas: Mapped[int]
    resumos: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    selado_em: Mapped[datetime]


class Evento(Entity):
    """The outbox: what happened, written in the transaction in which it happened."""

    __tablename__ = "eventos"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    em: Mapped[datetime]
    tipo: Mapped[str]
    ator_id: Mapped[UUID | None]
    requisicao_id: Mapped[str | None]
    dados: Mapped[dict[str, object]] = mapped_column(JSONB)


class Idempotencia(Entity):
    """The answer to a write that carried an `Idempotency-Key`, stored with its effect."""

    __tablename__ = "idempotencia"

    ator_id: Mapped[UUID] = mapped_column(primary_key=True)
    chave: Mapped[str] = mapped_column(primary_key=True)
    impressao: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    corpo: Mapped[bytes | None] = mapped_column(LargeBinary)
    etag: Mapped[str | None]
    criada_em: Mapped[datetime]

    __table_args__ = (Index("ix_idempotencia_criada_em", "criada_em"),)
