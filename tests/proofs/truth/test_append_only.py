"""Append-only: neither a hospital's role nor the serving role can write, mend, empty or take over a trail."""

from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage
from tests.proofs.ledger import Ledger
from zoapets.entities import Entity

TRAILS = tuple(Entity.metadata.tables[name] for name in ("auditoria", "auditoria_selos"))
DENIED = asyncpg.InsufficientPrivilegeError


def attempts(schema: str) -> list[str]:
    """All that could change a trail, or whether it is written: each is one statement, most for each column."""
    made = []
    for table in TRAILS:
        name = f"{schema}.{table.name}"
        columns = [column.name for column in table.columns]
        made += [
            f"insert into {name} overriding system value select * from {name}",  # noqa: S608 - names of ours
            f"insert into {name} default values",
        ]
        made += [f"insert into {name} ({column}) overriding system value values (default)" for column in columns]  # noqa: S608 - names of ours
        made += [f"update {name} set {column} = default" for column in columns]  # noqa: S608 - names of ours
        made += [f"delete from {name}", f"delete from {name} where false", f"truncate {name}"]  # noqa: S608 - names of ours
        made += [
            f"merge into {name} t using {name} s on false when not matched then do nothing when matched then delete"
        ]
        made += [f"select 1 from {name} for {lock}" for lock in ("update", "no key update", "share", "key share")]  # noqa: S608 - names of ours
        made += [f"lock table {name} in {mode} mode" for mode in ("row exclusive", "exclusive", "access exclusive")]
        made += [f"drop table {name}", f"alter table {name} disable trigger all"]
        made += [
            f"alter table {name} add x int",
            f"alter table {name} rename to x",
            f"alter table {name} owner to {schema}",
        ]
        made += [f"alter table {name} alter {column} drop not null" for column in columns]
        made += [f"create trigger t before insert on {name} execute function {schema}.auditar_insercao()"]
        made += [f"create rule r as on insert to {name} do instead nothing", f"create index on {name} ({columns[0]})"]
        made += [f"create policy p on {name}", f"cluster {name}", f"create view {schema}.v as select * from {name}"]  # noqa: S608 - names of ours
    for function in ("auditar_insercao", "auditar_alteracao", "auditar_remocao"):
        made += [f"select {schema}.{function}()", f"drop function {schema}.{function}()"]
    made += [f"create or replace function {schema}.selar_auditoria() returns int language sql as 'select 1'"]
    made += [
        f"drop function {schema}.selar_auditoria()",
        f"alter function {schema}.selar_auditoria() owner to {schema}",
    ]
    made += [f"alter table {schema}.tutores disable trigger all", f"drop trigger auditar_insercao on {schema}.tutores"]
    made += ["set session_replication_role = replica", f"select setval('{schema}.auditoria_id_seq', 1)"]
    made += [f"select nextval('{schema}.auditoria_id_seq')", f"alter sequence {schema}.auditoria_id_seq restart"]
    return made


async def allowed(connection: Any, role: str, schema: str) -> list[str]:
    """The attempts that this role is not refused for want of a right; all are rolled back."""
    found = []
    for attempt in attempts(schema):
        transaction = connection.transaction()
        await transaction.start()
        if role == schema:
            await connection.execute(f"set local role {schema}")
        try:
            await connection.execute(attempt)
        except DENIED:
            pass
        except asyncpg.PostgresError as error:
            found.append(f"{role}: {attempt}: {error}")
        else:
            found.append(f"{role}: {attempt}")
        finally:
            await transaction.rollback()
    return found


@pytest.fixture
async def connection(stage: Stage) -> Any:
    connection = await asyncpg.connect(stage.settings.database_url)
    yield connection
    await connection.close()


async def test_nobody_who_serves_can_change_a_trail(
    stage: Stage, new_hospital: Hospital, connection: Any, proof: Ledger
) -> None:
    schema, tried = new_hospital.schema, 0
    app = await connection.fetchval("select session_user::text")
    for role in (schema, app):
        found = await allowed(connection, role, schema)
        assert found == [], "\n".join(found)
        tried += len(attempts(schema))
    proof.shown("no right on trails and seals but to read", attempts=tried, roles=2)

    for right in ("insert on {s}.auditoria", "update (resumos) on {s}.auditoria_selos", "zoapets_owner"):
        given = right.replace("{s}", schema)
        async with stage.owner_lock:
            await stage.owner.execute(f"grant {given} to {schema}")
        found = await allowed(connection, schema, schema)
        async with stage.owner_lock:
            await stage.owner.execute(f"revoke {given} from {schema}")
        assert found, right
        proof.seen(f"a hospital's role is granted {right.replace('{s}.', '')}", attempts=len(found))
    assert await allowed(connection, schema, schema) == []
