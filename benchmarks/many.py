"""Five hundred hospitals: made at an older revision, brought to the newest, and with a few patients in each."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import StringIO
from typing import Any
from unittest.mock import patch

from alembic import command
from alembic.script import ScriptDirectory

from benchmarks.ground import Ground, said
from zoapets.core.owner import migrations, provisioning
from zoapets.core.owner.hospitals import HospitalRow, hospitals
from zoapets.core.owner.migrations import TENANT, Outcome, migrate_all
from zoapets.core.owner.provisioning import NewTenant, provision

COUNT, QUICK = 500, 40
AT_ONCE, A_CONNECTION = 2, 25
SLUG = "h-{:04d}"
TABLES = ("tutores", "pets", "pet_pesos", "internacoes", "prescricoes", "prescricao_itens", "administracoes", "leitos")

# 20 owners, 50 pets, a ward of 10 beds with 5 patients, and 60 doses around now. With its triggers and foreign keys
# asleep: this is scenery, not work.
SCENERY = """
set local session_replication_role = replica;
insert into tutores (id, nome, telefone) select uuidv7(), 'Tutor ' || n, '+55119' || 80000000 + n
  from generate_series(1, 20) n;
insert into pets (id, tutor_id, nome, especie, raca)
  select uuidv7(), (select id from tutores order by id offset n % 20 limit 1), 'Pet ' || n, 'canina', 'SRD'
  from generate_series(1, 50) n;
insert into pet_pesos (id, pet_id, peso_kg, medido_em, registrado_por_id)
  select uuidv7(), p.id, 12.5, now(), u.id from pets p, users u;
insert into medicamentos (id, nome, principio_ativo, apresentacao, concentracao, concentracao_unidade)
  select uuidv7(), 'Medicamento ' || n, 'Princípio ' || n, 'frasco', 50, 'mg/mL' from generate_series(1, 10) n;
with unidade as (insert into unidades (id, nome) values (uuidv7(), 'Hospital') returning id),
  ala as (insert into alas (id, unidade_id, nome) select uuidv7(), id, 'Ala 1' from unidade returning id)
  insert into leitos (id, ala_id, codigo) select uuidv7(), ala.id, 'L-' || n from ala, generate_series(1, 10) n;
insert into internacoes (id, pet_id, motivo, status, leito_id, veterinario_id, data_entrada, admitida_em)
  select uuidv7(), p.id, 'Trauma', 'em_andamento', l.id, u.id, now() - interval '2 days', now() - interval '2 days'
  from (select id, row_number() over (order by id) as n from pets) p
  join (select id, row_number() over (order by codigo) as n from leitos limit 5) l using (n), users u;
insert into prescricoes (id, pet_id, internacao_id, veterinario_id, tipo)
  select uuidv7(), pet_id, id, veterinario_id, 'hospitalar' from internacoes;
insert into prescricao_itens (id, prescricao_id, medicamento_id, dose, unidade, via, frequencia_horas, duracao_dias,
  inicio, peso_kg, dose_calculada, dose_calculada_unidade, volume_ml)
  select uuidv7(), p.id, m.id, 2, 'mg/kg', 'IV', 4, 1, now(), 12.5, 25, 'mg', 0.5
  from prescricoes p, (select id from medicamentos order by nome limit 2) m;
insert into administracoes (id, prescricao_id, prescricao_item_id, internacao_id, data_hora_agendada)
  select uuidv7(), p.id, i.id, p.internacao_id, date_trunc('minute', now()) - interval '2 hours' + n * interval '50 min'
  from prescricoes p join prescricao_itens i on i.prescricao_id = p.id, generate_series(1, 6) n;
"""


async def make(ground: Ground, *, before_the_newest: bool) -> list[float]:
    """The hospitals that are still missing, at the newest revision or at the one before; the seconds of each."""
    async with ground.owner() as connection:
        there = {hospital.slug for hospital in await hospitals(connection)}
    count = ground.size(COUNT, quick=QUICK)
    waiting = deque(slug for n in range(count) if (slug := SLUG.format(n)) not in there)
    if not waiting:
        return []
    said(f"making {len(waiting)} hospitals")
    seconds: list[float] = []

    async def work() -> None:
        while waiting:
            # A backend remembers every table it has seen, some 2 MB a hospital, and grows slow with it.
            async with ground.owner() as connection:
                for slug in [waiting.popleft() for _ in range(min(A_CONNECTION, len(waiting)))]:
                    began = time.perf_counter()
                    await provision(connection, new(slug))
                    seconds.append(time.perf_counter() - began)

    with _an_older_version() if before_the_newest else nullcontext():
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return seconds


async def migrate(ground: Ground) -> tuple[float, list[Outcome]]:
    """Every hospital to the newest revision, and the seconds it took, as `zoapets migrate` does it."""
    schemas = [hospital.schema_name for hospital in await made(ground)]
    began = time.perf_counter()
    outcomes = await migrate_all(ground.owner_url, schemas, _unheard)
    return time.perf_counter() - began, outcomes


async def made(ground: Ground) -> list[HospitalRow]:
    async with ground.owner() as connection:
        return [hospital for hospital in await hospitals(connection) if hospital.slug.startswith("h-")]


async def filled(ground: Ground) -> list[HospitalRow]:
    """The hospitals at the newest revision, with patients."""
    await make(ground, before_the_newest=False)
    found = await made(ground)
    await migrate(ground)
    said(f"filling {len(found)} hospitals")
    waiting = deque(found)

    async def work() -> None:
        while waiting:
            async with ground.owner() as connection:
                for hospital in [waiting.popleft() for _ in range(min(A_CONNECTION, len(waiting)))]:
                    await _fill(connection, hospital.schema_name)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


async def _fill(connection: Any, schema: str) -> None:
    if await connection.fetchval(f"select exists (select from {schema}.pets)"):
        return
    async with connection.transaction():
        await connection.execute(f"set local search_path = {schema}, ext; {SCENERY}")
    await connection.execute(f"analyze {', '.join(f'{schema}.{table}' for table in TABLES)}")


def new(slug: str) -> NewTenant:
    return NewTenant(
        slug=slug,
        nome=f"Hospital {slug}",
        admin_nome="Administração",
        admin_email=f"admin@{slug}.test",
        admin_senha_hash="-",  # nobody signs in with a password here
    )


@contextmanager
def _an_older_version() -> Iterator[None]:
    """Provision as the version before the newest migration did."""
    newest = ScriptDirectory.from_config(migrations._config(TENANT)).get_revision(migrations.head(TENANT))
    before = newest.down_revision
    if not isinstance(before, str):
        raise TypeError(f"{newest.revision} has no one revision before it")
    written = StringIO()
    command.upgrade(migrations._config(TENANT, written), f"base:{before}", sql=True)
    sql = written.getvalue()
    with patch.object(provisioning, "head", lambda _: before), patch.object(provisioning, "render", lambda *_: sql):
        yield


def _unheard(_: Outcome) -> None:
    """Nobody watches."""
