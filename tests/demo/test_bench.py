"""The hospital to measure with."""

from tests.cast import Stage
from tests.demo.made_up import count, fill, login, panel


async def test_a_bench_hospital_has_the_rows_and_the_open_doses_of_its_peers(stage: Stage) -> None:
    now = stage.now
    hospital = await fill(stage, "bench", now=now)

    wanted = {
        "users": 24,
        "tutores": 2_000,
        "pets": 5_000,
        "pet_pesos": 5_000,
        "pet_alergias": 0,
        "medicamentos": 120,
        "leitos": 300,
        "internacoes where status = 'em_andamento' and leito_id is not null": 300,
        "ocupacoes where fim is null": 300,
        "prescricoes": 600,
        "prescricao_itens where frequencia_horas = 8 and duracao_dias = 4": 1_800,
        "administracoes": 20_000,
        "administracoes a join {s}.internacoes i on i.id = a.internacao_id and data_hora_agendada < admitida_em": 0,
        "configuracoes where antecedencia_maxima_minutos is null": 1,
    }
    assert {what: await count(hospital, what.replace("{s}", hospital.schema)) for what in wanted} == wanted
    assert await count(hospital, "alas") >= 4

    (doses,) = await hospital.sql(
        "select count(*) filter (where data_hora_agendada < $1::timestamptz - interval '30 minutes') as late,"
        " count(*) filter (where data_hora_agendada between $1 - interval '30 minutes' and $1) as due,"
        " count(*) filter (where data_hora_agendada between $1 and $1 + interval '2 hours') as soon"
        " from {s}.administracoes where status = 'pendente'",
        now,
    )
    assert 90 <= doses["late"] <= 106
    assert 60 <= doses["due"] <= 80
    assert 440 <= doses["soon"] <= 460
    for name in ("vet", "enfermagem", "enfermeiro", "recepcao", "admin"):
        await login(hospital, name)
    assert all((await panel(hospital)).values())
