"""What is given in the demo: every word of it is about something that the catalogue has."""

from decimal import Decimal
from random import Random

from zoapets.demo.breeds import ADULT_KG, BRACHYCEPHALIC, LIFE
from zoapets.demo.catalogue import drugs, words
from zoapets.demo.protocols import ADVICE, AT_HOME, PROTOCOLS, SUPPORT, USUAL, orders, protocol
from zoapets.demo.wards import AGES, FOR_SHORT_NOSES, NEUTERED_BY


def test_every_name_in_a_protocol_is_of_a_drug() -> None:
    names = {name for names in PROTOCOLS.values() for name in names} | {*AT_HOME, *SUPPORT}
    names |= {name for name, *_ in ADVICE} | {name for name, *_ in USUAL}
    assert [name for name in names if not any(drug.nome.startswith(name) for drug in drugs())] == []
    for name, _, dose in USUAL:
        assert all(dose.via in drug.vias for drug in drugs() if drug.nome.startswith(name)), name


def test_every_rule_about_a_reason_is_about_one_that_is_given() -> None:
    texts = [motivo.texto for motivo in words().motivos_internacao]
    prefixes = [*PROTOCOLS, *AGES, *NEUTERED_BY, *FOR_SHORT_NOSES]
    assert [prefix for prefix in prefixes if not any(text.startswith(prefix) for text in texts)] == []
    assert [len(protocol(text)) >= 2 for text in texts] == [True] * len(texts)


def test_every_patient_of_a_usual_weight_has_at_least_two_drugs() -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    for motivo in words().motivos_internacao:
        for especie in motivo.especies:
            heavy = [kg for low, high in ADULT_KG[especie].values() for kg in (low, high) if kg >= 0.3]
            for kg in (min(heavy), max(heavy)):
                names = (*protocol(motivo.texto), *SUPPORT)
                found = orders(rng, names, especie=especie, peso_kg=Decimal(str(kg)), alergias=[], most=5)
                assert len(found) >= 2, (motivo.texto, especie, kg)


def test_every_breed_has_a_weight_and_every_species_a_lifespan() -> None:
    assert {especie: set(racas) for especie, racas in words().racas.items()} == {
        especie: set(kg) for especie, kg in ADULT_KG.items()
    }
    assert LIFE.keys() == ADULT_KG.keys()
    assert set(ADULT_KG["canina"]) > BRACHYCEPHALIC
