"""The formulary: a presentation is found however it is spelt, archived, never deleted; a range names its source."""

from typing import Any

import pytest

from tests.cast import Hospital, Stage, number

RANGE = {
    "especie": "canina",
    "via": "IV",
    "doseMin": 0.05,
    "doseMax": 2.5,
    "unidade": "mg/kg",
    "fonte": "Formulário 10",
}


@pytest.fixture(scope="module")
async def formulary(stage: Stage) -> Hospital:
    hospital = await stage.hospital()
    await hospital.medicamento(
        nome="Metadona", principioAtivo="Cloridrato de metadona", altaVigilancia=True, listaControle="A1", vias=["IV"]
    )
    await hospital.medicamento(
        nome="Tramadol", principioAtivo="Cloridrato de tramadol", listaControle="A2", vias=["VO"]
    )
    await hospital.medicamento(
        nome="Ringer",
        principioAtivo="Ringer com lactato",
        vias=["IV", "SC"],
        concentracao=None,
        concentracaoUnidade=None,
    )
    return hospital


async def test_a_presentation_is_kept_as_given(new_hospital: Hospital) -> None:
    made = await new_hospital.medicamento(
        nome="Morfina 0,2 mg/mL", concentracao=0.2, vias=["EPIDURAL", "IV"], altaVigilancia=True, listaControle="A1"
    )

    read = await (await new_hospital.signed_in("Enfermeiro")).get(f"/medicamentos/{made['id']}")
    assert read.json() == made
    assert (made["concentracao"], made["concentracaoUnidade"], made["vias"]) == (0.2, "mg/mL", ["EPIDURAL", "IV"])
    assert (made["altaVigilancia"], made["listaControle"], made["forma"]) == (True, "A1", "po_injetavel")
    assert read.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"busca": "METADÓNA"}, ["Metadona"]),
        ({"busca": "cloridrato"}, ["Metadona", "Tramadol"]),
        ({"altaVigilancia": "true"}, ["Metadona"]),
        ({"altaVigilancia": "false", "via": "VO"}, ["Tramadol"]),
        ({"listaControle": "A2"}, ["Tramadol"]),
        ({"via": "IV"}, ["Metadona", "Ringer"]),
        ({"via": "IV", "busca": "ringer"}, ["Ringer"]),
        ({"arquivados": "true"}, []),
    ],
)
async def test_every_filter_finds_its_own(formulary: Hospital, asked: dict[str, str], names: list[str]) -> None:
    found = (await (await formulary.signed_in("Farmacêutico")).get("/medicamentos", **asked)).json()

    assert [row["nome"] for row in found["data"]] == names
    assert found["meta"]["total"] == len(names)


@pytest.mark.parametrize(
    ("body", "missing"),
    [({"concentracaoUnidade": None}, "concentracaoUnidade"), ({"concentracao": None}, "concentracao")],
)
async def test_a_concentration_and_its_unit_come_together(
    hospital: Hospital, body: dict[str, Any], missing: str
) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")
    given = {
        name: made[name] for name in ("principioAtivo", "apresentacao", "vias", "concentracao", "concentracaoUnidade")
    }

    created = await pharmacist.post("/medicamentos", {"nome": f"Meio {number()}"} | given | body)
    edited = await pharmacist.patch(f"/medicamentos/{made['id']}", body)
    both = await pharmacist.patch(f"/medicamentos/{made['id']}", {"concentracao": None, "concentracaoUnidade": None})

    for answer in (created, edited):
        assert (answer.status_code, answer.json()["type"]) == (422, "/problemas/concentracao-sem-unidade")
        assert [error["field"] for error in answer.json()["errors"]] == [missing]
    assert (both.status_code, both.json()["concentracao"]) == (200, None)


async def test_the_database_holds_the_pair_together_too(hospital: Hospital) -> None:
    made = await hospital.medicamento()

    with pytest.raises(Exception, match="ck_medicamentos_concentracao_com_unidade"):
        await hospital.sql("update {s}.medicamentos set concentracao = null where id = $1", made["id"])


async def test_every_wrong_field_is_named_at_once(hospital: Hospital) -> None:
    answer = await (await hospital.signed_in("Farmacêutico")).post(
        "/medicamentos",
        {"nome": "X", "principioAtivo": "X", "apresentacao": " ", "vias": [], "concentracao": 0.0000001, "forma": "gel",
         "concentracaoUnidade": "mg", "listaControle": "Z9"},
    )  # fmt: skip

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {
        *("apresentacao", "vias", "concentracao", "concentracaoUnidade", "forma", "listaControle"),
    }


async def test_a_route_is_named_once(hospital: Hospital) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")

    twice = await pharmacist.patch(f"/medicamentos/{made['id']}", {"vias": ["IV", "SC", "IV"]})

    assert (twice.status_code, [error["field"] for error in twice.json()["errors"]]) == (422, ["vias"])


async def test_a_name_is_taken_until_its_presentation_is_archived(hospital: Hospital) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")
    path = f"/medicamentos/{made['id']}"
    same = {name: made[name] for name in ("nome", "principioAtivo", "apresentacao", "vias")}

    taken = await pharmacist.post("/medicamentos", same)
    gone = await pharmacist.delete(path, {"motivo": "fora de linha"})
    again = await pharmacist.delete(path, {"motivo": "fora de linha"})
    free = await pharmacist.post("/medicamentos", same)

    assert (taken.status_code, taken.json()["type"]) == (409, "/problemas/medicamento-ja-cadastrado")
    assert (gone.status_code, again.status_code, free.status_code) == (204, 409, 201)
    assert (await pharmacist.get(path)).json()["motivoArquivamento"] == "fora de linha"


async def test_a_stale_edit_is_refused(hospital: Hospital) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")
    path = f"/medicamentos/{made['id']}"

    first = await pharmacist.patch(path, {"classe": "cefalosporina"}, if_match='"1"')
    stale = await pharmacist.patch(path, {"classe": "outra"}, if_match='"1"')

    assert (first.status_code, stale.status_code) == (200, 412)


async def test_a_range_is_kept_with_its_source_and_removed_for_good(hospital: Hospital) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")
    path = f"/medicamentos/{made['id']}/faixas"

    added = (await pharmacist.post(path, RANGE | {"frequenciaHorasMin": 8, "frequenciaHorasMax": 12})).json()
    any_route = (await pharmacist.post(path, RANGE | {"via": None, "doseMin": 1, "doseMax": 1})).json()
    listed = (await (await hospital.signed_in("Veterinário")).get(path)).json()
    removed = await pharmacist.delete(f"{path}/{added['id']}")
    again = await pharmacist.delete(f"{path}/{added['id']}")

    assert listed == [added, any_route]
    assert (added["doseMin"], added["doseMax"], added["fonte"]) == (0.05, 2.5, "Formulário 10")
    assert (removed.status_code, again.status_code) == (204, 404)
    assert (await pharmacist.get(path)).json() == [any_route]
    audited = await hospital.sql(
        "select ator_id from {s}.auditoria where tabela = 'medicamento_faixas' and acao = 'remover'"
        " and registro_id = $1",
        added["id"],
    )
    assert [row["ator_id"] for row in audited] == [pharmacist.id]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"doseMin": 3}, "doseMax"),
        ({"frequenciaHorasMin": 12, "frequenciaHorasMax": 8}, "frequenciaHorasMax"),
        ({"via": "OTOLOGICA"}, "via"),
        ({"fonte": " "}, "fonte"),
        ({"unidade": "mg/m2"}, "unidade"),
        ({"doseMin": 0}, "doseMin"),
        ({"doseMin": 0.0005}, "doseMin"),
    ],
)
async def test_a_range_that_cannot_be_is_refused_by_its_field(
    hospital: Hospital, body: dict[str, Any], field: str
) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")

    answer = await pharmacist.post(f"/medicamentos/{made['id']}/faixas", RANGE | body)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_a_range_must_name_its_source(hospital: Hospital) -> None:
    made, pharmacist = await hospital.medicamento(), await hospital.signed_in("Farmacêutico")
    unsourced = {name: value for name, value in RANGE.items() if name != "fonte"}

    answer = await pharmacist.post(f"/medicamentos/{made['id']}/faixas", unsourced)

    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "fonte", "message": "é obrigatório"}])


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    made, nurse = await hospital.medicamento(), await hospital.signed_in("Enfermeiro")
    path = f"/medicamentos/{made['id']}"
    finance = await hospital.signed_in("Financeiro")

    answers = [
        (await finance.get(path), "medicamentos:ler"),
        (await nurse.post("/medicamentos", {}), "medicamentos:escrever"),
        (await nurse.patch(path, {"classe": "x"}), "medicamentos:escrever"),
        (await nurse.delete(path, {"motivo": "quero"}), "medicamentos:arquivar"),
        (await nurse.post(f"{path}/faixas", RANGE), "medicamentos:escrever"),
        (await nurse.delete(f"{path}/faixas/{made['id']}"), "medicamentos:escrever"),
    ]

    assert [(answer.status_code, answer.json()["permissao"]) for answer, _ in answers] == [
        (403, permission) for _, permission in answers
    ]


async def test_another_hospital_knows_nothing_of_it(hospital: Hospital, other_hospital: Hospital) -> None:
    made, neighbour = await hospital.medicamento(nome=f"Segredo {number()}"), await other_hospital.signed_in()
    path = f"/medicamentos/{made['id']}"
    added = (await (await hospital.signed_in()).post(f"{path}/faixas", RANGE)).json()

    answers = [
        await neighbour.get(path),
        await neighbour.patch(path, {"nome": "Meu"}),
        await neighbour.delete(path, {"motivo": "quero"}),
        await neighbour.get(f"{path}/faixas"),
        await neighbour.post(f"{path}/faixas", RANGE),
        await neighbour.delete(f"{path}/faixas/{added['id']}"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await neighbour.get("/medicamentos", busca=made["nome"])).json()["data"] == []
