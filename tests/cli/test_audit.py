"""`zoapets audit`: seals by hand, says that a trail is intact, and names the row that is not what it was."""

import re

import pytest

from tests.cli.ground import Ground

HEAD = re.compile(r"head ([0-9a-f]{64})")


@pytest.fixture
def schema(ground: Ground) -> str:
    """A hospital with a sealed trail."""
    found = ground.sql("select schema_name from public.tenants where slug = 'aurora'")
    schema = found[0]["schema_name"] if found else ground.hospital("aurora")
    ground.sealed("aurora")
    return str(schema)


def test_what_is_new_is_said_to_be_unsealed_until_it_is_sealed(ground: Ground) -> None:
    ground.hospital("nova")

    before = ground.zoapets("audit", "verify", "nova")
    sealed = ground.zoapets("audit", "seal", "nova")
    ground.sealed("nova")
    after = ground.zoapets("audit", "verify", "nova")

    assert (before.code, sealed.code, after.code) == (0, 0, 0)
    assert "intact, 0 rows in 0 seals" in before.out
    assert re.search(r"[1-9]\d* rows not sealed yet, the oldest since 20\d\d-", before.out)
    assert re.search(r"nova: \d+ rows sealed", sealed.out)
    assert re.search(r"[1-9]\d* rows in [1-9]\d* seals", after.out)
    assert "0 rows not sealed yet" in after.out
    assert "Verifying rows" in after.err


def test_all_hospitals_are_sealed_and_verified_with_one_word(ground: Ground, schema: str) -> None:
    assert schema
    slugs = {row["slug"] for row in ground.done("tenants", "list")}

    assert {row["slug"] for row in ground.done("audit", "seal", "--all")} == slugs
    verified = ground.done("audit", "verify", "--all")

    assert {row["slug"] for row in verified} == slugs
    assert all(row["intact"] for row in verified)


def test_the_row_that_was_changed_is_named_and_the_command_fails(ground: Ground, schema: str) -> None:
    [row] = ground.sql("select id, tabela, origem from auditoria where tabela = 'users' limit 1", within=schema)
    ground.sql("update auditoria set origem = 'x' where id = $1", row["id"], within=schema)

    said = ground.zoapets("audit", "verify", "aurora")
    verdict = ground.zoapets("audit", "verify", "--all", "--json")
    ground.sql("update auditoria set origem = $2 where id = $1", row["id"], row["origem"], within=schema)

    assert said.code == verdict.code == 1
    assert re.search(rf"row {row['id']} \(users, 20\d\d-.*\), seal \d+: changed since it was sealed", said.err)
    [found] = [each for each in verdict.json if each["slug"] == "aurora"]
    assert (found["intact"], found["verdict"]["faults"][0]["row"]) == (False, row["id"])
    assert ground.zoapets("audit", "verify", "aurora").code == 0


def test_many_faults_are_counted_and_the_first_are_shown(ground: Ground, schema: str) -> None:
    forged = "insert into auditoria (em, tabela, acao, transacao) select now(), 'x', 'x', 1 from generate_series(1, 30)"
    ground.sql(forged, within=schema)

    said = ground.zoapets("audit", "verify", "aurora")
    ground.sql("delete from auditoria where tabela = 'x'", within=schema)

    assert said.code == 1
    assert said.err.count("inserted") == 10
    assert "and 20 more" in said.err


def test_a_head_that_was_noted_proves_that_the_chain_goes_on_from_it(ground: Ground, schema: str) -> None:
    noted = HEAD.search(ground.zoapets("audit", "verify", "aurora").out)
    assert noted is not None
    ground.sql("update tutores set nome = nome", within=schema)
    ground.sql("update configuracoes set versao = versao + 1", within=schema)
    ground.sealed("aurora")

    assert ground.zoapets("audit", "verify", "aurora", "--head", noted[1].upper()).code == 0
    other = ground.zoapets("audit", "verify", "aurora", "--head", "0f" * 32)

    assert other.code == 1
    assert "truncated: no seal has the hash that was noted" in other.err


@pytest.mark.parametrize("words", [(), ("aurora", "--all")])
@pytest.mark.parametrize("verb", ["seal", "verify"])
def test_either_a_hospital_or_all_must_be_named(ground: Ground, verb: str, words: tuple[str, ...]) -> None:
    said = ground.zoapets("audit", verb, *words)

    assert (said.code, "name a hospital, or say --all" in said.err) == (2, True)


def test_a_head_is_one_hospitals(ground: Ground) -> None:
    assert ground.zoapets("audit", "verify", "--all", "--head", "0f" * 32).code == 2
    assert ground.zoapets("audit", "verify", "aurora", "--head", "xyz").code == 2


def test_a_trail_from_another_server_is_taken_in(ground: Ground, schema: str) -> None:
    """As after a dump was restored: its seals count in transactions that this server will only have in years."""
    ground.sql("update auditoria set transacao = transacao + 5000000000 where transacao > 0", within=schema)
    ground.sql("delete from auditoria_selos", within=schema)
    ground.sql(
        "do $$ begin execute replace(pg_get_functiondef('selar_auditoria'::regproc),"
        " 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint', '6000000000'); perform selar_auditoria(); end $$",
        within=schema,
    )
    ground.sql("update configuracoes set versao = versao + 1", within=schema)
    assert "restored elsewhere" in ground.zoapets("audit", "verify", "aurora").err

    ground.sql(
        "do $$ begin execute replace(pg_get_functiondef('selar_auditoria'::regproc), '6000000000',"
        " 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint'); end $$",
        within=schema,
    )
    taken = ground.zoapets("audit", "seal", "aurora", "--restored")
    ground.sealed("aurora")
    said = ground.zoapets("audit", "verify", "aurora")

    assert (taken.code, said.code) == (0, 0), (taken, said)
    assert "0 rows not sealed yet" in said.out
    kinds = ground.sql("select tipo from auditoria_selos order by numero", within=schema)
    before, adopted, *after = [row["tipo"] for row in kinds]
    assert (before, adopted, set(after)) == ("lote", "importacao", {"lote"})
    ground.sql("update auditoria set origem = 'y' where id = (select min(id) from auditoria)", within=schema)
    assert ground.zoapets("audit", "verify", "aurora").code == 1
    assert ground.zoapets("audit", "seal", "aurora", "--restored").code == 1
