"""A hospital to measure with: as many rows as its peers are given, and every dose where and as theirs are.

The figures drawn for doses are those of the peers' own script: the first seven hexadecimal digits of the MD5 of
`<kind>:<number>`.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from zoapets.common.ids import new_id
from zoapets.demo import people
from zoapets.demo.catalogue import drugs, stock, words
from zoapets.demo.draft import Draft, Row, dated, whole_minute
from zoapets.demo.people import Staff, add_user, cpf, mobile
from zoapets.modules.prescricoes.rules import UnidadeDose, calculate

OWNERS, PETS, STAYS, PRESCRIPTIONS, ITEMS_EACH, DOSES = 2_000, 5_000, 300, 600, 3, 20_000
ITEMS = PRESCRIPTIONS * ITEMS_EACH
WARDS, BEDS = 6, 50
HOURS, DAYS = 8, 4
GOLDEN = 0.6180339887
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOLERANCE = 30 * MINUTE
MAIN, MORE_VETS, MORE_NURSES = (
    (("vet", "Veterinário"), ("enfermagem", "Enfermeiro"), ("recepcao", "Recepcionista")),
    5,
    15,
)
BREEDS: dict[str, tuple[str | None, ...]] = {
    "canina": ("SRD", "Labrador", "Poodle", "Pinscher", "Shih-tzu"),
    "felina": ("SRD", "Siamês", "Persa", "Maine Coon"),
    "ave": (None,),
    "roedor": (None,),
}
REASONS = ("Pós-operatório", "Gastroenterite", "Insuficiência renal", "Trauma", "Parvovirose")
PRIORITIES = ("baixa", "media", "alta", "critica")
UNITS, ROUTES = ("mg", "mL", "mg/kg"), ("IV", "IM", "SC", "VO")


def drawn(kind: str, n: int) -> int:
    """The figure of row `n`, from 0 to 268,435,455."""
    return int(hashlib.md5(f"{kind}:{n}".encode(), usedforsecurity=False).hexdigest()[:7], 16)


def make_up(draft: Draft, roles: dict[str, UUID], password_hash: str, step: Callable[[str], None]) -> None:
    """24 users with the administrator, and the rest as the constants say; one weight for each pet, no allergies."""
    since = people.opened(draft)
    step("staff")
    staff = _employ(draft, roles, password_hash, since)
    step("owners and pets")
    pets = _pets(draft, _owners(draft, since), staff, since)
    drug_ids = list(stock(draft, since=since).values())
    step("beds and stays")
    stays = _stays(draft, pets, _beds(draft, since), staff)
    step("prescriptions and doses")
    _doses(draft, _items(draft, stays, drug_ids, staff), staff)


def _employ(draft: Draft, roles: dict[str, UUID], password_hash: str, since: datetime) -> Staff:
    staff = Staff([], [])
    more = [(f"vet{n}", "Veterinário") for n in range(5, 5 + MORE_VETS)]
    more += [("enfermeiro" if n == 0 else f"enfermeiro{10 + n}", "Enfermeiro") for n in range(MORE_NURSES)]
    for n, (login, role) in enumerate((*MAIN, *more), start=2):
        user = add_user(draft, roles[role], f"{role} {n}", login, password_hash=password_hash, since=since)
        if role == "Veterinário":
            user |= {"crmv": str(10_000 + n), "crmv_uf": "SP"}
        # The peers' prescriptions are signed, and their doses given, by the additional people alone.
        if (login, role) in more:
            (staff.vets if role == "Veterinário" else staff.nurses).append(user["id"])
    return staff


def _owners(draft: Draft, since: datetime) -> list[Row]:
    home = words().cidades[0]
    return [
        draft.add(
            "tutores",
            id=new_id(),
            nome=f"{draft.rng.choice(words().prenomes)} {draft.rng.choice(words().sobrenomes)} {n}",
            documento=cpf(draft.rng, n),
            email=f"tutor{n}@exemplo.test",
            telefone=mobile(draft.rng, home),
            endereco=f"Rua das Acácias, {1 + drawn('rua', n) % 2000}",
            cidade=home.nome,
            uf=home.uf,
            **dated(since),
        )
        for n in range(1, OWNERS + 1)
    ]


def _pets(draft: Draft, owners: list[Row], staff: Staff, since: datetime) -> list[tuple[Row, Decimal]]:
    made = []
    for n in range(1, PETS + 1):
        chance = drawn("especie", n) % 100
        especie = next(
            e for e, share in (("canina", 60), ("felina", 90), ("ave", 96), ("roedor", 100)) if chance < share
        )
        pet = draft.add(
            "pets",
            id=new_id(),
            tutor_id=owners[drawn("dono", n) % OWNERS]["id"],
            nome=f"{draft.rng.choice(words().nomes_pets)} {n}",
            especie=especie,
            raca=BREEDS[especie][drawn("raca", n) % len(BREEDS[especie])],
            sexo=draft.rng.choice(("macho", "femea")),
            data_nascimento=(draft.now - (60 + drawn("nasc", n) % 5000) * DAY).date(),
            **dated(since),
        )
        kg = (
            Decimal(drawn("peso", n) % 400 + 20) / 10
            if especie == "canina"
            else Decimal(drawn("peso", n) % 40 + 10) / 10
        )
        draft.add(
            "pet_pesos",
            id=new_id(),
            pet_id=pet["id"],
            peso_kg=kg,
            medido_em=draft.now - 8 * DAY,
            origem="Balança da recepção",
            registrado_por_id=staff.nurses[n % len(staff.nurses)],
            created_at=draft.now - 8 * DAY,
        )
        made.append((pet, kg))
    return made


def _beds(draft: Draft, since: datetime) -> list[UUID]:
    unidade = draft.add("unidades", id=new_id(), nome="Hospital", endereco=None, **dated(since))
    beds = []
    for ward in range(WARDS):
        nome = f"Ala {ward + 1}"
        ala = draft.add("alas", id=new_id(), unidade_id=unidade["id"], nome=nome, isolamento=ward == 0, **dated(since))
        for n in range(ward * BEDS + 1, (ward + 1) * BEDS + 1):
            bed = draft.add("leitos", id=new_id(), ala_id=ala["id"], codigo=f"L-{n:03d}", **dated(since))
            beds.append(bed["id"])
    return beds


def _stays(draft: Draft, pets: list[tuple[Row, Decimal]], beds: list[UUID], staff: Staff) -> list[tuple[Row, Decimal]]:
    """The n-th stay is the n-th pet's, in the n-th bed."""
    stays = []
    for n, ((pet, kg), bed) in enumerate(zip(pets, beds, strict=False), start=1):
        entered = whole_minute(draft.now) - (2 + drawn("entrada", n) % 5) * DAY - HOUR
        isolated = drawn("isol", n) % 10 == 0
        stay = draft.add(
            "internacoes",
            id=new_id(),
            pet_id=pet["id"],
            motivo=REASONS[drawn("motivo", n) % len(REASONS)],
            status="em_andamento",
            prioridade=PRIORITIES[drawn("prior", n) % len(PRIORITIES)],
            isolamento=isolated,
            motivo_isolamento="Suspeita de doença contagiosa" if isolated else None,
            leito_id=bed,
            veterinario_id=staff.vets[n % len(staff.vets)],
            data_entrada=entered,
            admitida_em=entered,
            **dated(entered),
        )
        draft.add(
            "ocupacoes",
            id=new_id(),
            internacao_id=stay["id"],
            pet_id=pet["id"],
            leito_id=bed,
            inicio=entered,
            fim=None,
            motivo=None,
        )
        stays.append((stay, kg))
    return stays


def _items(
    draft: Draft, stays: list[tuple[Row, Decimal]], drug_ids: list[UUID], staff: Staff
) -> list[tuple[Row, UUID]]:
    """Items with the stay they are of."""
    signed = whole_minute(draft.now) - 2 * DAY - HOUR / 2
    items = []
    for n in range(1, PRESCRIPTIONS + 1):
        stay, kg = stays[(n - 1) % STAYS]
        prescricao = draft.add(
            "prescricoes",
            id=new_id(),
            pet_id=stay["pet_id"],
            internacao_id=stay["id"],
            veterinario_id=staff.vets[n % len(staff.vets)],
            tipo="hospitalar",
            **dated(signed),
        )
        numbers = range((n - 1) * ITEMS_EACH + 1, n * ITEMS_EACH + 1)
        items += [(_item(draft, prescricao, number, kg, drug_ids), stay["id"]) for number in numbers]
    return items


def _item(draft: Draft, prescricao: Row, n: int, kg: Decimal, drug_ids: list[UUID]) -> Row:
    which = drawn("med", n) % len(drug_ids)
    drug, dose = drugs()[which], Decimal(drawn("dose", n) % 200 + 5) / 10
    unidade = UnidadeDose(UNITS[drawn("un", n) % len(UNITS)])
    made = calculate(
        dose, unidade, peso_kg=kg, concentracao=drug.concentracao, concentracao_unidade=drug.concentracao_unidade
    )
    return draft.add(
        "prescricao_itens",
        id=new_id(),
        prescricao_id=prescricao["id"],
        medicamento_id=drug_ids[which],
        dose=dose,
        unidade=unidade.value,
        via=ROUTES[drawn("via", n) % len(ROUTES)],
        frequencia_horas=HOURS,
        duracao_dias=DAYS,
        inicio=whole_minute(draft.now) - 2 * DAY + int(n * GOLDEN % 1 * HOURS * 60) * MINUTE,
        peso_kg=kg,
        dose_calculada=made.dose,
        dose_calculada_unidade=made.unidade,
        volume_ml=made.volume_ml,
        **dated(prescricao["created_at"]),
    )


def _doses(draft: Draft, items: list[tuple[Row, UUID]], staff: Staff) -> None:
    """Round after round of all items, until there are enough."""
    for n in range(1, DOSES + 1):
        item, stay_id = items[(n - 1) % ITEMS]
        at = item["inicio"] + (n - 1) // ITEMS * HOURS * HOUR
        chance = drawn("adm", n) % 1000
        status = _status(at, draft.now, chance)
        given_at = min(at + chance % 20 * MINUTE, whole_minute(draft.now)) if status == "realizada" else None
        recorded_at = None if status == "pendente" else given_at or at
        draft.add(
            "administracoes",
            id=new_id(),
            prescricao_id=item["prescricao_id"],
            prescricao_item_id=item["id"],
            internacao_id=stay_id,
            data_hora_agendada=at,
            status=status,
            data_hora_realizada=given_at,
            realizado_por_id=staff.nurses[chance % len(staff.nurses)] if recorded_at else None,
            registrada_em=recorded_at,
            justificativa="Paciente em procedimento" if status == "nao_realizada" else None,
            **dated(item["created_at"], recorded_at, 2 if recorded_at else 1),
        )


def _status(at: datetime, now: datetime, chance: int) -> str:
    """As the peers': 1 % of what is past was left undone, 2 % was not given, 60 % of what is due waits."""
    if at > now:
        return "pendente"
    if at >= now - TOLERANCE:
        return "realizada" if chance < 400 else "pendente"  # noqa: PLR2004 - in a thousand
    if chance < 10:  # noqa: PLR2004 - in a thousand
        return "pendente"
    return "nao_realizada" if chance < 30 else "realizada"  # noqa: PLR2004 - in a thousand
