"""A made-up hospital: whole, believable, within every rule of the database, and always today's."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.cast import PASSWORD, PASSWORD_HASH, Hospital, Stage
from tests.demo.made_up import check_records, count, fill, panel
from zoapets.common import documents
from zoapets.core.owner.catalog import catalog
from zoapets.core.permissions import ROLES
from zoapets.demo.breeds import ADULT_KG
from zoapets.demo.catalogue import words
from zoapets.demo.draft import ORDER
from zoapets.demo.fill import UnknownSizeError, fill_hospital, is_filled, refresh
from zoapets.modules.prescricoes import rules

FUSO = ZoneInfo("America/Sao_Paulo")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
async def filled(stage: Stage) -> Hospital:
    """One that is only looked at."""
    return await fill(stage)


# --- how much there is


@pytest.mark.parametrize(
    ("what", "least", "most"),
    [
        ("users", 20, 20),
        ("tutores", 220, 260),
        ("pets", 320, 400),
        ("pets where microchip is not null", 60, 250),
        ("pets where obito_em is not null", 2, 6),
        ("medicamentos", 120, 120),
        ("medicamento_faixas", 100, 200),
        ("unidades", 1, 2),
        ("alas", 4, 4),
        ("alas where isolamento", 1, 1),
        ("leitos", 40, 40),
        ("leitos where situacao = 'higienizacao'", 2, 4),
        ("leitos where situacao = 'bloqueado'", 1, 2),
        ("internacoes where status = 'em_andamento'", 25, 25),
        ("internacoes where status = 'aguardando'", 2, 3),
        ("internacoes where status in ('alta', 'obito')", 60, 80),
        ("internacoes where status = 'obito'", 2, 6),
        ("prescricoes where tipo = 'ambulatorial'", 5, 20),
        ("prescricao_itens where status = 'suspensa'", 1, 1),
        ("administracoes where status = 'nao_realizada'", 20, 150),
        ("administracoes where status = 'anulada'", 1, 2),
        ("administracoes where substitui_id is not null", 1, 2),
        ("administracoes where data_hora_realizada > data_hora_agendada + interval '30 minutes'", 20, 400),
    ],
)
async def test_a_demo_hospital_is_of_a_believable_size(filled: Hospital, what: str, least: int, most: int) -> None:
    assert least <= await count(filled, what) <= most


async def test_every_role_has_people_who_can_sign_in(stage: Stage, filled: Hospital) -> None:
    rows = await filled.sql(
        "select r.nome, count(*) from {s}.roles r join {s}.user_roles ur on ur.role_id = r.id group by 1"
    )
    assert {row["nome"] for row in rows} == set(ROLES)
    for name in ("admin", "vet", "enfermagem", "recepcao", "farmacia", "financeiro"):
        sent = {"email": f"{name}@{filled.slug}.test", "password": PASSWORD}
        assert (await stage.http.post("/auth/login", json=sent)).status_code == 200, name


async def test_every_vet_has_a_crmv(filled: Hospital) -> None:
    vets = await filled.sql(
        "select u.crmv, u.crmv_uf from {s}.users u join {s}.user_roles ur on ur.user_id = u.id"
        " join {s}.roles r on r.id = ur.role_id where r.nome = 'Veterinário'"
    )
    assert len(vets) == 6
    for vet in vets:
        assert documents.crmv(vet["crmv"]) == vet["crmv"]
        assert documents.uf(vet["crmv_uf"]) == vet["crmv_uf"]


async def test_what_people_wrote_is_in_its_normal_form(filled: Hospital) -> None:
    tutores = await filled.sql("select * from {s}.tutores")
    assert len({tutor["documento"] for tutor in tutores}) == len(tutores)
    normal: list[tuple[str, Callable[[str], str]]] = [
        ("documento", documents.cpf),
        ("telefone", documents.phone),
        ("email", documents.email),
        ("cep", documents.cep),
        ("uf", documents.uf),
    ]
    for column, form in normal:
        values = [tutor[column] for tutor in tutores if tutor[column] is not None]
        assert len(values) > 150
        assert [form(value) for value in values] == values
    chips = [row["microchip"] for row in await filled.sql("select microchip from {s}.pets where microchip is not null")]
    assert [documents.microchip(chip) for chip in chips] == chips
    assert all(documents.email(row["email"]) for row in await filled.sql("select email from {s}.users"))


# --- animals and stays


async def test_an_animal_weighs_what_its_breed_weighs(filled: Hospital) -> None:
    rows = await filled.sql(
        "select p.especie, p.raca, w.peso_kg from {s}.pets p join {s}.pet_pesos w on w.pet_id = p.id"
        " where w.medido_em > p.data_nascimento + interval '5 years'"
    )
    assert len(rows) > 100
    for row in rows:
        low, high = ADULT_KG[row["especie"]][row["raca"]]
        assert low * 0.85 <= row["peso_kg"] <= high * 1.15, dict(row)


async def test_every_animal_was_weighed_one_to_six_times_in_its_life(filled: Hospital) -> None:
    rows = await filled.sql(
        "select count(w.id), min(w.medido_em) filter (where w.medido_em < p.data_nascimento) as unborn,"
        " max(w.medido_em) filter (where w.medido_em > coalesce(p.obito_em, $1)) as dead"
        " from {s}.pets p left join {s}.pet_pesos w on w.pet_id = p.id group by p.id",
        filled.stage.now,
    )
    assert {row["count"] for row in rows} == set(range(1, 7))
    assert all(row["unborn"] is None and row["dead"] is None for row in rows)


async def test_some_animals_are_allergic_and_some_of_them_stay_here(filled: Hospital) -> None:
    allergic = await filled.sql(
        "select a.pet_id, bool_or(i.id is not null) as stays from {s}.pet_alergias a"
        " left join {s}.internacoes i on i.pet_id = a.pet_id and i.status = 'em_andamento' group by 1"
    )
    assert 0.04 <= len(allergic) / await count(filled, "pets") <= 0.15
    assert sum(row["stays"] for row in allergic) >= 3


async def test_a_reason_for_a_stay_fits_the_patient_and_the_ward(filled: Hospital) -> None:
    rows = await filled.sql(
        "select i.motivo, i.prioridade, i.isolamento, p.especie, p.sexo, a.isolamento as ward_isolates, a.nome as ala"
        " from {s}.internacoes i join {s}.pets p on p.id = i.pet_id"
        " left join {s}.leitos l on l.id = i.leito_id left join {s}.alas a on a.id = l.ala_id"
    )
    reasons = {motivo.texto: motivo for motivo in words().motivos_internacao}
    for row in rows:
        motivo = reasons[row["motivo"]]
        assert row["especie"] in motivo.especies
        assert motivo.sexo in {None, row["sexo"]}
        assert (row["prioridade"], row["isolamento"]) == (motivo.prioridade, motivo.isolamento)
        assert row["ward_isolates"] in {None, motivo.isolamento}
        assert row["ala"] != "Internação Felinos" or row["especie"] == "felina"


async def test_the_bed_of_a_stay_is_the_one_it_occupies(filled: Hospital) -> None:
    rows = await filled.sql(
        "select i.status, i.leito_id, i.admitida_em, i.data_alta, l.situacao,"
        " (select array_agg(o.leito_id) from {s}.ocupacoes o where o.internacao_id = i.id and o.fim is null) as open,"
        " (select min(o.inicio) from {s}.ocupacoes o where o.internacao_id = i.id) as first,"
        " (select max(o.fim) from {s}.ocupacoes o where o.internacao_id = i.id) as last"
        " from {s}.internacoes i left join {s}.leitos l on l.id = i.leito_id"
    )
    for row in rows:
        match row["status"]:
            case "em_andamento":
                assert (row["open"], row["situacao"], row["first"]) == ([row["leito_id"]], "livre", row["admitida_em"])
            case "aguardando":
                assert (row["open"], row["first"], row["leito_id"]) == (None, None, None)
            case _:
                assert (row["open"], row["leito_id"], row["last"]) == (None, None, row["data_alta"])


async def test_a_pet_that_died_here_is_dead_since_its_stay_ended(filled: Hospital) -> None:
    rows = await filled.sql(
        "select p.obito_em, i.data_alta, i.causa_obito from {s}.pets p join {s}.internacoes i on i.pet_id = p.id"
        " where i.status = 'obito' or p.obito_em is not null"
    )
    assert rows
    assert all(row["obito_em"] == row["data_alta"] and row["causa_obito"] for row in rows)


# --- treatments

ITEMS = """
select pi.*, p.tipo, p.created_at as signed, p.internacao_id, pet.especie, m.nome, m.principio_ativo, m.classe,
  m.concentracao, m.concentracao_unidade, m.vias, m.alta_vigilancia, m.lista_controle,
  (select w.peso_kg from {s}.pet_pesos w where w.pet_id = pet.id and w.medido_em <= p.created_at
   order by w.medido_em desc limit 1) as weight,
  array(select a.substancia from {s}.pet_alergias a where a.pet_id = pet.id) as alergias,
  array(select a.data_hora_agendada from {s}.administracoes a where a.prescricao_item_id = pi.id
    and a.status <> 'anulada' order by 1) as doses
from {s}.prescricao_itens pi join {s}.prescricoes p on p.id = pi.prescricao_id
join {s}.pets pet on pet.id = p.pet_id join {s}.medicamentos m on m.id = pi.medicamento_id
"""


async def test_an_item_is_calculated_on_the_weight_of_its_day(filled: Hospital) -> None:
    for item in await filled.sql(ITEMS):
        made = rules.calculate(
            item["dose"],
            rules.UnidadeDose(item["unidade"]),
            peso_kg=item["weight"],
            concentracao=item["concentracao"],
            concentracao_unidade=item["concentracao_unidade"],
        )
        assert item["peso_kg"] == item["weight"]
        assert (item["dose_calculada"], item["dose_calculada_unidade"], item["volume_ml"]) == (
            made.dose,
            made.unidade,
            made.volume_ml,
        )


async def test_an_item_is_within_the_range_and_by_a_route_of_its_drug(filled: Hospital) -> None:
    faixas = await filled.sql("select * from {s}.medicamento_faixas")
    for item in await filled.sql(ITEMS):
        ranges = [
            rules.Faixa(f["via"], f["dose_min"], f["dose_max"], f["unidade"], f["fonte"])
            for f in faixas
            if (f["medicamento_id"], f["especie"]) == (item["medicamento_id"], item["especie"])
        ]
        unidade = rules.UnidadeDose(item["unidade"])
        assert rules.out_of_range(ranges, via=item["via"], dose=item["dose"], unidade=unidade, peso_kg=None) is None
        assert item["via"] in item["vias"]
        assert item["frequencia_horas"] in {6, 8, 12, 24}


async def test_nobody_is_given_what_they_are_allergic_to(filled: Hospital) -> None:
    for item in await filled.sql(ITEMS):
        assert rules.matching_allergy(item["alergias"], item["nome"], item["principio_ativo"], item["classe"]) is None


async def test_a_prescription_has_two_to_five_items_and_the_dangerous_are_among_them(filled: Hospital) -> None:
    items = await filled.sql(ITEMS)
    assert set(Counter(item["prescricao_id"] for item in items).values()) <= {2, 3, 4, 5}
    under_way = [item for item in items if item["status"] == "ativa" and item["tipo"] == "hospitalar"]
    assert any(item["alta_vigilancia"] for item in under_way)
    assert any(item["lista_controle"] for item in under_way)


async def test_every_dose_of_a_course_is_on_the_schedule_as_the_rules_have_it(filled: Hospital) -> None:
    for item in await filled.sql(ITEMS):
        times = rules.times(item["inicio"], item["frequencia_horas"], item["duracao_dias"], FUSO)
        assert item["doses"] == (times if item["tipo"] == "hospitalar" else [])


async def test_a_dose_was_recorded_within_the_stay_and_not_in_the_future(filled: Hospital) -> None:
    await check_records(filled, filled.stage.now)


async def test_most_doses_were_given_on_time(filled: Hospital) -> None:
    total = await count(filled, "administracoes where status in ('realizada', 'nao_realizada')")
    on_time = await count(
        filled,
        "administracoes where status = 'realizada' and data_hora_realizada between"
        " data_hora_agendada - interval '30 minutes' and data_hora_agendada + interval '30 minutes'",
    )
    assert 0.7 < on_time / total < 0.97


async def test_the_panel_shows_a_hospital_at_work(filled: Hospital) -> None:
    lists = await panel(filled)
    assert 6 <= len(lists["atrasadas"]) <= 11
    assert 5 <= len(lists["pendentes"]) <= 12
    assert 15 <= len(lists["proximas"]) <= 40
    for row in [row for rows in lists.values() for row in rows]:
        stay = row["prescricao"]["internacao"]
        assert stay["leito"]["codigo"]
        assert Decimal(str(stay["pet"]["pesoKg"])) > 0
        assert row["item"]["doseCalculada"] is not None


# --- whole, traced, unguarded nowhere, and the same each time


async def test_the_database_is_as_guarded_as_before(stage: Stage, filled: Hospital, new_hospital: Hospital) -> None:
    assert await catalog(stage.owner, filled.schema) == await catalog(stage.owner, new_hospital.schema)


async def test_the_audit_says_that_it_came_from_the_demo(filled: Hospital) -> None:
    rows = await filled.sql("select distinct tabela from {s}.auditoria where origem = 'demo' and ator_id is null")
    assert {row["tabela"] for row in rows} >= set(ORDER) - {"eventos"}


async def test_doses_are_given_up_to_two_hours_early_and_ranges_are_not_checked(filled: Hospital) -> None:
    (row,) = await filled.sql("select * from {s}.configuracoes")
    assert (row["antecedencia_maxima_minutos"], row["verificar_faixas_de_dose"]) == (120, False)


async def test_a_hospital_is_filled_once_or_not_at_all(stage: Stage, new_hospital: Hospital) -> None:
    async def again() -> None:
        await fill_hospital(
            stage.owner,
            new_hospital.schema,
            new_hospital.slug,
            size="demo",
            now=stage.now,
            password_hash=PASSWORD_HASH,
            step=steps.append,
        )

    steps: list[str] = []
    assert not await is_filled(stage.owner, new_hospital.schema)
    await again()
    assert await is_filled(stage.owner, new_hospital.schema)
    assert len(steps) >= 5
    before = [await count(new_hospital, table) for table in ORDER]
    with pytest.raises(Exception, match="uq_users_email"):
        await again()
    assert [await count(new_hospital, table) for table in ORDER] == before


async def test_an_unknown_size_or_schema_is_refused(stage: Stage, new_hospital: Hospital) -> None:
    with pytest.raises(UnknownSizeError):
        await fill(stage, "enorme")
    with pytest.raises(LookupError):
        await is_filled(stage.owner, "tenant_nenhum")
    assert not await refresh(stage.owner, new_hospital.schema, now=stage.now)


async def test_the_same_name_and_moment_make_the_same_hospital(stage: Stage) -> None:
    now = stage.now
    one, other = await fill(stage, slug="gemeos", now=now), await fill(stage, slug="gemeos", now=now)

    async def gist(hospital: Hospital) -> list[Any]:
        return [
            await hospital.sql("select nome, documento, telefone, endereco from {s}.tutores order by documento"),
            await hospital.sql("select nome, especie, raca, data_nascimento from {s}.pets order by 4, 1, 2, 3"),
            await hospital.sql(
                "select data_hora_agendada, status, justificativa from {s}.administracoes order by 1, 2, 3"
            ),
        ]

    assert await gist(one) == await gist(other)
