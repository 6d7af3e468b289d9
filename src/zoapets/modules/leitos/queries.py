"""Statements of leitos."""

from sqlalchemy import bindparam, exists, select

from zoapets.common.schema import Read
from zoapets.core.statements import columns, query
from zoapets.entities.internacoes import Ala, Internacao, Leito, Ocupacao, SituacaoLeito, StatusInternacao

# By the open stays, of which there is an index; the lock below asks `ocupacoes`, which decides.
OCCUPIED = exists().where(Internacao.leito_id == Leito.id, Internacao.status == StatusInternacao.EM_ANDAMENTO)

HAS_WARDS = query(select(exists().where(Ala.unidade_id == bindparam("id"), Ala.arquivado_em.is_(None))))
HAS_BEDS = query(select(exists().where(Leito.ala_id == bindparam("id"), Leito.arquivado_em.is_(None))))


class LeitoTravado(Read):
    """A bed as it stands once it is locked."""

    situacao: SituacaoLeito
    arquivado: bool


# Two statements, not one with EXISTS: a statement that has waited for a lock sees the locked row as it is now, and
# every other table as it was when the statement began.
HOLD = query(
    select(*columns(LeitoTravado, Leito, arquivado=Leito.arquivado_em.is_not(None)))
    .where(Leito.id == bindparam("id"))
    .with_for_update(key_share=True),
    LeitoTravado,
)
IS_TAKEN = query(select(exists().where(Ocupacao.leito_id == bindparam("id"), Ocupacao.fim.is_(None))))
