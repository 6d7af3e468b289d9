"""Made-up hospitals for tests, and what is asked of them again and again."""

from datetime import datetime
from typing import Any

from tests.cast import PASSWORD_HASH, Hospital, Person, Stage
from zoapets.demo.fill import fill_hospital


async def fill(stage: Stage, size: str = "demo", *, slug: str | None = None, now: datetime | None = None) -> Hospital:
    """A new hospital, filled as if it were called `slug`."""
    hospital = await stage.hospital()
    await fill_hospital(
        stage.owner,
        hospital.schema,
        slug or hospital.slug,
        size=size,
        now=now or stage.now,
        password_hash=PASSWORD_HASH,
        step=lambda _: None,
    )
    return hospital


async def login(hospital: Hospital, name: str) -> Person:
    """One of the demo's own people, signed in."""
    (user,) = await hospital.sql("select id, email from {s}.users where email = $1", f"{name}@{hospital.slug}.test")
    return await hospital.sign_in(user["id"], user["email"])


async def panel(hospital: Hospital) -> dict[str, list[dict[str, Any]]]:
    answer = await (await login(hospital, "enfermagem")).get("/administracoes/painel-enfermagem", limite=1000)
    assert answer.status_code == 200, answer.text
    return {name: rows for name, rows in answer.json().items() if name != "estatisticas"}


async def count(hospital: Hospital, what: str) -> int:
    ((found,),) = await hospital.sql(f"select count(*) from {{s}}.{what}")  # noqa: S608 - text of the test
    return int(found)


RECORDS = """
select count(*),
  count(*) filter (where registrada_em > $1 or data_hora_realizada > $1 or anulada_em > $1) as future,
  count(*) filter (where registrada_em < data_hora_realizada or coalesce(data_hora_realizada, registrada_em)
    not between greatest(i.admitida_em, p.created_at) and coalesce(i.data_alta, 'infinity')) as outside
from {s}.administracoes a join {s}.internacoes i on i.id = a.internacao_id
join {s}.prescricoes p on p.id = a.prescricao_id
where a.status in ('realizada', 'nao_realizada', 'anulada')
"""


async def check_records(hospital: Hospital, now: datetime) -> None:
    """No dose is given in the future, before its prescription, or outside the stay."""
    (records,) = await hospital.sql(RECORDS, now)
    assert records["count"] > 100
    assert (records["future"], records["outside"]) == (0, 0)
