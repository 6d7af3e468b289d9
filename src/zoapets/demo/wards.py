"""Beds, and who lay and lies in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import NamedTuple
from uuid import UUID

from zoapets.common.ids import new_id
from zoapets.demo.animals import YEAR, Animal
from zoapets.demo.breeds import BRACHYCEPHALIC
from zoapets.demo.catalogue import Motivo, words
from zoapets.demo.draft import Draft, Row, dated
from zoapets.demo.people import Staff

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAST_DAYS = 60
# Beds are cleaned between two patients, and a pet that came back was well for a while.
CLEANING, WELL = 2 * HOUR, 5 * DAY
SMALLEST_KG, MOST_WEIGHTS = 0.3, 6
TRIES = 200


class Ward(NamedTuple):
    """A ward: its beds, how many of them are taken now, and its share of the stays that are over."""

    nome: str
    prefix: str
    unidade: str
    beds: int
    taken: int
    past: int


UTI = Ward("UTI", "UTI", "Bloco A", 10, 7, 19)
GERAL = Ward("Internação Geral", "GER", "Bloco A", 14, 9, 29)
FELINOS = Ward("Internação Felinos", "FEL", "Bloco B", 10, 5, 13)
ISOLAMENTO = Ward("Isolamento", "ISO", "Bloco B", 6, 4, 5)
WARDS = (UTI, GERAL, FELINOS, ISOLAMENTO)
WAITING, DEATHS, MOVED, CLEANED, BLOCKED = 3, 4, 0.25, 2, 1

# How old, in years, those are who come for a reason; it is told by how it begins.
AGES: dict[str, tuple[float, float]] = {
    "Hipoglicemia em filhote": (0, 0.5),
    "Parvovirose": (0, 2),
    "Cinomose": (0, 6),
    "Pós-operatório de o": (0.6, 8),
    "Pós-operatório de mastectomia": (5, 99),
    "Pós-operatório de hemilaminectomia": (2, 99),
    "Piometra": (1.5, 99),
    "Distocia": (1.5, 8),
    "Doença valvar": (7, 99),
    "Doença renal": (5, 99),
    "Insuficiência cardíaca": (5, 99),
    "Tromboembolismo": (4, 99),
    "Quimioterapia": (4, 99),
    "Cetoacidose": (3, 99),
    "Hospedagem clínica": (3, 99),
    "Limpeza dentária": (3, 99),
    "Obstrução uretral": (1, 99),
    "Lipidose": (1, 99),
    "Crise asmática": (1, 99),
    "Pancreatite": (1, 99),
    "Anemia hemolítica": (1, 99),
    "Status epilepticus": (0.8, 99),
    "Retenção de ovo": (0.8, 99),
}
FOR_SHORT_NOSES = ("Pós-operatório de orquiectomia", "Síndrome braquicefálica")
NEUTERED_BY = {
    "Pós-operatório de orquiectomia": True,
    "Pós-operatório de ovário": True,
    "Piometra": False,
    "Distocia": False,
}
ISOLATED_FOR = {
    "Parvovirose": "Parvovírus: doença contagiosa de fômites persistentes",
    "Cinomose": "Vírus da cinomose: doença contagiosa por aerossóis",
    "Leptospirose": "Leptospirose: zoonose transmitida pela urina",
}
DEATHS_FROM = "Parada cardiorrespiratória sem retorno após manobras de reanimação; quadro de base: {}"
DISCHARGES = (
    "Alta com melhora clínica. Retorno em sete dias.",
    "Alta com medicação para casa e repouso. Retirar os pontos em dez dias.",
    "Paciente alerta, comendo e hidratado. Retorno em cinco dias com exames.",
    "Alta com orientação de dieta e reavaliação em quarenta e oito horas.",
    "Alta a pedido do responsável, ciente dos riscos; orientado a voltar se piorar.",
)


@dataclass
class Bed:
    """A bed, and when it was taken."""

    row: Row
    taken: list[tuple[datetime, datetime]] = field(default_factory=list)

    def is_free(self, start: datetime, end: datetime) -> bool:
        return all(end <= first or start >= last for first, last in self.taken)


@dataclass
class Stay:
    """A stay, from `start` in a bed until `end`; FOREVER while it lasts."""

    row: Row
    pet: Animal
    motivo: Motivo
    vet: UUID
    start: datetime
    end: datetime

    @property
    def is_open(self) -> bool:
        return self.end == FOREVER


@dataclass
class House:
    """The wards, their beds, and the stays in them."""

    draft: Draft
    staff: Staff
    animals: list[Animal]
    beds: dict[Ward, list[Bed]]
    decks: dict[Ward, Iterator[Motivo]]
    stays: list[Stay] = field(default_factory=list)


def build(draft: Draft, staff: Staff, animals: list[Animal], since: datetime) -> House:
    """Two unidades, four alas, forty beds; nobody in them."""
    unidades = {
        nome: draft.add("unidades", id=new_id(), nome=nome, endereco=endereco, **dated(since))["id"]
        for nome, endereco in (("Bloco A", "Térreo e primeiro andar"), ("Bloco B", "Anexo, entrada pelos fundos"))
    }
    house = House(draft, staff, animals, {}, {ward: _deck(draft, ward) for ward in WARDS})
    for ward in WARDS:
        ala = draft.add(
            "alas",
            id=new_id(),
            unidade_id=unidades[ward.unidade],
            nome=ward.nome,
            isolamento=ward is ISOLAMENTO,
            **dated(since),
        )
        house.beds[ward] = [
            Bed(
                draft.add(
                    "leitos",
                    id=new_id(),
                    ala_id=ala["id"],
                    codigo=f"{ward.prefix}-{n:02d}",
                    situacao="livre",
                    **dated(since),
                )
            )
            for n in range(1, ward.beds + 1)
        ]
    return house


def _deck(draft: Draft, ward: Ward) -> Iterator[Motivo]:
    """The reasons for which a ward takes a patient, again and again in the same shuffled order."""
    reasons = [motivo for motivo in words().motivos_internacao if _takes(ward, motivo)]
    return cycle(draft.rng.sample(reasons, len(reasons)))


def _takes(ward: Ward, motivo: Motivo) -> bool:
    if motivo.isolamento or ward is ISOLAMENTO:
        return motivo.isolamento and ward is ISOLAMENTO
    if motivo.prioridade == "critica" or ward is UTI:
        return motivo.prioridade == "critica" and ward is UTI
    return "felina" in motivo.especies if ward is FELINOS else any(especie != "felina" for especie in motivo.especies)


def fill(house: House) -> None:
    """The stays under way, those that wait, and two months of stays that are over."""
    rng, now = house.draft.rng, house.draft.now
    for ward in WARDS:
        for n in range(ward.taken):
            # The first of each ward came today; the others up to four days ago.
            hours = rng.randint(10, 20) if n == 0 else rng.randint(20, 96)
            _admit(house, ward, now - hours * HOUR - timedelta(minutes=rng.randint(0, 59)), FOREVER)
    for n in range(WAITING):
        _await_bed(house, now - timedelta(minutes=rng.randint(15, 40) * (n + 1)))
    for ward in WARDS:
        for _ in range(ward.past):
            _past(house, ward)
    _lose(house)
    _close_beds(house)


def _past(house: House, ward: Ward) -> None:
    rng, now = house.draft.rng, house.draft.now
    longest = 120 if ward in {UTI, ISOLAMENTO} else 72
    for _ in range(TRIES):
        hours = rng.randint(14, longest)
        start = house.draft.between(now - PAST_DAYS * DAY, now - (hours + 6) * HOUR)
        if _admit(house, ward, start, start + timedelta(hours=hours, minutes=rng.randint(0, 59))):
            return
    raise RuntimeError(f"no bed was free in {ward.nome}: the ward is too small for its past")


def _admit(house: House, ward: Ward, entered: datetime, end: datetime) -> bool:
    """A stay in a bed of `ward`, some of them first in the UTI; False when no bed or no patient is to be had."""
    rng = house.draft.rng
    entered = entered.replace(second=0, microsecond=0)
    start = entered + timedelta(minutes=rng.choice((0, 0, 10, 25, 40, 70)))
    free_until = end if end == FOREVER else end + CLEANING
    bed = next((bed for bed in rng.sample(house.beds[ward], ward.beds) if bed.is_free(start, free_until)), None)
    if bed is None:
        return False
    motivo, pet = _patient(house, ward, entered, end)
    stay = _enter(house, pet, motivo, entered, start=start, end=end)
    house.stays.append(stay)
    moved = _from_uti(house, ward, stay)
    bed.taken.append((moved or start, free_until))
    _occupy(house, stay, bed, moved or start, end, motivo="Melhora clínica; saiu da UTI." if moved else None)
    stay.row["leito_id"] = bed.row["id"] if stay.is_open else None
    return True


def _from_uti(house: House, ward: Ward, stay: Stay) -> datetime | None:
    """The first night in the UTI, for some of the serious; when it was over."""
    rng = house.draft.rng
    moved = stay.start + rng.randint(9, 14) * HOUR
    if ward not in {GERAL, FELINOS} or stay.motivo.prioridade != "alta" or rng.random() >= MOVED:
        return None
    if moved >= min(stay.end, house.draft.now):
        return None
    bed = next((bed for bed in house.beds[UTI] if bed.is_free(stay.start, moved + CLEANING)), None)
    if bed is None:
        return None
    bed.taken.append((stay.start, moved + CLEANING))
    _occupy(house, stay, bed, stay.start, moved)
    return moved


def _occupy(house: House, stay: Stay, bed: Bed, start: datetime, end: datetime, *, motivo: str | None = None) -> None:
    house.draft.add(
        "ocupacoes",
        id=new_id(),
        internacao_id=stay.row["id"],
        pet_id=stay.pet.id,
        leito_id=bed.row["id"],
        inicio=start,
        fim=None if end == FOREVER else end,
        motivo=motivo,
    )


def _await_bed(house: House, entered: datetime) -> None:
    ward = house.draft.rng.choice((GERAL, FELINOS))
    entered = entered.replace(second=0, microsecond=0)
    motivo, pet = _patient(house, ward, entered, FOREVER)
    stay = _enter(house, pet, motivo, entered, start=entered, end=FOREVER)
    stay.row |= {"status": "aguardando", "admitida_em": None}


def _enter(house: House, pet: Animal, motivo: Motivo, entered: datetime, *, start: datetime, end: datetime) -> Stay:
    """The stay's row; the pet is weighed at the door, and one that stays is once more."""
    rng, is_open = house.draft.rng, end == FOREVER
    vet = rng.choice(house.staff.vets)
    row = house.draft.add(
        "internacoes",
        id=new_id(),
        pet_id=pet.id,
        motivo=motivo.texto,
        status="em_andamento" if is_open else "alta",
        prioridade=motivo.prioridade,
        isolamento=motivo.isolamento,
        motivo_isolamento=ISOLATED_FOR[motivo.texto.split()[0]] if motivo.isolamento else None,
        leito_id=None,
        veterinario_id=vet,
        data_entrada=entered,
        admitida_em=start,
        data_alta=None if is_open else end,
        encerrada_por_id=None if is_open else rng.choice(house.staff.vets),
        observacoes_alta=None if is_open else rng.choice(DISCHARGES),
        causa_obito=None,
        **dated(entered, start if is_open else end, 1 if is_open else 2),
    )
    pet.stays.append((entered, end))
    if len(pet.weights) < MOST_WEIGHTS:
        pet.weigh(entered, rng)
    if is_open and house.draft.now - entered > 2 * DAY:
        pet.weigh(entered + DAY, rng)
    neutered = next((after for text, after in NEUTERED_BY.items() if motivo.texto.startswith(text)), None)
    if neutered is not None:
        pet.row["castrado"] = neutered
    return Stay(row, pet, motivo, vet, start, end)


def _patient(house: House, ward: Ward, entered: datetime, end: datetime) -> tuple[Motivo, Animal]:
    """The next reason of the ward that some pet can have, and such a pet."""
    rng = house.draft.rng
    for _ in range(len(words().motivos_internacao)):
        motivo = next(house.decks[ward])
        for pet in rng.sample(house.animals, len(house.animals)):
            if _can_have(motivo, pet, entered) and _can_stay(ward, pet, entered, end):
                return motivo, pet
    raise RuntimeError(f"no pet can be a patient of {ward.nome}: there are too few")


def _can_have(motivo: Motivo, pet: Animal, at: datetime) -> bool:
    """What the catalogue asks, and what everybody knows."""
    if pet.especie not in motivo.especies or motivo.sexo not in {None, pet.row["sexo"]}:
        return False
    youngest, oldest = next((ages for text, ages in AGES.items() if motivo.texto.startswith(text)), (0.0, 99.0))
    if motivo.texto.startswith(FOR_SHORT_NOSES) and pet.row["raca"] not in BRACHYCEPHALIC:
        return False
    return youngest * YEAR <= pet.age(at) <= oldest * YEAR


def _can_stay(ward: Ward, pet: Animal, entered: datetime, end: datetime) -> bool:
    """It belongs in the ward, is known here, and is in no bed then nor was in one just before."""
    return (
        (ward is not FELINOS or pet.especie == "felina")
        and (ward is not GERAL or pet.especie != "felina")
        and pet.adult_kg >= SMALLEST_KG
        and pet.row["created_at"] <= entered
        and all(entered >= last + WELL or (end != FOREVER and end + WELL <= first) for first, last in pet.stays)
    )


def _lose(house: House) -> None:
    """Some of the gravest did not live."""
    graves = [s for s in house.stays if not s.is_open and s.motivo.prioridade == "critica" and len(s.pet.stays) == 1]
    for stay in house.draft.rng.sample(graves, DEATHS):
        cause = stay.motivo.texto.split(",")[0]
        stay.row |= {
            "status": "obito",
            "causa_obito": DEATHS_FROM.format(cause[0].lower() + cause[1:]),
            "observacoes_alta": None,
        }
        stay.pet.die(stay.end)


def _close_beds(house: House) -> None:
    """Some empty beds are being cleaned, one is out of use."""
    rng, now = house.draft.rng, house.draft.now
    empty = [bed for beds in house.beds.values() for bed in beds if bed.is_free(now, FOREVER)]
    for n, bed in enumerate(rng.sample(empty, CLEANED + BLOCKED)):
        minutes = timedelta(minutes=rng.randint(5, 50))
        bed.row |= {
            "situacao": "higienizacao" if n < CLEANED else "bloqueado",
            "updated_at": now - minutes,
            "versao": 2,
        }
