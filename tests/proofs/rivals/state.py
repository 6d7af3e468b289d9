"""What is true of a hospital at any moment, whatever was done and by however many: statements that find nothing."""

from tests.cast import Hospital
from zoapets.entities.base import Entity, Versioned

STATE = {
    "a bed with two patients, or a patient in two beds": """
        select a.id from {s}.ocupacoes a join {s}.ocupacoes b on a.id < b.id
        and (a.leito_id = b.leito_id or a.pet_id = b.pet_id)
        and tstzrange(a.inicio, a.fim, '[)') && tstzrange(b.inicio, b.fim, '[)')""",
    "a stay whose bed is not the one it occupies": """
        select i.id from {s}.internacoes i full join (select * from {s}.ocupacoes where fim is null) o
        on o.internacao_id = i.id where o.leito_id is distinct from i.leito_id""",
    "a pet with two open stays": """
        select pet_id from {s}.internacoes where status in ('aguardando', 'em_andamento')
        group by 1 having count(*) > 1""",
    "a stay that is open for a pet that is archived or dead": """
        select i.id from {s}.internacoes i join {s}.pets p on p.id = i.pet_id
        where i.status in ('aguardando', 'em_andamento') and (p.arquivado_em is not null or p.obito_em is not null)""",
    "two doses of one item at one time": """
        select prescricao_item_id from {s}.administracoes where status <> 'anulada'
        group by prescricao_item_id, data_hora_agendada having count(*) > 1""",
    "a pending dose of an item that is not active, or of a stay that has ended": """
        select a.id from {s}.administracoes a join {s}.prescricao_itens t on t.id = a.prescricao_item_id
        join {s}.internacoes i on i.id = a.internacao_id
        where a.status = 'pendente' and (t.status <> 'ativa' or i.status <> 'em_andamento')""",
    "an ended prescription with an item that has not ended": """
        select t.id from {s}.prescricao_itens t join {s}.prescricoes p on p.id = t.prescricao_id
        where p.status = 'encerrada' and t.status <> 'encerrada'""",
    "an open prescription of a stay that has ended": """
        select p.id from {s}.prescricoes p join {s}.internacoes i on i.id = p.internacao_id
        where p.status <> 'encerrada' and i.status in ('alta', 'obito')""",
    "an archived tutor who answers for animals": """
        select t.id from {s}.tutores t join {s}.pets p on p.tutor_id = t.id
        where t.arquivado_em is not null and p.arquivado_em is null""",
    "an archived ward with beds, or an archived building with wards": """
        select a.id from {s}.alas a join {s}.leitos l on l.ala_id = a.id
        where a.arquivado_em is not null and l.arquivado_em is null
        union all select u.id from {s}.unidades u join {s}.alas a on a.unidade_id = u.id
        where u.arquivado_em is not null and a.arquivado_em is null""",
}


async def untruths(hospital: Hospital) -> list[str]:
    """What is not true of the hospital."""
    found = []
    for what, statement in STATE.items():
        rows = await hospital.sql(statement)
        if rows:
            found.append(f"{what}: {len(rows)}")
    return found + await unaccounted(hospital)


async def unaccounted(hospital: Hospital) -> list[str]:
    """Records whose version is not the number of changes that the audit has of them, in every table that counts."""
    found = []
    for mapper in Entity.registry.mappers:
        if not issubclass(mapper.class_, Versioned):
            continue
        table = mapper.local_table.name  # type: ignore[attr-defined]
        rows = await hospital.sql(
            f"select t.id from {{s}}.{table} t where versao - 1 <> (select count(*) from {{s}}.auditoria a"  # noqa: S608 - tables of ours
            f" where a.tabela = '{table}' and a.registro_id = t.id::text and a.acao = 'alterar'"
            " and a.depois ? 'versao')"
        )
        if rows:
            found.append(f"{table} whose versions are not its changes: {len(rows)}")
    return found
