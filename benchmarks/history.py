"""A hospital with a long history: 666 doses a day for 30 days or for 1,500, and as many audit rows.

All that is under way now is the same for both, and so are the hundred patients that are asked about: 200 doses each.
"""

from benchmarks.ground import Ground, said
from benchmarks.many import TABLES, new
from zoapets.core.owner.hospitals import HospitalRow
from zoapets.core.owner.provisioning import SlugEmUso, provision

FEW, MANY, QUICK_MANY = 20_000, 1_000_000, 100_000
PATIENTS = 100
DOSES_A_STAY = 50

# `$1`: how many stays, of 50 doses each; the n-th began n times 1.8 hours before the newest one.
_STAYS = """
create temporary table estadias on commit drop as
select n, uuidv7() as id, uuidv7() as prescricao_id, uuidv7() as item_1, uuidv7() as item_2,
  date_trunc('minute', now()) + interval '1 day' - n * interval '108 min' as inicio,
  (select array_agg(id order by nome) from pets) [1 + case when n < 400 then n % 100 else 100 + n % 4900 end] as pet_id,
  (select id from users limit 1) as user_id,
  (select array_agg(id order by nome) from medicamentos) as medicamentos
from generate_series(0, $1::int - 1) n;
"""
_FIXED = """
insert into tutores (id, nome, telefone) select uuidv7(), 'Tutor ' || n, '+55119' || 80000000 + n
  from generate_series(1, 2000) n;
insert into pets (id, tutor_id, nome, especie, raca)
  select uuidv7(), t.ids[1 + n % 2000], (array['Rex','Mel','Thor','Luna','Bidu','Nina','Fred'])[1 + n % 7] ||
    ' ' || to_char(n, 'FM0000'), 'canina', 'SRD'
  from generate_series(1, 5000) n, (select array_agg(id) as ids from tutores) t;
insert into pet_pesos (id, pet_id, peso_kg, medido_em, registrado_por_id)
  select uuidv7(), p.id, 12.5, now(), u.id from pets p, users u;
insert into medicamentos (id, nome, principio_ativo, apresentacao, concentracao, concentracao_unidade)
  select uuidv7(), 'Medicamento ' || to_char(n, 'FM000'), 'Princípio ' || n, 'frasco', 50, 'mg/mL'
  from generate_series(1, 120) n;
insert into unidades (id, nome) values (uuidv7(), 'Hospital');
insert into alas (id, unidade_id, nome) select uuidv7(), id, 'Ala ' || n from unidades, generate_series(1, 4) n;
insert into leitos (id, ala_id, codigo) select uuidv7(), a.id, a.nome || '-' || n from alas a, generate_series(1, 25) n;
"""
_HISTORY = """
insert into internacoes (id, pet_id, motivo, status, leito_id, veterinario_id, data_entrada, admitida_em, data_alta,
  encerrada_por_id)
  select e.id, e.pet_id, 'Trauma', case when n < 70 then 'em_andamento' else 'alta' end,
    case when n < 70 then l.ids[1 + n] end, user_id, inicio - interval '1 hour', inicio - interval '1 hour',
    case when n >= 70 then inicio + interval '101 hours' end, case when n >= 70 then user_id end
  from estadias e, (select array_agg(id order by codigo) as ids from leitos) l;
insert into prescricoes (id, pet_id, internacao_id, veterinario_id, tipo, status, motivo_status, created_at, updated_at)
  select prescricao_id, pet_id, id, user_id, 'hospitalar', case when n < 70 then 'ativa' else 'encerrada' end,
    case when n >= 70 then 'alta' end, inicio, inicio
  from estadias;
insert into prescricao_itens (id, prescricao_id, medicamento_id, dose, unidade, via, frequencia_horas, duracao_dias,
  inicio, peso_kg, dose_calculada, dose_calculada_unidade, volume_ml)
  select i.id, prescricao_id, medicamentos[1 + (n * 2 + i.which) % 120], 2, 'mg/kg', 'IV', 4, 5, inicio, 12.5, 25, 'mg',
    0.5
  from estadias, lateral (values (item_1, 0), (item_2, 1)) i(id, which);
insert into administracoes (id, prescricao_id, prescricao_item_id, internacao_id, data_hora_agendada, status,
  data_hora_realizada, realizado_por_id, registrada_em, justificativa, created_at, updated_at, versao)
  select uuidv7(), prescricao_id, item, id, em, estado, case when estado = 'realizada' then em end,
    case when estado <> 'pendente' then user_id end, case when estado <> 'pendente' then em end,
    case when estado = 'nao_realizada' then 'Em procedimento' end, inicio, em,
    case when estado = 'pendente' then 1 else 2 end
  from (
    select e.*, case k % 2 when 0 then item_1 else item_2 end as item, inicio + (k / 2) * interval '4 hours' as em,
      case when inicio + (k / 2) * interval '4 hours' > now() or n < 70 and (n * 50 + k) % 100 = 0 then 'pendente'
        when (n * 50 + k) % 50 = 1 then 'nao_realizada' else 'realizada' end as estado
    from estadias e, generate_series(0, 49) k order by n desc, k) d
  where em > now() - interval '100 years';
insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, antes, depois)
  select registrada_em, realizado_por_id, '127.0.0.1', 'r-' || row_number() over (), 'administracoes', 'alterar',
    id::text, '{"status": "pendente", "versao": 1}', jsonb_build_object('status', status, 'versao', 2)
  from (select * from administracoes where registrada_em is not null order by registrada_em) d;
"""


async def hospital(ground: Ground, slug: str, doses: int) -> HospitalRow:
    """The hospital `slug` with about so many doses; made when it is not there."""
    async with ground.owner() as connection:
        try:
            await provision(connection, new(slug))
        except SlugEmUso:
            return await ground.hospital(slug)
    found = await ground.hospital(slug)
    said(f"{slug}: {doses:,} doses, and their audit")
    async with ground.owner(found.schema_name) as connection:
        async with connection.transaction():
            # Triggers and foreign keys sleep: this is scenery, not work.
            await connection.execute(f"set local session_replication_role = replica; {_FIXED}")
            await connection.execute(_STAYS.replace("$1", str(doses // DOSES_A_STAY)))
            await connection.execute(_HISTORY)
        await connection.execute(f"vacuum analyze {', '.join((*TABLES, 'auditoria'))}")
    return found
