"""`zoapets tenants`: made whole or not at all, suspended and resumed, and proved equal."""

import io
import json

import pytest

from tests.cli.ground import PASSWORD, Ground
from zoapets.core.owner.migrations import TENANT, head


def create(slug: str, **options: str) -> list[str]:
    """The words that make a hospital; an option given here replaces the usual one."""
    given = {"nome": "Hospital", "admin-email": f"admin@{slug}.test", "admin-senha": PASSWORD} | {
        name.replace("_", "-"): value for name, value in options.items()
    }
    return ["tenants", "create", slug, *(word for name, value in given.items() for word in (f"--{name}", value))]


def test_a_hospital_is_made_whole_with_its_administrator(ground: Ground) -> None:
    made = ground.done(
        *create("aurora", nome="Hospital Aurora", fuso="America/Manaus", cnpj="12.ABC.345/01DE-35", plano="essencial")
    )

    hospital = made["hospital"]
    assert (made["admin_email"], made["senha"]) == ("admin@aurora.test", None)
    assert (hospital["slug"], hospital["nome"], hospital["status"]) == ("aurora", "Hospital Aurora", "ativo")
    assert (hospital["fuso"], hospital["cnpj"]) == ("America/Manaus", "12ABC34501DE35")
    assert hospital["revisao"] == head(TENANT)
    [admin] = ground.sql(
        "select u.email, u.senha_hash, r.nome from users u join user_roles ur on ur.user_id = u.id"
        " join roles r on r.id = ur.role_id",
        within=hospital["schema_name"],
    )
    assert (admin["email"], admin["nome"]) == ("admin@aurora.test", "Administrador")
    assert admin["senha_hash"].startswith("$argon2id$")
    [plan] = ground.sql("select p.codigo from plans p join subscriptions s on s.plan_id = p.id")
    assert plan["codigo"] == "essencial"


def test_every_unfit_value_is_named_at_once_and_nothing_is_made(ground: Ground) -> None:
    before = ground.sql("select count(*) as n from public.tenants")

    said = ground.zoapets(
        *create("Bad_Slug", nome=" ", admin_email="nobody", fuso="Mars/Base", cnpj="11", plano="gold", admin_nome=" ")
    )

    assert said.code == 1
    told = [line.split()[1] for line in said.err.splitlines() if line.startswith("error: ")]
    assert told == ["slug:", "nome:", "cnpj:", "fuso:", "plano:", "admin-nome:", "admin-email:"]
    assert ground.sql("select count(*) as n from public.tenants") == before


def test_a_slug_belongs_to_one_hospital(ground: Ground) -> None:
    ground.hospital("once")

    said = ground.zoapets(*create("once"))

    assert (said.code, said.err) == (1, "error: slug: 'once' is taken\n")


def test_the_platform_is_one_and_is_asked_for(ground: Ground) -> None:
    assert "--platform" in ground.zoapets(*create("plataforma")).err

    made = ground.done(*create("plataforma"), "--platform")
    again = ground.zoapets(*create("outra"), "--platform")

    assert made["hospital"]["tipo"] == "plataforma"
    assert (again.code, "there is one already" in again.err) == (1, True)
    assert "cannot be suspended" in ground.zoapets("tenants", "suspend", "plataforma").err


def test_without_a_terminal_a_password_is_made_up_and_shown_once(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = create("generated")
    del words[-2:]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    said = ground.zoapets(*words)

    assert said.code == 0
    [line] = [line for line in said.out.splitlines() if line.startswith("password: ")]
    assert len(line.split()[1]) >= 16
    as_json = ground.done(*create("generated-too")[:-2])
    assert len(as_json["senha"]) >= 16


def test_a_password_may_come_on_standard_input(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("curta\n"))
    short = ground.zoapets(*create("piped")[:-2], "--senha-stdin")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))

    assert (short.code, "8 to 200 characters" in short.err) == (2, True)
    assert ground.done(*create("piped")[:-2], "--senha-stdin")["senha"] is None
    assert ground.zoapets(*create("both"), "--senha-stdin").code == 2


def test_a_hospital_is_suspended_and_resumed_once(ground: Ground) -> None:
    ground.hospital("pausa")

    assert ground.done("tenants", "suspend", "pausa")["status"] == "suspenso"
    assert "suspenso already" in ground.zoapets("tenants", "suspend", "pausa").err
    resumed = ground.done("tenants", "resume", "pausa")
    assert resumed["status"] == "ativo"
    assert ground.zoapets("tenants", "resume", resumed["id"]).code == 1
    unknown = ground.zoapets("tenants", "suspend", "nobody")
    assert (unknown.code, "tenants list" in unknown.err) == (1, True)


def test_the_list_is_for_people_and_for_scripts(ground: Ground) -> None:
    ground.hospital("listed")

    told, rows = ground.zoapets("tenants", "list"), ground.done("tenants", "list")

    assert "listed" in told.out
    [row] = [row for row in rows if row["slug"] == "listed"]
    assert row["schema_name"] in told.out
    assert [row["slug"] for row in rows] == sorted(row["slug"] for row in rows)


def test_hospitals_are_proved_equal_and_the_lines_that_differ_are_named(ground: Ground) -> None:
    schema = ground.hospital("derivada")
    assert ground.done("tenants", "check")["differing"] == []

    ground.sql("alter table pets drop column observacoes", within=schema)
    ground.sql("alter table users disable trigger anunciar_email", within=schema)
    ground.sql("grant select on tutores to public", within=schema)
    said, told = ground.zoapets("tenants", "check", "--json"), ground.zoapets("tenants", "check")

    assert (said.code, told.code) == (1, 1)
    [differing] = said.json["differing"]
    assert differing["slug"] == "derivada"
    missing, extra = "\n".join(differing["missing"]), "\n".join(differing["extra"])
    assert "column pets.observacoes" in missing
    assert "anunciar_email" in missing
    assert "anunciar_email" in extra
    assert "right tutores" in extra
    assert schema not in json.dumps([missing, extra])
    assert "derivada" in told.err
    assert "- column pets.observacoes" in told.err


def test_the_comparison_leaves_nothing_behind(ground: Ground) -> None:
    left = "select (select count(*) from pg_namespace) as schemas, (select count(*) from public.tenants) as tenants"
    before = ground.sql(left)

    ground.zoapets("tenants", "check")

    assert ground.sql(left) == before
