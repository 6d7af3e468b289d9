"""The animals of a made-up hospital: what they are, what they weigh as time goes by, what they are allergic to."""

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from zoapets.common.ids import new_id
from zoapets.demo.breeds import ADULT_KG, GIANT_KG, GIANT_LIFE, LIFE
from zoapets.demo.catalogue import words
from zoapets.demo.draft import Draft, Row, dated
from zoapets.demo.people import Staff

SPECIES = {"canina": 56, "felina": 31, "ave": 4, "roedor": 3, "lagomorfo": 3, "reptil": 3}
MOST_SRD = {"canina": 0.35, "felina": 0.7}
MONTHS_TO_GROW = {"canina": 12.0, "felina": 11.0, "lagomorfo": 6.0, "ave": 2.0, "roedor": 2.0, "reptil": 48.0}
CHIPPED = {"canina": 0.55, "felina": 0.35}
NEUTERED = 0.6
MOST_VISITS = 3
FIRST_VISIT = timedelta(days=50)
YEAR = timedelta(days=365.25)
# What an allergy is to, how it shows and how grave it is; a share of the substances are drugs of the formulary.
ALLERGIES = (
    ("Dipirona", "Hipotensão e salivação após dose intravenosa", "grave"),
    ("Penicilina", "Urticária e edema de face", "grave"),
    ("Cefalexina", "Vômito e prurido", "leve"),
    ("Enrofloxacino", "Eritema e prurido", "moderada"),
    ("Meloxicam", "Vômito com sangue", "grave"),
    ("Tramadol", "Disforia e agitação", "leve"),
    ("Metoclopramida", "Tremores e excitação", "moderada"),
    ("Sulfadiazina", "Ceratoconjuntivite seca", "moderada"),
    ("Látex", "Dermatite de contato", "leve"),
    ("Proteína do frango", "Prurido e otite recorrente", "leve"),
    ("Saliva de pulga", "Dermatite alérgica", "moderada"),
    ("Vacina antirrábica", "Edema de face após a aplicação", "moderada"),
    ("Iodo", "Dermatite de contato", "leve"),
)
ALLERGIC = 0.09
# What else must not be given to who is allergic to this.
ALSO = {"Penicilina": ("Ampicilina", "Amoxicilina"), "Cefalexina": ("Cefazolina", "Ceftriaxona")}


@dataclass
class Animal:
    """One pet, its row, its weights so far, and the times it stayed here."""

    row: Row
    adult_kg: float
    born: datetime
    weights: list[tuple[datetime, Decimal]] = field(default_factory=list)
    allergies: list[str] = field(default_factory=list)
    stays: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def especie(self) -> str:
        return str(self.row["especie"])

    @property
    def must_not_have(self) -> list[str]:
        """What it is allergic to, and what is too near to that."""
        return [*self.allergies, *(near for allergy in self.allergies for near in ALSO.get(allergy, ()))]

    def age(self, at: datetime) -> timedelta:
        return at - self.born

    def weigh(self, at: datetime, rng: Random) -> Decimal:
        """Put it on the scales; what they show, in kg."""
        months = self.age(at) / YEAR * 12
        grown = min(1.0, months / MONTHS_TO_GROW[self.especie])
        kg = shown(self.adult_kg * (0.12 + 0.88 * grown**0.8) * (1 + rng.gauss(0, 0.015)))
        insort(self.weights, (at, kg))
        return kg

    def weight(self, at: datetime) -> Decimal | None:
        """What it weighed when it was last on the scales."""
        return next((kg for when, kg in reversed(self.weights) if when <= at), None)

    def die(self, at: datetime) -> None:
        """Nothing was done with it after that."""
        self.row |= {"obito_em": at, "updated_at": at, "versao": self.row["versao"] + 1}
        self.weights = [(when, kg) for when, kg in self.weights if when <= at]


def shown(kg: float) -> Decimal:
    """As scales show it: to 100 g for the large, 50 g, or 1 g for the small."""
    step = Decimal("0.1") if kg >= 10 else Decimal("0.05") if kg >= 1 else Decimal("0.001")  # noqa: PLR2004 - kg
    return max(step, (Decimal(kg) / step).quantize(Decimal(1)) * step)


def bring(draft: Draft, owners: list[Row], count: int) -> list[Animal]:
    """`count` animals, at least one for each owner."""
    rng = draft.rng
    homes = owners + rng.choices(owners, k=count - len(owners))
    chips = rng.sample(range(10**9, 2 * 10**11), count)
    species = rng.choices(list(SPECIES), weights=list(SPECIES.values()), k=count)
    return [_animal(draft, home, especie, chip) for home, especie, chip in zip(homes, species, chips, strict=True)]


def _animal(draft: Draft, home: Row, especie: str, chip: int) -> Animal:
    rng = draft.rng
    raca = _breed(rng, especie)
    low, high = ADULT_KG[especie][raca]
    life = GIANT_LIFE if low > GIANT_KG else LIFE[especie]
    born = max(draft.now - YEAR * life * rng.betavariate(1.3, 1.9), draft.now - YEAR * life)
    born = min(born, draft.now - FIRST_VISIT - timedelta(days=3))
    since = max(home["created_at"], draft.in_hours(born + FIRST_VISIT))
    sexo = rng.choice(("macho", "femea")) if especie != "reptil" else "indefinido"
    neutered = draft.now - born > YEAR / 2 and rng.random() < NEUTERED if especie in CHIPPED else None
    row = draft.add(
        "pets",
        id=new_id(),
        tutor_id=home["id"],
        nome=rng.choice(words().nomes_pets),
        especie=especie,
        raca=raca,
        sexo=sexo,
        castrado=neutered,
        pelagem=rng.choice(words().pelagens[especie]),
        data_nascimento=born.astimezone(draft.fuso).date(),
        microchip=f"076{chip:012d}" if rng.random() < CHIPPED.get(especie, 0.0) else None,
        obito_em=None,
        **dated(since),
    )
    animal = Animal(row, rng.uniform(low, high), born)
    animal.weigh(since, rng)
    for _ in range(rng.randint(0, MOST_VISITS)):
        animal.weigh(max(since, draft.in_hours(draft.between(since, draft.now - timedelta(days=1)))), rng)
    return animal


def _breed(rng: Random, especie: str) -> str:
    first, *others = words().racas[especie]
    return first if rng.random() < MOST_SRD.get(especie, 0.0) else rng.choice(others)


def make_allergic(draft: Draft, animals: list[Animal], staff: Staff, sure: list[Animal]) -> None:
    """About one dog or cat in eleven is allergic to something; those of `sure` are."""
    rng = draft.rng
    certain = {animal.id for animal in sure}
    for animal in animals:
        if animal.id not in certain and (animal.especie not in CHIPPED or rng.random() >= ALLERGIC):
            continue
        for substancia, reacao, gravidade in rng.sample(ALLERGIES, rng.choice((1, 1, 1, 2))):
            animal.allergies.append(substancia)
            draft.add(
                "pet_alergias",
                id=new_id(),
                pet_id=animal.id,
                substancia=substancia,
                reacao=reacao,
                gravidade=gravidade,
                registrada_por_id=rng.choice(staff.vets),
                registrada_em=animal.row["created_at"],
            )


def write_weights(draft: Draft, animals: list[Animal], staff: Staff) -> None:
    """Every weight, with who read it off the scales."""
    for animal in animals:
        for at, kg in animal.weights:
            staying = any(start <= at <= end for start, end in animal.stays)
            draft.add(
                "pet_pesos",
                id=new_id(),
                pet_id=animal.id,
                peso_kg=kg,
                medido_em=at,
                origem="Balança da internação" if staying else "Balança da recepção",
                registrado_por_id=draft.rng.choice(staff.on_duty(at) if staying else staff.vets),
                created_at=at,
            )
