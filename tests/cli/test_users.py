"""`zoapets users`: people are made with roles, a new password ends what the old one opened, the audit says whence."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.ground import PASSWORD, Ground
from zoapets.common.ids import new_id
from zoapets.core.auth.attempts import email_key

EMAIL = "ana@clinica.test"


@pytest.fixture
def schema(ground: Ground) -> str:
    """The one hospital of these tests."""
    found = ground.sql("select schema_name from public.tenants where slug = 'clinica'")
    return str(found[0]["schema_name"]) if found else ground.hospital("clinica")


def make(email: str, *roles: str) -> list[str]:
    words = ["users", "create", "clinica", email, "--nome", "Ana Lima", "--senha", PASSWORD]
    return words + [word for role in roles for word in ("--role", role)]


def test_a_person_is_made_with_roles_named_without_accents(ground: Ground, schema: str) -> None:
    made = ground.done(*make("Ana@Clinica.test", "veterinario", "ENFERMEIRO"))

    user = made["user"]
    assert (made["hospital"], user["email"], user["roles"]) == ("clinica", EMAIL, ["Enfermeiro", "Veterinário"])
    [kept] = ground.sql("select email, senha_hash, ativo from users where nome = 'Ana Lima'", within=schema)
    assert (kept["email"], kept["senha_hash"][:10], kept["ativo"]) == (EMAIL, "$argon2id$", True)
    audited = ground.sql("select distinct origem from auditoria where registro_id = $1", user["id"], within=schema)
    assert [row["origem"] for row in audited] == ["cli"]
    assert ground.sql("select 1 from public.email_directory where email = $1", EMAIL)


def test_an_email_is_one_persons_in_a_hospital(ground: Ground, schema: str) -> None:
    assert schema
    ground.zoapets(*make("unica@clinica.test", "Veterinário"))

    said = ground.zoapets(*make("UNICA@clinica.test", "Veterinário"))

    assert (said.code, said.err) == (1, "error: email: clinica has a user unica@clinica.test already\n")


def test_an_unknown_role_or_hospital_makes_nobody(ground: Ground, schema: str) -> None:
    unknown = ground.zoapets(*make("bia@clinica.test", "Veterinário", "Mágico"))
    words = make("bia@clinica.test", "Veterinário")
    nowhere = ground.zoapets(*words[:2], "nowhere", *words[3:])

    assert (unknown.code, nowhere.code) == (1, 1)
    assert "role: Mágico; there are Administrador, " in unknown.err
    assert not ground.sql("select 1 from users where email = 'bia@clinica.test'", within=schema)


def test_a_new_password_ends_every_session_and_the_waiting_after_failed_logins(ground: Ground, schema: str) -> None:
    email, now = "caio@clinica.test", datetime.now(UTC)
    user = ground.done(*make(email, "Financeiro"))["user"]
    for revoked in (None, now):
        ground.sql(
            "insert into sessoes (id, user_id, refresh_hash, criada_em, renovada_em, expira_em, revogada_em)"
            " values ($1, $2, 'x', $3, $3, $4, $5)",
            new_id(),
            user["id"],
            now,
            now + timedelta(days=7),
            revoked,
            within=schema,
        )
    ground.sql("insert into login_attempts values ($1, 9, $2, $3)", email_key(email), now, now + timedelta(minutes=9))
    before = ground.sql("select senha_hash, versao from users where id = $1", user["id"], within=schema)[0]

    told = ground.done("users", "reset-password", "clinica", email.upper())

    assert (told["user"]["sessions_ended"], len(told["senha"]) >= 16) == (1, True)
    after = ground.sql(
        "select senha_hash, versao, senha_trocada_em from users where id = $1", user["id"], within=schema
    )[0]
    assert after["senha_hash"] != before["senha_hash"]
    assert (after["versao"], after["senha_trocada_em"] is not None) == (before["versao"] + 1, True)
    sessions = ground.sql("select motivo_revogacao from sessoes where user_id = $1", user["id"], within=schema)
    assert sorted(str(row["motivo_revogacao"]) for row in sessions) == ["None", "senha-redefinida"]
    assert not ground.sql("select 1 from login_attempts where chave = $1", email_key(email))


def test_a_password_is_not_reset_for_nobody(ground: Ground, schema: str) -> None:
    assert schema

    said = ground.zoapets("users", "reset-password", "clinica", "nobody@clinica.test", "--senha", PASSWORD)

    assert (said.code, said.err) == (1, "error: email: clinica has no user nobody@clinica.test\n")


def test_of_a_deactivated_user_it_is_said_that_a_password_is_not_enough(ground: Ground, schema: str) -> None:
    email = "fora@clinica.test"
    ground.zoapets(*make(email, "Financeiro"))
    ground.sql("update users set ativo = false where email = $1", email, within=schema)

    said = ground.zoapets("users", "reset-password", "clinica", email, "--senha", PASSWORD)

    assert (said.code, "deactivated" in said.err) == (0, True)


@pytest.mark.parametrize(("field", "email", "nome"), [("nome", "dora@clinica.test", " "), ("email", "dora", "Dora")])
def test_nobody_is_made_without_a_name_or_an_email(
    ground: Ground, schema: str, field: str, email: str, nome: str
) -> None:
    words = [nome if word == "Ana Lima" else word for word in make(email, "Veterinário")]
    said = ground.zoapets(*words)

    assert (said.code, said.err.split()[:2]) == (1, ["error:", f"{field}:"])
    assert not ground.sql("select 1 from users where nome in ('Dora', ' ')", within=schema)
