"""A hospital to work in while things break: somebody who is signed in, pets, and doses to be given."""

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from tests.cast import Hospital, Stage
from tests.proofs.faults.installation import Installation

ITEMS, HOURS = 30, 24
DOSES_EACH = ITEMS * HOURS


class Kind(NamedTuple):
    """A write, and all that one of it must leave behind."""

    table: str
    # Holds the write's key.
    mark: str
    audited: str
    event: str | None


TUTOR = Kind("tutores", "nome", "inserir", None)
PET = Kind("pets", "nome", "inserir", None)
INTERNACAO = Kind("internacoes", "motivo", "inserir", "internacao-iniciada")
DOSE = Kind("administracoes", "observacoes", "alterar", "dose-realizada")
KINDS = (TUTOR, PET, INTERNACAO, DOSE)


@dataclass
class Write:
    """One write under its `Idempotency-Key`, which is its request id too, and what was acknowledged of it."""

    kind: Kind
    method: str
    path: str
    body: dict[str, Any]
    key: str
    subject: str | None = None
    # Sent more than once, or without an answer: it may or may not have happened until it is acknowledged.
    ambiguous: bool = False
    answer: bytes | None = None
    refused: bool = False


@dataclass
class Ward:
    """A hospital's work. `doses` are open, in the order of their times."""

    installation: Installation
    slug: str
    schema: str
    email: str
    headers: dict[str, str]
    actor_id: UUID
    tutor_id: str
    doses: deque[str]
    seed: int
    pets: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - no secret

    def next(self) -> Write:
        """Something to be written."""
        makers: list[Callable[[str], Write]] = [self._tutor, self._pet]
        makers += [self._internacao] * 2 if self.pets else []
        makers += [self._dose] * 2 if self.doses else []
        return self.rng.choice(makers)(uuid.UUID(int=self.rng.getrandbits(128), version=4).hex)

    def dose(self) -> Write:
        """The next dose, given."""
        return self._dose(uuid.UUID(int=self.rng.getrandbits(128), version=4).hex)

    def done(self, write: Write, made: dict[str, Any]) -> None:
        """It was acknowledged: what it made can be used."""
        if write.kind is PET:
            self.pets.append(made["id"])

    def sql(self, statement: str, *args: Any) -> list[Any]:
        return self.installation.sql(statement, *args, within=self.schema)

    def script(self, statements: str) -> None:
        """As the owner, several statements; `{s}` stands for the hospital's schema."""
        self.installation.script(statements.replace("{s}", self.schema), within=self.schema)

    def _tutor(self, key: str) -> Write:
        return Write(TUTOR, "POST", "/tutores", {"nome": key, "telefone": "+5511987654321"}, key)

    def _pet(self, key: str) -> Write:
        return Write(PET, "POST", "/pets", {"nome": key, "especie": "felina", "tutorId": self.tutor_id}, key)

    def _internacao(self, key: str) -> Write:
        return Write(INTERNACAO, "POST", "/internacoes", {"petId": self.pets.popleft(), "motivo": key}, key)

    def _dose(self, key: str) -> Write:
        dose = self.doses.popleft()
        return Write(DOSE, "PATCH", f"/administracoes/{dose}/realizar", {"observacoes": key}, key, subject=dose)


def new_ward(installation: Installation, *, doses: int = DOSES_EACH, seed: int = 1) -> Ward:
    """A new hospital with at least so many open doses (none before now); made by the application, in this process."""
    return asyncio.run(_new_ward(installation, doses, seed))


async def _new_ward(installation: Installation, doses: int, seed: int) -> Ward:
    stage = await Stage.open(installation.owner_url, installation.valkey_url)
    try:
        hospital = await stage.hospital()
        person = await hospital.signed_in()
        tutor = await hospital.tutor()
        for _ in range(-(-doses // DOSES_EACH)):
            await _prescribe(hospital)
        rows = await hospital.sql("select id from {s}.administracoes order by data_hora_agendada, id")
        return Ward(
            installation,
            hospital.slug,
            hospital.schema,
            f"admin@{hospital.slug}.test",
            {"authorization": f"Bearer {person.token}"},
            person.id,
            tutor["id"],
            deque(str(row["id"]) for row in rows),
            seed,
        )
    finally:
        await stage.close()


async def _prescribe(hospital: Hospital) -> None:
    """A pet on thirty drips, each every hour from now."""
    drug, stay = await hospital.medicamento(), await hospital.internacao()
    item = {
        "medicamentoId": drug["id"],
        "dose": 10,
        "unidade": "mg",
        "via": "IV",
        "frequenciaHoras": 1,
        "duracaoDias": HOURS // 24,
        "inicio": (datetime.now(UTC) + timedelta(seconds=5)).isoformat(),
        "justificativaAlerta": "Protocolo da prova",
    }
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item] * ITEMS}
    await hospital.made("/prescricoes", body)
