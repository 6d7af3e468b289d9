"""Moves the stays under way, and all that was ordered and done in them, to a later time."""

from datetime import timedelta
from typing import Any

MINUTE = timedelta(minutes=1)
_OPEN = "status in ('aguardando', 'em_andamento')"
_STAYS = f"(select id from internacoes where {_OPEN})"  # noqa: S608 - text of ours
# A bed that a patient has left for another may have had a patient since, whose stay is over and is not moved.
BED_USED_SINCE = f"""
select exists (
  select from ocupacoes moved join ocupacoes other on other.leito_id = moved.leito_id
  where moved.internacao_id in {_STAYS} and other.internacao_id not in {_STAYS}
    and tstzrange(moved.inicio + $1, moved.fim + $1, '[)') && tstzrange(other.inicio, other.fim, '[)'))
"""  # noqa: S608 - text of ours
OCCUPATIONS = f"select id from ocupacoes where internacao_id in {_STAYS} order by inicio desc"  # noqa: S608 - text of ours
MOVE_OCCUPATION = "update ocupacoes set inicio = inicio + $2, fim = fim + $2 where id = $1"


def _moved(table: str, instants: str, where: str) -> str:
    """A statement that adds the interval $1 to some columns, and counts it as an edit where edits are counted."""
    changes = ", ".join(f"{column} = {column} + $1" for column in instants.split())
    if "updated_at" in instants:
        changes += ", versao = versao + 1"
    return f"update {table} set {changes} where {where}"  # noqa: S608 - text of ours


# Before the stays themselves: what was measured since they began.
MOVE_WEIGHTS = _moved(
    "pet_pesos",
    "medido_em created_at",
    f"exists (select from internacoes i where i.pet_id = pet_pesos.pet_id and i.{_OPEN} and medido_em >= data_entrada)",
)
MOVE_STAYS = _moved("internacoes", "data_entrada admitida_em created_at updated_at", _OPEN)
MOVE_ORDERS = (
    _moved("prescricoes", "created_at updated_at", f"internacao_id in {_STAYS}"),
    _moved(
        "prescricao_itens",
        "inicio created_at updated_at",
        f"prescricao_id in (select id from prescricoes where internacao_id in {_STAYS})",  # noqa: S608 - text of ours
    ),
    _moved(
        "administracoes",
        "data_hora_agendada data_hora_realizada registrada_em anulada_em created_at updated_at",
        f"internacao_id in {_STAYS}",
    ),
)


async def move(connection: Any, idle: timedelta) -> None:
    """Move what is under way by `idle` (more than an hour), but for some minutes; in the caller's transaction."""
    by = _never_whole_hours(idle)
    await connection.execute(MOVE_WEIGHTS, by)
    # A stay whose place in time is taken only grows longer.
    if not await connection.fetchval(BED_USED_SINCE, by):
        # The latest first, one by one: a row that moves must not meet the next one in its bed.
        rows = await connection.fetch(OCCUPATIONS)
        await connection.executemany(MOVE_OCCUPATION, [(row["id"], by) for row in rows])
        await connection.execute(MOVE_STAYS, by)
    # No verb changes a recorded dose, and nothing but a demo ever may: only the owner of the tables can do this.
    await connection.execute("alter table administracoes disable trigger proteger_registro")
    for statement in MOVE_ORDERS:
        await connection.execute(statement, by)
    await connection.execute("alter table administracoes enable trigger proteger_registro")


def _never_whole_hours(idle: timedelta) -> timedelta:
    """Whole minutes, but not whole hours: a dose that moves must not meet another one of its item."""
    minutes = idle // MINUTE
    return (minutes if minutes % 60 else minutes - 1) * MINUTE
