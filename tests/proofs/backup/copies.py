"""Hospitals to copy, and the two ends of a copy."""

from pathlib import Path
from typing import Any

from tests.cast import Hospital, Stage, number, until
from tests.demo.made_up import fill
from zoapets.core.owner.backup.exporting import export
from zoapets.core.owner.backup.importing import Imported, restore
from zoapets.core.owner.hospitals import find

# What COPY itself gives a meaning to.
AWKWARD = "a\tb\nc\r\\.\n\\N 'd' \"e\" \U0001f436"


async def lived_in(installation: Stage, size: str = "demo") -> Hospital:
    """A made-up hospital in the middle of its day, in which somebody signed in, repeated a request, and has a flag."""
    hospital = await fill(installation, size)
    await sealed(hospital)
    admin = await hospital.signed_in()
    body = {"nome": "Conceição \\N", "telefone": "+5511987654321"}
    answer = await admin.post("/tutores", body, idempotency_key="once")
    assert answer.status_code == 201, answer.text
    await hospital.sql("update {s}.tutores set observacoes = $1 where nome = 'Conceição \\N'", AWKWARD)
    await hospital.sql("insert into public.feature_flags (tenant_id, flag) values ($1, 'piloto')", hospital.id)
    return hospital


async def sealed(hospital: Hospital) -> None:
    """At least one seal; a transaction of another database may hold it up for a while."""

    async def has_a_seal() -> bool:
        await hospital.sql("select {s}.selar_auditoria()")
        return bool(await hospital.sql("select 1 from {s}.auditoria_selos"))

    await until(has_a_seal, seconds=60)


async def small(installation: Stage) -> Hospital:
    """A hospital with a few pets in their beds, each weighed once."""
    hospital = await installation.hospital()
    admin = await hospital.signed_in()
    for _ in range(3):
        pet = await hospital.pet()
        await hospital.internacao(petId=pet["id"])
        answer = await admin.post(f"/pets/{pet['id']}/pesos", {"pesoKg": 4})
        assert answer.status_code == 201, answer.text
    return hospital


async def taken(owner: Any, hospital: Hospital, path: Path) -> Path:
    """The hospital, in a file."""
    await export(owner, await find(owner, hospital.slug), path, now=hospital.stage.now, heard=lambda _: None)
    return path


async def brought(owner: Any, installation: Stage, path: Path) -> tuple[Hospital, Imported]:
    """A new hospital out of a file."""
    made = await restore(owner, path, slug=f"copia-{number()}", now=installation.now, heard=lambda _: None)
    row = made.hospital
    return Hospital(installation, row.id, row.slug, row.schema_name), made
