"""`zoapets doctor`: a line for each part, what to do, and exit code 1 when something fails.

On servers of its own: roles belong to the whole server, and these tests spoil them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.ground import Ground
from zoapets.common.clock import Clock
from zoapets.core.owner import installation
from zoapets.core.owner.migrations import TENANT, head
from zoapets.embedded import EmbeddedServers

UP_TO_DATE = f"update tenants set revisao = '{head(TENANT)}', status = 'ativo'"  # noqa: S608 - a revision of ours


@pytest.fixture(scope="module")
def _ground() -> Iterator[Ground]:
    # Not `fast`: that turns off what doctor looks at.
    with tempfile.TemporaryDirectory(prefix="zd-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # run by root, the servers are `nobody`'s
        with EmbeddedServers(Path(folder) / "servers") as servers:
            addresses = servers.start()
            yield Ground.at(addresses.postgres, addresses.valkey, f"{folder}/files")


@pytest.fixture
def healthy(ground: Ground) -> Ground:
    """A prepared installation with two hospitals, in which everything is well."""
    for slug in ("aurora", "horizonte"):
        if not ground.sql("select 1 from public.tenants where slug = $1", slug):
            ground.hospital(slug)
    assert failures(ground) == {}
    return ground


def failures(ground: Ground) -> dict[str, str]:
    """What fails, with its details."""
    said = ground.zoapets("doctor", "--json")
    found = {
        check["name"]: f"{check['detail']} -> {check['advice']}"
        for check in said.json["checks"]
        if check["level"] == "fail"
    }
    assert said.code == (1 if found else 0)
    assert said.json["ok"] == (not found)
    return found


@contextmanager
def spoilt(ground: Ground, spoil: str, mend: str, *, within: str = "public") -> Iterator[None]:
    ground.sql(spoil, within=within)
    try:
        yield
    finally:
        ground.sql(mend, within=within)


def schema_of(ground: Ground, slug: str) -> str:
    return str(ground.sql("select schema_name from public.tenants where slug = $1", slug)[0]["schema_name"])


def test_before_the_first_migration_it_says_to_migrate(bare: Ground) -> None:
    found = failures(bare)

    assert {"database", "app role", "revokes", "isolation", "migrations"} <= found.keys()
    for name in ("app role", "revokes", "isolation", "migrations"):
        assert "zoapets migrate" in found[name]


def test_of_a_healthy_installation_every_part_is_ok(healthy: Ground) -> None:
    said = healthy.zoapets("doctor")

    assert said.code == 0
    lines = {line[6:19].strip(): line[:4].strip() for line in said.out.splitlines()}
    assert lines.keys() == {
        *("configuration", "database", "login", "owner", "postgresql", "durability", "app role", "revokes"),
        *("isolation", "audit", "migrations", "clock", "connections", "valkey", "storage"),
    }
    assert set(lines.values()) == {"ok"}


def test_every_fault_of_the_configuration_is_a_line_and_the_rest_is_still_checked(
    healthy: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "super-secret-key-change-in-production")
    monkeypatch.setenv("PORT", "http")

    checks = healthy.zoapets("doctor", "--json").json["checks"]

    faults = [check["detail"].split()[0] for check in checks if check["level"] == "fail"]
    assert faults == ["JWT_SECRET", "PORT"]
    assert {"isolation", "valkey", "storage"} <= {check["name"] for check in checks}


def test_without_the_owners_address_it_checks_what_it_can(healthy: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_OWNER_URL")

    found = failures(healthy)

    assert found.keys() == {"configuration"}
    assert "DATABASE_OWNER_URL is missing" in found["configuration"]


@pytest.mark.parametrize(
    ("spoil", "mend", "name", "detail"),
    [
        ("alter role zoapets_app inherit", "alter role zoapets_app noinherit", "app role", "zoapets_app is inherit"),
        ("alter role zoapets_app superuser", "alter role zoapets_app nosuperuser", "app role", "is superuser"),
        ("grant zoapets_owner to zoapets_app", "revoke zoapets_owner from zoapets_app", "app role", "zoapets_owner"),
        (
            "grant execute on function pg_sleep(double precision) to public",
            "revoke execute on function pg_sleep(double precision) from public",
            "revokes",
            "PUBLIC may call pg_sleep",
        ),
        (
            "grant usage on language plpgsql to public",
            "revoke usage on language plpgsql from public",
            "revokes",
            "the language plpgsql",
        ),
        ("update tenants set revisao = '0001'", UP_TO_DATE, "migrations", "aurora is at 0001"),
    ],
)
def test_what_was_weakened_is_found(healthy: Ground, spoil: str, mend: str, name: str, detail: str) -> None:
    with spoilt(healthy, spoil, mend):
        assert detail in failures(healthy)[name]


@pytest.mark.parametrize(
    ("right", "detail"),
    [
        ("insert on auditoria to {s}", "may insert"),
        ("update (em) on auditoria to {s}", "may update"),
        ("delete on auditoria_selos to {s}", "may delete"),
        ("truncate on auditoria_selos to zoapets_app", "zoapets_app may truncate"),
    ],
)
def test_a_trail_that_can_be_written_is_found(healthy: Ground, right: str, detail: str) -> None:
    schema = schema_of(healthy, "aurora")
    given = right.replace("{s}", schema)

    with spoilt(healthy, f"grant {given}", f"revoke {given.replace(' to ', ' from ')}", within=schema):
        found = failures(healthy)["audit"]

    assert detail in found
    assert "zoapets audit verify" in found


def granted(ground: Ground, right: str, role: str, *, within: str) -> AbstractContextManager[None]:
    """The right on a hospital's pets, for as long as the block lasts."""
    return spoilt(ground, f"grant {right} on pets to {role}", f"revoke {right} on pets from {role}", within=within)


def test_a_right_on_another_hospitals_table_is_found(healthy: Ground) -> None:
    ours, theirs = schema_of(healthy, "aurora"), schema_of(healthy, "horizonte")
    for role in (theirs, "public", "zoapets_app"):
        with granted(healthy, "select", role, within=ours):
            found = failures(healthy)["isolation"]
        who = "PUBLIC" if role == "public" else role
        assert f"{who} has select on {ours}.pets" in found
        assert (f"zoapets_app by itself reaches {ours}.pets" in found) == (role != theirs)
    with granted(healthy, "select (nome)", theirs, within=ours):
        assert f"{theirs} has select on {ours}.pets.nome" in failures(healthy)["isolation"]
    with spoilt(healthy, f"alter role {ours} login", f"alter role {ours} nologin"):
        assert f"the role {ours} may sign in" in failures(healthy)["isolation"]


def test_a_hospital_that_the_serving_role_cannot_become_or_would_inherit_is_found(healthy: Ground) -> None:
    ours = schema_of(healthy, "aurora")
    mend = f"grant {ours} to zoapets_app with inherit false, set true"

    with spoilt(healthy, f"revoke {ours} from zoapets_app", mend):
        assert f"zoapets_app cannot become {ours}" in failures(healthy)["app role"]
    with spoilt(healthy, f"grant {ours} to zoapets_app with inherit true", mend):
        assert "inherit false, set true" in failures(healthy)["app role"]


def test_a_suspended_hospital_that_is_behind_is_a_warning(healthy: Ground) -> None:
    spoil = "update tenants set revisao = '0001', status = 'suspenso' where slug = 'aurora'"
    with spoilt(healthy, spoil, UP_TO_DATE):
        said = healthy.zoapets("doctor", "--json")

    [check] = [check for check in said.json["checks"] if check["name"] == "migrations"]
    assert (said.code, check["level"], check["detail"]) == (0, "warn", "aurora (suspended) is at 0001")


def test_a_hospital_that_a_newer_version_migrated_is_a_warning(healthy: Ground) -> None:
    spoil = "update tenants set revisao = '9999' where slug = 'aurora'"
    with spoilt(healthy, spoil, UP_TO_DATE):
        said = healthy.zoapets("doctor", "--json")

    [check] = [check for check in said.json["checks"] if check["name"] == "migrations"]
    assert (said.code, check["level"], "newer version: aurora" in check["detail"]) == (0, "warn", True)


def test_serving_as_the_owner_is_found(healthy: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", healthy.owner_url)

    assert "signs in as postgres, not as zoapets_app" in failures(healthy)["login"]


def test_settings_that_lose_acknowledged_doses_are_found(healthy: Ground) -> None:
    with spoilt(
        healthy,
        "alter role postgres set synchronous_commit = off",
        "alter role postgres reset synchronous_commit",
    ):
        assert "synchronous_commit is off" in failures(healthy)["durability"]


def test_a_clock_that_is_wrong_is_found_with_the_seconds(healthy: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "Clock", lambda: Clock(timedelta(seconds=-9)))

    assert "the database's clock differs by +9.0 s" in failures(healthy)["clock"]


def test_services_that_do_not_answer_are_found_and_none_is_a_warning(
    healthy: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("REDIS_URL", "redis://:hunter22@127.0.0.1:1/0")
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/file")
    monkeypatch.setenv("WORKERS", "30")

    said = healthy.zoapets("doctor")

    assert said.code == 1
    assert "fail  valkey         127.0.0.1:1/0 does not answer" in said.out
    assert "fail  storage" in said.out
    assert "warn  connections    WORKERS times DATABASE_POOL_SIZE is 300" in said.out
    assert "hunter22" not in said.out
    monkeypatch.delenv("REDIS_URL")
    assert "warn  valkey         not configured" in healthy.zoapets("doctor").out


def test_a_database_that_is_away_is_one_failure_for_each_address(
    healthy: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        monkeypatch.setenv(name, "postgresql://zoapets_app@127.0.0.1:1/zoapets")

    assert failures(healthy).keys() == {"database", "owner"}
