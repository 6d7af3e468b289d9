"""The demo hospital's catalogue: a formulary and the words it is peopled with."""

import json
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from zoapets.common import documents
from zoapets.entities.internacoes import Prioridade
from zoapets.entities.medicamentos import Forma, ListaControle, Via
from zoapets.entities.pets import Especie, Sexo

CONCENTRATION_UNITS = {
    *("mg/mL", "mcg/mL", "UI/mL", "mEq/mL", "g/mL"),
    *("mg/comprimido", "mg/capsula", "mcg/comprimido"),
}
DOSE_UNITS = {"mg/kg", "mcg/kg", "UI/kg"}
SPECIES = {"canina", "felina", "ave", "roedor", "lagomorfo", "reptil"}
REQUIRED = {
    *("nome", "principioAtivo", "apresentacao", "forma", "concentracao", "concentracaoUnidade"),
    *("vias", "altaVigilancia", "listaControle", "classe", "faixas"),
}
RANGE = {
    *("especie", "via", "doseMin", "doseMax", "unidade"),
    *("frequenciaHorasMin", "frequenciaHorasMax", "fonte"),
}


def load(name: str) -> Any:
    return json.loads((files("zoapets") / "demo" / name).read_text(encoding="utf-8"))


MEDICAMENTOS: list[dict[str, Any]] = load("medicamentos.json")
NOMES: dict[str, Any] = load("nomes.json")

each_medicamento = pytest.mark.parametrize("row", MEDICAMENTOS, ids=lambda row: row["nome"])


def test_the_formulary_has_120_presentations_of_70_ingredients_or_more() -> None:
    assert len(MEDICAMENTOS) >= 120
    assert len({row["principioAtivo"] for row in MEDICAMENTOS}) >= 70


def test_each_presentation_has_a_name_of_its_own() -> None:
    names = Counter(row["nome"].casefold() for row in MEDICAMENTOS)
    assert [name for name, times in names.items() if times > 1] == []


@each_medicamento
def test_a_presentation_uses_the_words_of_the_formulary(row: dict[str, Any]) -> None:
    assert row.keys() - {"especies"} == REQUIRED
    assert all(row[field].strip() == row[field] != "" for field in ("nome", "principioAtivo", "apresentacao", "classe"))
    assert Forma(row["forma"])
    assert row["vias"]
    assert {Via(via) for via in row["vias"]} == set(row["vias"])
    assert isinstance(row["altaVigilancia"], bool)
    assert row["listaControle"] is None or ListaControle(row["listaControle"])
    assert set(row.get("especies", [])) <= SPECIES


@each_medicamento
def test_a_concentration_has_a_unit_that_fits_the_form(row: dict[str, Any]) -> None:
    concentration, unit = row["concentracao"], row["concentracaoUnidade"]
    assert (concentration is None) == (unit is None)
    if unit is None:
        return
    assert concentration > 0
    assert unit in CONCENTRATION_UNITS
    assert unit.endswith({"comprimido": "/comprimido", "capsula": "/capsula"}.get(row["forma"], "/mL"))


@each_medicamento
def test_a_dose_range_is_ordered_sourced_and_of_this_presentation(row: dict[str, Any]) -> None:
    for faixa in row["faixas"]:
        assert faixa.keys() == RANGE
        assert faixa["especie"] in row.get("especies", ["canina", "felina"])
        assert faixa["via"] in row["vias"]
        assert 0 < faixa["doseMin"] <= faixa["doseMax"]
        assert faixa["unidade"] in DOSE_UNITS
        assert faixa["unidade"].startswith("UI") == row["concentracaoUnidade"].startswith("UI")
        assert faixa["fonte"].endswith("; conferir antes de usar")
        least, most = faixa["frequenciaHorasMin"], faixa["frequenciaHorasMax"]
        # Both absent: one dose, or to effect.
        assert (least is None and most is None) or 1 <= least <= most


@each_medicamento
def test_a_species_and_a_route_have_one_dose_range(row: dict[str, Any]) -> None:
    keys = [(faixa["especie"], faixa["via"]) for faixa in row["faixas"]]
    assert len(keys) == len(set(keys))


def test_the_common_drugs_have_dose_ranges() -> None:
    assert len({row["principioAtivo"] for row in MEDICAMENTOS if row["faixas"]}) >= 45


def test_the_drugs_that_kill_by_mistake_are_on_high_alert() -> None:
    always = {"opioide", "insulina", "anticoagulante", "quimioterápico", "anestésico geral", "bloqueador neuromuscular"}
    assert [row["nome"] for row in MEDICAMENTOS if row["classe"] in always and not row["altaVigilancia"]] == []
    potassio = next(row for row in MEDICAMENTOS if row["nome"] == "Cloreto de potássio 19,1%")
    assert potassio["altaVigilancia"]
    assert (potassio["concentracao"], potassio["concentracaoUnidade"]) == (2.56, "mEq/mL")


@pytest.mark.parametrize(
    ("ingredient", "letter"),
    [
        ("Sulfato de morfina", "A1"),
        ("Cloridrato de metadona", "A1"),
        ("Citrato de fentanila", "A1"),
        ("Cloridrato de tramadol", "A2"),
        ("Diazepam", "B1"),
        ("Midazolam", "B1"),
        ("Fenobarbital", "B1"),
        ("Cloridrato de cetamina", "C1"),
        ("Propofol", "C1"),
        ("Gabapentina", "C1"),
    ],
)
def test_a_controlled_substance_has_one_list_in_every_presentation(ingredient: str, letter: str) -> None:
    assert {row["listaControle"] for row in MEDICAMENTOS if row["principioAtivo"] == ingredient} == {letter}


@pytest.mark.parametrize(
    ("key", "least"),
    [
        ("prenomes", 40),
        ("sobrenomes", 40),
        ("nomesPets", 80),
        ("ruas", 25),
        ("bairros", 20),
        ("cidades", 10),
        ("motivosInternacao", 30),
        ("observacoesEnfermagem", 15),
        ("justificativasNaoRealizada", 8),
        ("equipe", 20),
    ],
)
def test_there_are_enough_words_and_none_is_said_twice(key: str, least: int) -> None:
    words = [json.dumps(word, ensure_ascii=False) for word in NOMES[key]]
    assert len(words) >= least
    assert len(words) == len(set(words))


@pytest.mark.parametrize("key", ["racas", "pelagens"])
def test_each_species_has_its_breeds_and_its_coats(key: str) -> None:
    assert NOMES[key].keys() == SPECIES
    assert set(Especie) >= SPECIES
    for words in NOMES[key].values():
        assert len(words) >= 5
        assert len(words) == len(set(words))


def test_every_species_has_pets_without_a_breed() -> None:
    assert all(breeds[0] == "SRD" for breeds in NOMES["racas"].values())


def test_a_city_has_a_uf_and_a_ddd_that_can_be_dialled() -> None:
    for cidade in NOMES["cidades"]:
        assert cidade.keys() == {"nome", "uf", "ddd"}
        assert documents.uf(cidade["uf"]) == cidade["uf"]
        assert documents.phone(f"({cidade['ddd']}) 98765-4321") == f"+55{cidade['ddd']}987654321"


def test_a_reason_for_admission_says_who_it_is_for_and_how_urgent_it_is() -> None:
    reasons = NOMES["motivosInternacao"]
    for motivo in reasons:
        assert motivo.keys() == {"texto", "prioridade", "especies", "sexo", "isolamento"}
        assert Prioridade(motivo["prioridade"])
        assert motivo["especies"]
        assert set(motivo["especies"]) <= SPECIES
        assert motivo["sexo"] is None or Sexo(motivo["sexo"])
        assert isinstance(motivo["isolamento"], bool)
    assert {motivo["prioridade"] for motivo in reasons} == set(Prioridade)
    assert {especie for motivo in reasons for especie in motivo["especies"]} == SPECIES


def test_the_staff_have_three_names_each_from_the_lists() -> None:
    for nome in NOMES["equipe"]:
        first, *family = nome.split()
        assert first in NOMES["prenomes"]
        assert len(family) == 2
        assert all(name in NOMES["sobrenomes"] for name in family)
        assert all(one != other for one, other in pairwise(family))
