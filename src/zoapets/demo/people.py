"""Who works in a made-up hospital, and who brings the animals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from zoapets.common.ids import new_id
from zoapets.demo.catalogue import Cidade, words
from zoapets.demo.draft import Draft, Row, ascii_name, dated, whole_minute

OPEN_SINCE = timedelta(days=3 * 365)
# The logins that are the same in every made-up hospital; `admin` came with the hospital.
LOGINS = {
    "vet": "Veterinário",
    "enfermagem": "Enfermeiro",
    "recepcao": "Recepcionista",
    "farmacia": "Farmacêutico",
    "financeiro": "Financeiro",
}
MORE = ("Veterinário",) * 5 + ("Enfermeiro",) * 8 + ("Recepcionista",)
SHIFT_HOURS = 6
# The first digit of a CEP says the region.
REGIONS = {
    "SP": "1", "RJ": "2", "ES": "2", "MG": "3", "BA": "4", "PE": "5", "PB": "5", "RN": "5", "CE": "6", "PA": "6",
    "AM": "6", "DF": "7", "GO": "7", "MT": "7", "MS": "7", "PR": "8", "SC": "8", "RS": "9",
}  # fmt: skip


@dataclass(frozen=True)
class Staff:
    """The people who sign, by what they do."""

    vets: list[UUID]
    nurses: list[UUID]

    def on_duty(self, at: datetime) -> list[UUID]:
        """The three nurses of the shift."""
        shift = int(at.timestamp()) // (SHIFT_HOURS * 3600)
        return [self.nurses[(shift * 3 + n) % len(self.nurses)] for n in range(min(3, len(self.nurses)))]


def employ(draft: Draft, roles: dict[str, UUID], password_hash: str, home: Cidade) -> Staff:
    """The fixed logins and fourteen more, everybody with the same password."""
    names = draft.rng.sample(words().equipe, len(LOGINS) + len(MORE))
    logins = [*LOGINS, *(_first_and_last(name) for name in names[len(LOGINS) :])]
    staff = Staff([], [])
    for name, login, role in zip(names, logins, (*LOGINS.values(), *MORE), strict=True):
        user = add_user(draft, roles[role], name, login, password_hash=password_hash, since=opened(draft))
        user["telefone"] = mobile(draft.rng, home)
        if role == "Veterinário":
            user |= {"crmv": str(draft.rng.randint(2_000, 48_000)), "crmv_uf": home.uf}
            staff.vets.append(user["id"])
        elif role == "Enfermeiro":
            staff.nurses.append(user["id"])
    return staff


def add_user(draft: Draft, role: UUID, nome: str, login: str, *, password_hash: str, since: datetime) -> Row:
    """A user `login@<slug>.test`."""
    user = draft.add(
        "users",
        id=new_id(),
        nome=nome,
        email=f"{login}@{draft.slug}.test",
        senha_hash=password_hash,
        telefone=None,
        crmv=None,
        crmv_uf=None,
        **dated(since),
    )
    draft.add("user_roles", user_id=user["id"], role_id=role)
    return user


def register(draft: Draft, count: int, home: Cidade) -> list[Row]:
    """Owners: most of them of the hospital's city, some of others of its state."""
    near = [cidade for cidade in words().cidades if cidade.uf == home.uf]
    seen: set[str] = set()
    owners = []
    for n in range(1, count + 1):
        nome = _unseen(draft.rng, seen)
        cidade = home if draft.rng.random() < 0.85 else draft.rng.choice(near)  # noqa: PLR2004 - most
        since = draft.in_hours(draft.between(opened(draft) + timedelta(days=1), draft.now - timedelta(days=2)))
        owners.append(
            draft.add(
                "tutores",
                id=new_id(),
                nome=nome,
                documento=cpf(draft.rng, n),
                email=_email(draft.rng, nome),
                telefone=mobile(draft.rng, cidade),
                **_address(draft.rng, cidade),
                **dated(since),
            )
        )
    return owners


def cpf(rng: Random, n: int) -> str:
    """A CPF with its check digits (sums modulo 11), another one for each `n` below 100,000."""
    digits = [int(digit) for digit in f"{rng.randint(1, 9899):04d}{n:05d}"]
    for _ in range(2):
        total = sum(weight * digit for weight, digit in enumerate(reversed(digits), start=2))
        digits.append((total * 10) % 11 % 10)
    return "".join(map(str, digits))


def mobile(rng: Random, cidade: Cidade) -> str:
    """A mobile's number, in E.164."""
    return f"+55{cidade.ddd}9{rng.choice('89')}{rng.randrange(10**7):07d}"


def _unseen(rng: Random, seen: set[str]) -> str:
    while True:
        first, (second, third) = rng.choice(words().prenomes), rng.sample(words().sobrenomes, 2)
        if (name := f"{first} {second} {third}") not in seen:
            seen.add(name)
            return name


def _email(rng: Random, nome: str) -> str | None:
    return f"{_first_and_last(nome)}{rng.randint(1, 99)}@correio.test" if rng.random() < 0.8 else None  # noqa: PLR2004 - most


def _first_and_last(nome: str) -> str:
    first, *_, last = (ascii_name(part) for part in nome.split())
    return f"{first}.{last}"


def _address(rng: Random, cidade: Cidade) -> Row:
    flat = f", apto {rng.randint(1, 18)}{rng.randint(1, 4)}" if rng.random() < 0.4 else ""  # noqa: PLR2004 - some
    region = "0" if cidade.nome == "São Paulo" else REGIONS[cidade.uf]
    return {
        "endereco": f"{rng.choice(words().ruas)}, {rng.randint(10, 2400)}{flat}",
        "bairro": rng.choice(words().bairros),
        "cidade": cidade.nome,
        "uf": cidade.uf,
        "cep": f"{region}{rng.randint(1000, 9899)}{rng.randint(0, 899):03d}",
    }


def opened(draft: Draft) -> datetime:
    """When the hospital began to keep its records here."""
    return whole_minute(draft.now - OPEN_SINCE)
