"""A demo that has stood unused is moved to the present."""

from datetime import datetime, timedelta

from tests.cast import Stage
from tests.demo.made_up import check_records, count, fill, login, panel
from zoapets.core.owner.catalog import catalog
from zoapets.demo.fill import refresh

HOUR = timedelta(hours=1)
STAYS = """
select data_entrada, (select max(medido_em) from {s}.pet_pesos w where w.pet_id = i.pet_id) as weighed_at
from {s}.internacoes i where data_alta is null order by id
"""


async def test_a_demo_of_yesterday_is_moved_to_now(stage: Stage) -> None:
    hospital = await fill(stage)
    guarded, before = await catalog(stage.owner, hospital.schema), await panel(hospital)
    stays = await hospital.sql(STAYS)

    # A whole number of days, so that doses move to where others of their item were.
    stage.clock.offset = timedelta(hours=48)
    assert await refresh(stage.owner, hospital.schema, now=stage.now)

    after = await panel(hospital)
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert [row["id"] for row in after["proximas"]] == [row["id"] for row in before["proximas"]]
    assert await catalog(stage.owner, hospital.schema) == guarded
    await check_records(hospital, stage.now)
    by = {tuple(now[n] - was[n] for n in (0, 1)) for was, now in zip(stays, await hospital.sql(STAYS), strict=True)}
    assert by == {(48 * HOUR - timedelta(minutes=1),) * 2}
    assert not await refresh(stage.owner, hospital.schema, now=stage.now + 2 * HOUR)


async def test_a_demo_of_this_morning_is_left_alone(stage: Stage) -> None:
    hospital = await fill(stage)
    before = await hospital.sql("select * from {s}.administracoes order by id")

    assert not await refresh(stage.owner, hospital.schema, now=stage.now + 2 * HOUR)
    assert await hospital.sql("select * from {s}.administracoes order by id") == before


async def test_what_a_person_recorded_is_still_recorded_after_the_demo_has_moved(stage: Stage) -> None:
    hospital = await fill(stage, now=stage.now - 2 * HOUR)
    nurse = await login(hospital, "enfermagem")
    dose = (await panel(hospital))["atrasadas"][0]
    given = (await nurse.patch(f"/administracoes/{dose['id']}/realizar")).json()

    stage.clock.offset = timedelta(hours=30)
    assert await refresh(stage.owner, hospital.schema, now=stage.now)

    moved = (await nurse.get(f"/administracoes/{dose['id']}")).json()
    assert (moved["status"], moved["realizadoPorId"]) == ("realizada", str(nurse.id))
    by = datetime.fromisoformat(moved["registradaEm"]) - datetime.fromisoformat(given["registradaEm"])
    assert 28 * HOUR < by < 30 * HOUR
    assert datetime.fromisoformat(moved["dataHoraAgendada"]) - datetime.fromisoformat(given["dataHoraAgendada"]) == by
    await check_records(hospital, stage.now)


async def test_stays_keep_their_place_when_their_former_bed_was_used_since(stage: Stage) -> None:
    hospital = await fill(stage)
    (stay,) = await hospital.sql(
        "select i.id, i.leito_id, i.admitida_em, i.pet_id from {s}.internacoes i join {s}.ocupacoes o"
        " on o.internacao_id = i.id where i.status = 'em_andamento'"
        " group by i.id having count(*) = 1 order by max(o.inicio) desc limit 1"
    )
    (other,) = await hospital.sql(
        "select l.id from {s}.leitos l where situacao = 'livre'"
        " and not exists (select from {s}.ocupacoes o where o.leito_id = l.id"
        " and coalesce(o.fim, now()) > now() - interval '9 days') limit 1"
    )
    (ended,) = await hospital.sql(
        "select i.id, i.pet_id from {s}.internacoes i where i.status = 'alta' order by data_alta limit 1"
    )
    at = stay["admitida_em"]
    # It began in another bed, which was given to a patient who left again.
    await hospital.sql(
        "update {s}.ocupacoes set inicio = $2 where internacao_id = $1 and fim is null", stay["id"], at + HOUR
    )
    for whose, pet, start, end in (
        (stay["id"], stay["pet_id"], at, at + HOUR),
        (ended["id"], ended["pet_id"], at + HOUR, at + 9 * HOUR),
    ):
        await hospital.sql(
            "insert into {s}.ocupacoes (id, internacao_id, pet_id, leito_id, inicio, fim)"
            " values (gen_random_uuid(), $1, $2, $3, $4, $5)",
            whose,
            pet,
            other["id"],
            start,
            end,
        )
    entered = await hospital.sql("select id, data_entrada from {s}.internacoes order by id")

    now = stage.now + 6 * HOUR
    assert await refresh(stage.owner, hospital.schema, now=now + timedelta(minutes=5))
    assert await hospital.sql("select id, data_entrada from {s}.internacoes order by id") == entered
    late = await count(
        hospital, f"administracoes where status = 'pendente' and data_hora_agendada < '{now - HOUR / 2}'"
    )
    assert 6 <= late <= 11
