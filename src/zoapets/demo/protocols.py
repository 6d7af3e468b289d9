"""What is given for which illness, and how much of it to this patient. For show: no source for treating animals."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import NamedTuple

from zoapets.demo.catalogue import Drug, drugs
from zoapets.modules.prescricoes.rules import Calculo, UnidadeDose, calculate, matching_allergy

FREQUENCIES = (6, 8, 12, 24)
# A quarter of a tablet, and four of them, are what can be given; so is what a syringe shows.
LEAST_TABLET, MOST_TABLETS = Decimal("0.25"), 4
LEAST_ML, MOST_ML = Decimal("0.02"), 90
NICE = [
    Decimal(n) for n in ("1", "1.5", "2", "2.5", "3", "4", "5", "7.5", "8", "10", "12.5", "15", "20", "22", "25", "30")
]

# By the beginning of the reason for the stay; a drug by the beginning of its name. The first come first.
PROTOCOLS: dict[str, tuple[str, ...]] = {
    "Gastroenterite": ("Ringer", "Maropitanto 10", "Pantoprazol", "Ampicilina 1 g", "Metronidazol 5", "Dipirona"),
    "Parvovirose": ("Ringer", "Maropitanto 10", "Ampicilina + s", "Metronidazol 5", "Ondansetrona", "Pantoprazol"),
    "Cinomose": ("Levetiracetam", "Fenobarbital 100 mg", "Ceftriaxona", "Omeprazol 40", "Ringer", "Gabapentina"),
    "Leptospirose": ("Ringer", "Ampicilina 1 g", "Maropitanto 10", "Pantoprazol", "Furosemida 10"),
    "Erliquiose": ("Doxiciclina", "Ringer", "Omeprazol 40", "Prednisolona", "Ácido tranexâmico", "Maropitanto 10"),
    "Babesiose": ("Doxiciclina", "Ringer", "Omeprazol 40", "Dipirona", "Maropitanto 10"),
    "Dilatação": ("Ringer", "Metadona", "Cefazolina", "Maropitanto 10", "Pantoprazol", "Dipirona"),
    "Insuficiência cardíaca": (
        "Furosemida 10",
        "Pimobendana",
        "Enalapril",
        "Espironolactona",
        "Acepromazina",
        "Maropitanto 10",
    ),
    "Doença valvar": ("Furosemida", "Pimobendana", "Enalapril", "Espironolactona", "Maropitanto 10"),
    "Pancreatite": ("Ringer", "Metadona", "Maropitanto 10", "Ondansetrona", "Pantoprazol", "Dipirona"),
    "Piometra": ("Ringer", "Ampicilina + s", "Metronidazol 5", "Tramadol 50 mg/mL", "Dipirona", "Maropitanto 10"),
    "Distocia": ("Ringer", "Cefazolina", "Dipirona", "Tramadol 50 mg/mL"),
    "Obstrução uretral": ("Ringer", "Metadona", "Acepromazina", "Dipirona", "Maropitanto 10"),
    "Cistite": ("Gabapentina", "Meloxicam 0,5", "Dipirona", "Ringer"),
    "Lipidose": ("Ringer", "Maropitanto 10", "Ondansetrona", "Vitamina K1", "Omeprazol 40", "Metronidazol 5"),
    "Crise asmática": ("Dexametasona", "Salbutamol", "Terbutalina", "Omeprazol 40"),
    "Tromboembolismo": ("Heparina", "Metadona", "Furosemida 10", "Enalapril", "Dipirona"),
    "Doença renal": ("Ringer", "Maropitanto 10", "Omeprazol 40", "Anlodipino", "Ondansetrona"),
    "Cetoacidose": ("Ringer", "Insulina", "Maropitanto 10", "Ampicilina 1 g", "Pantoprazol"),
    "Hipoglicemia": ("Glicose 5%", "Maropitanto 10", "Omeprazol 40", "Ampicilina 1 g", "Fembendazol"),
    "Status epilepticus": ("Levetiracetam", "Fenobarbital 100 mg", "Ringer", "Omeprazol 40"),
    "Atropelamento": ("Ringer", "Metadona", "Dipirona", "Cefazolina", "Maropitanto 10", "Ácido tranexâmico"),
    "Fratura de fêmur": ("Metadona", "Dipirona", "Meloxicam", "Gabapentina", "Cefazolina"),
    "Fratura de pelve": ("Metadona", "Gabapentina", "Meloxicam 0,5", "Dipirona", "Ringer"),
    "Corpo estranho": ("Ringer", "Tramadol 50 mg/mL", "Cefazolina", "Maropitanto 10", "Dipirona", "Pantoprazol"),
    "Pós-operatório de ovário": ("Meloxicam", "Dipirona", "Tramadol 50 mg/mL", "Cefalexina"),
    "Pós-operatório de mastectomia": ("Metadona", "Meloxicam", "Dipirona", "Gabapentina", "Cefalexina"),
    "Pós-operatório de orquiectomia": ("Meloxicam", "Dipirona", "Omeprazol 40", "Maropitanto 10"),
    "Pós-operatório de hemilaminectomia": (
        "Metadona",
        "Gabapentina",
        "Dipirona",
        "Meloxicam",
        "Cefazolina",
        "Omeprazol 40",
    ),
    "Intoxicação por rodenticida": ("Vitamina K1", "Ringer", "Omeprazol 40", "Ácido tranexâmico"),
    "Intoxicação por chocolate": ("Ringer", "Maropitanto 10", "Acepromazina", "Pantoprazol"),
    "Intoxicação por permetrina": ("Ringer", "Levetiracetam", "Maropitanto 10", "Omeprazol 40"),
    "Acidente ofídico": ("Ringer", "Metadona", "Dipirona", "Ampicilina + s", "Omeprazol 40"),
    "Mordedura": ("Metadona", "Ampicilina + s", "Dipirona", "Metronidazol 5", "Sulfadiazina de prata", "Ringer"),
    "Anemia hemolítica": ("Dexametasona", "Omeprazol 40", "Doxiciclina", "Ringer", "Heparina"),
    "Pneumonia": ("Ampicilina + s", "Enrofloxacino 50 mg/mL", "Maropitanto 10", "Omeprazol 40", "Ringer"),
    "Síndrome braquicefálica": ("Dexametasona", "Acepromazina", "Omeprazol 40", "Maropitanto 10", "Metoclopramida"),
    "Hipertermia": ("Ringer", "Pantoprazol", "Maropitanto 10", "Ampicilina 1 g"),
    "Quimioterapia": ("Maropitanto 10", "Ondansetrona", "Omeprazol 40", "Ringer"),
    "Hospedagem clínica": ("Insulina", "Amoxicilina", "Omeprazol 20", "Gabapentina"),
    "Limpeza dentária": ("Meloxicam", "Amoxicilina", "Dipirona", "Gabapentina"),
    "Estase": ("Ringer", "Metoclopramida", "Meloxicam 0,5", "Enrofloxacino 50 mg/mL"),
    "Má oclusão": ("Meloxicam 0,5", "Ringer", "Metoclopramida", "Enrofloxacino 50 mg/mL"),
    "Retenção de ovo": ("Ringer", "Meloxicam 0,5", "Enrofloxacino 50 mg/mL"),
    "Dispneia": ("Enrofloxacino 50 mg/mL", "Meloxicam 0,5", "Ringer"),
    "Fratura de asa": ("Meloxicam 0,5", "Enrofloxacino 50 mg/mL", "Ringer"),
    "Doença osteometabólica": ("Ringer", "Meloxicam 2 mg/mL"),
    "Estomatite": ("Enrofloxacino 50 mg/mL", "Sulfadiazina de prata", "Meloxicam 2 mg/mL", "Ringer"),
}
AT_HOME = ("Dipirona 500 mg/mL gotas", "Omeprazol 20", "Amoxicilina", "Gabapentina", "Meloxicam 0,5", "Prednisolona")
# For those who can have nothing else.
SUPPORT = ("Omeprazol 40", "Maropitanto 10", "Ondansetrona")


class Dose(NamedTuple):
    """A dose as it is ordered."""

    amount: Decimal
    unidade: str
    via: str
    hours: int


DOGS_CATS, SMALL_MAMMALS = ("canina", "felina"), ("lagomorfo", "roedor")
# Where the catalogue has no range for the species.
USUAL: list[tuple[str, tuple[str, ...], Dose]] = [
    ("Ringer", DOGS_CATS, Dose(Decimal(20), "mL/kg", "IV", 8)),
    ("Ringer", (*SMALL_MAMMALS, "ave", "reptil"), Dose(Decimal(20), "mL/kg", "SC", 12)),
    ("Glicose 5%", DOGS_CATS, Dose(Decimal(20), "mL/kg", "IV", 8)),
    ("Ceftriaxona", DOGS_CATS, Dose(Decimal(25), "mg/kg", "IV", 12)),
    ("Ácido tranexâmico", DOGS_CATS, Dose(Decimal(10), "mg/kg", "IV", 8)),
    ("Heparina", DOGS_CATS, Dose(Decimal(200), "UI/kg", "SC", 8)),
    ("Salbutamol", DOGS_CATS, Dose(Decimal(1), "aplicacao", "INALATORIA", 8)),
    ("Terbutalina", DOGS_CATS, Dose(Decimal("0.01"), "mg/kg", "SC", 8)),
    ("Sulfadiazina de prata", (*DOGS_CATS, "reptil"), Dose(Decimal(1), "aplicacao", "TOPICA", 12)),
    ("Meloxicam 0,5", SMALL_MAMMALS, Dose(Decimal("0.5"), "mg/kg", "VO", 24)),
    ("Meloxicam 0,5", ("ave",), Dose(Decimal("0.5"), "mg/kg", "VO", 12)),
    ("Meloxicam 2 mg/mL", ("reptil",), Dose(Decimal("0.2"), "mg/kg", "SC", 24)),
    ("Enrofloxacino 50 mg/mL", SMALL_MAMMALS, Dose(Decimal(10), "mg/kg", "SC", 24)),
    ("Enrofloxacino 50 mg/mL", ("ave",), Dose(Decimal(15), "mg/kg", "IM", 24)),
    ("Enrofloxacino 50 mg/mL", ("reptil",), Dose(Decimal(5), "mg/kg", "IM", 24)),
    ("Metoclopramida", SMALL_MAMMALS, Dose(Decimal("0.5"), "mg/kg", "SC", 8)),
]
ADVICE = (
    ("Ringer", "IV", "Em bomba de infusão, ao longo de 8 horas."),
    ("Ringer", "SC", "Aquecido, em dois pontos."),
    ("Glicose 5%", "IV", "Em bomba de infusão, ao longo de 8 horas. Medir a glicemia a cada 4 horas."),
    ("Metronidazol", "IV", "Infundir em 30 a 60 minutos."),
    ("Ampicilina + s", "IV", "Infundir em 15 a 30 minutos."),
    ("Cefazolina", "IV", "Lento, em 5 minutos."),
    ("Dipirona", "IV", "Diluir e aplicar lento, em 5 minutos."),
    ("Insulina", "SC", "Medir a glicemia antes. Abaixo de 120 mg/dL não aplicar e avisar o veterinário."),
    ("Heparina", "SC", "Conferir a dose em dupla."),
    ("Metadona", "IM", "Reavaliar a dor 30 minutos depois."),
    ("Furosemida", "IV", "Registrar o débito urinário."),
    ("Pimobendana", "VO", "Uma hora antes do alimento."),
    ("Doxiciclina", "VO", "Oferecer água ou alimento em seguida: risco de esofagite."),
    ("Fenobarbital", "VO", "Não atrasar."),
    ("Levetiracetam", "VO", "Não atrasar."),
    ("Omeprazol", "VO", "Em jejum, 30 minutos antes do alimento."),
    ("Vitamina K1", "SC", "Agulha fina, em vários pontos; nunca intravenoso."),
    ("Maropitanto", "SC", "Refrigerado arde menos."),
)


@dataclass(frozen=True)
class Order:
    """A drug for a patient, as the vet orders it."""

    drug: Drug
    dose: Dose

    @property
    def orientacoes(self) -> str | None:
        """What the vet writes beside it."""
        return next(
            (text for name, via, text in ADVICE if self.drug.nome.startswith(name) and via == self.dose.via), None
        )

    def calculo(self, peso_kg: Decimal) -> Calculo:
        """What it makes for an animal of this weight."""
        return calculate(
            self.dose.amount,
            UnidadeDose(self.dose.unidade),
            peso_kg=peso_kg,
            concentracao=self.drug.concentracao,
            concentracao_unidade=self.drug.concentracao_unidade,
        )


def protocol(motivo: str) -> tuple[str, ...]:
    """What is given for a reason of admission. KeyError for one that nobody has thought of."""
    found = next((names for text, names in PROTOCOLS.items() if motivo.startswith(text)), None)
    if found is None:
        raise KeyError(motivo)
    return found


def orders(
    rng: Random,
    names: Sequence[str],
    *,
    especie: str,
    peso_kg: Decimal,
    alergias: Iterable[str],
    most: int,
    via: str | None = None,
) -> list[Order]:
    """Up to `most` of the drugs of `names` that fit the patient: no allergy, a dose that can be measured out."""
    chosen: list[Order] = []
    for name in names:
        for drug in drugs():
            if len(chosen) == most or not drug.nome.startswith(name):
                continue
            if drug.especies and especie not in drug.especies:
                continue
            if matching_allergy(alergias, drug.nome, drug.principio_ativo, drug.classe):
                continue
            if order := _order(rng, drug, especie, peso_kg, via):
                chosen.append(order)
                break
    return chosen


def _order(rng: Random, drug: Drug, especie: str, peso_kg: Decimal, via: str | None) -> Order | None:
    possible = (Order(drug, dose) for dose in _doses(rng, drug, especie) if via in {None, dose.via})
    return next((order for order in possible if _can_be_given(drug, order.calculo(peso_kg))), None)


def _doses(rng: Random, drug: Drug, especie: str) -> Iterator[Dose]:
    for faixa in drug.faixas:
        if faixa.especie != especie or faixa.frequencia_horas_min is None or faixa.frequencia_horas_max is None:
            continue
        hours = [h for h in FREQUENCIES if faixa.frequencia_horas_min <= h <= faixa.frequencia_horas_max]
        if hours:
            yield Dose(_nice(rng, faixa.dose_min, faixa.dose_max), faixa.unidade, faixa.via, rng.choice(hours))
    for name, species, dose in USUAL:
        if drug.nome.startswith(name) and especie in species:
            yield dose


def _nice(rng: Random, least: Decimal, most: Decimal) -> Decimal:
    """A figure of the range as people order it."""
    nice = [n * size for size in (Decimal("0.01"), Decimal("0.1"), Decimal(1), Decimal(10)) for n in NICE]
    return rng.choice([n for n in nice if least <= n <= most] or [least])


def _can_be_given(drug: Drug, calculo: Calculo) -> bool:
    if drug.forma in {"comprimido", "capsula"} and drug.concentracao is not None:
        tablets = calculo.dose / drug.concentracao
        return (LEAST_TABLET if drug.forma == "comprimido" else 1 / Decimal(2)) <= tablets <= MOST_TABLETS
    if calculo.volume_ml is None or drug.forma == "fluido" or drug.classe == "insulina":
        return True
    return LEAST_ML <= calculo.volume_ml <= MOST_ML
