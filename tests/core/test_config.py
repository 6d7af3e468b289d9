"""The configuration: every error names its variable, all at once, and no default secret gets through."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from zoapets.core.config import ConfigError, Need, Settings, from_environment

EXAMPLE = Path(__file__).parents[2] / ".env.example"
LINE = re.compile(r"(?P<optional># )?(?P<name>[A-Z][A-Z_]+)=(?P<value>\S*)")
FIT = {
    "DATABASE_URL": "postgresql://zoapets_app:pw@db:5432/zoapets",
    "JWT_SECRET": "q9Jw2Lr7Xv4Tn8Bk1Mz6Pd3Hs5Gf0Yc-A",
    "JWT_REFRESH_SECRET": "u7Ec4Wn1Ra8Ky5Vt2Ob9Ix6Qj3Dm0Lf-B",
}
EVERYTHING = frozenset(Need)


class Recording(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values_ = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def errors(environ: dict[str, str], needs: frozenset[Need] = EVERYTHING - {Need.OWNER}) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        from_environment(environ, needs)
    return caught.value.errors


def fit(**changed: str) -> Settings:
    return from_environment(FIT | changed)


def unfit(name: str, value: str) -> str:
    """The one error of a fit environment with this one value changed."""
    [error] = errors(FIT | {name: value})
    return error


def example() -> dict[str, tuple[str, bool]]:
    """Each variable of `.env.example`: its value, and whether it is optional."""
    found = [match for line in EXAMPLE.read_text().splitlines() if (match := LINE.fullmatch(line))]
    return {match["name"]: (match["value"], match["optional"] is not None) for match in found}


def test_an_empty_environment_is_told_everything_that_is_missing_at_once() -> None:
    told = errors({}, EVERYTHING)

    named = [re.split(r"[ :]", error)[0] for error in told]
    assert named == ["DATABASE_HOST", "DATABASE_OWNER_URL", "JWT_SECRET", "JWT_REFRESH_SECRET"]


def test_every_unfit_value_is_told_at_once_with_its_name() -> None:
    wrong = {
        "NODE_ENV": "staging",
        "DATABASE_URL": "mysql://db/zoapets",
        "DATABASE_OWNER_URL": "zoapets",
        "JWT_SECRET": "short",
        "JWT_REFRESH_SECRET": "x" * 64,
        "JWT_EXPIRES_IN": "soon",
        "JWT_REFRESH_EXPIRES_IN": "1y",
        "REDIS_URL": "http://cache",
        "STORAGE_URL": "ftp://files",
        "PORT": "70000",
        "WORKERS": "two",
        "DATABASE_POOL_SIZE": "0",
        "CORS_ORIGINS": "app.example.com",
        "BODY_LIMIT": "-1",
        "LOG_LEVEL": "loud",
        "TRUSTED_PROXIES": "10.0.0.1,proxy",
        "RATE_LIMIT_PER_MINUTE": "1e3",
    }

    told = errors(wrong, EVERYTHING)

    for name in wrong:
        assert sum(error.startswith(f"{name} ") for error in told) == 1, name
    assert {error.split()[0] for error in told} == {*wrong, "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}


def test_defaults_are_those_of_the_example() -> None:
    told = {name: value for name, (value, optional) in example().items() if optional}
    examples = {
        "DATABASE_URL",
        "REDIS_HOST",
        "REDIS_URL",
        "STORAGE_URL",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        *(name for name in told if name.startswith("MINIO_")),
    }

    assert fit(**{name: value for name, value in told.items() if name not in examples}) == fit()


def test_the_parts_make_the_same_address_as_the_url() -> None:
    secrets = {name: value for name, value in FIT.items() if name != "DATABASE_URL"}
    parts = {
        "DATABASE_HOST": "db",
        "DATABASE_USER": "zoapets_app",
        "DATABASE_PASSWORD": "pw",
        "DATABASE_NAME": "zoapets",
    }

    assert from_environment(secrets | parts).database_url == FIT["DATABASE_URL"]
    odd = {"DATABASE_HOST": "::1", "DATABASE_PORT": "6543", "DATABASE_PASSWORD": "p@ss/word #1"}
    assert (
        from_environment(secrets | parts | odd).database_url
        == "postgresql://zoapets_app:p%40ss%2Fword%20%231@[::1]:6543/zoapets"
    )
    socket = {"DATABASE_HOST": "/run/postgresql", "DATABASE_PASSWORD": ""}
    assert (
        from_environment(secrets | parts | socket).database_url
        == "postgresql://zoapets_app@/zoapets?host=/run/postgresql&port=5432"
    )
    assert fit(**(parts | {"DATABASE_HOST": "elsewhere"})).database_url == FIT["DATABASE_URL"]
    told = errors(secrets | {"DATABASE_HOST": "db"})
    assert told == ["DATABASE_USER is missing.", "DATABASE_NAME is missing."]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("900", timedelta(seconds=900)),
        ("900s", timedelta(seconds=900)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("1 d", timedelta(days=1)),
    ],
)
def test_durations_are_written_as_the_seed_writes_them(text: str, time: timedelta) -> None:
    assert fit(JWT_EXPIRES_IN=text).jwt_expires_in == time


@pytest.mark.parametrize("text", ["0", "2d", "-5m", "1.5h", "15 minutes", "٣m"])
def test_a_token_that_lives_no_time_or_too_long_is_refused(text: str) -> None:
    assert unfit("JWT_EXPIRES_IN", text).startswith("JWT_EXPIRES_IN must be a time")


@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_REFRESH_SECRET"])
@pytest.mark.parametrize(
    "secret",
    [
        "",
        "super-secret-key-change-in-production",
        "refresh-secret",
        "this-is-MY-PASSWORD-for-tokens-0123456789",
        "aB3dE5fG7hI9",
        "abababababababababababababababababab",
    ],
)
def test_a_default_short_or_plain_secret_is_refused(name: str, secret: str) -> None:
    for environment in ("production", "development"):
        told = errors(FIT | {name: secret, "NODE_ENV": environment})
        assert told[0].startswith(f"{name} "), told
        assert "secrets.token_urlsafe" in told[0]


def test_the_two_secrets_must_differ() -> None:
    assert unfit("JWT_REFRESH_SECRET", FIT["JWT_SECRET"]) == "JWT_REFRESH_SECRET must differ from JWT_SECRET."


def test_no_secret_is_repeated_in_an_error() -> None:
    for secret in ("postgresql://a:hunter22@db/x", "hunter22hunter22"):
        told = errors(FIT | {"JWT_SECRET": secret, "DATABASE_URL": "ftp://a:hunter22@db/x"})
        assert "hunter22" not in "".join(told)


def test_redis_is_optional_and_has_two_spellings() -> None:
    assert fit().redis_url is None
    assert fit(REDIS_HOST="cache").redis_url == "redis://cache:6379/0"
    assert fit(REDIS_HOST="cache", REDIS_PORT="6380").redis_url == "redis://cache:6380/0"
    assert fit(REDIS_HOST="cache", REDIS_URL="rediss://other/1").redis_url == "rediss://other/1"
    assert unfit("REDIS_URL", "cache:6379").startswith("REDIS_URL ")


def test_files_are_in_a_folder_unless_a_store_is_named_with_its_keys() -> None:
    minio = {"MINIO_ENDPOINT": "store", "MINIO_ACCESS_KEY": "id", "MINIO_SECRET_KEY": "key"}

    assert fit().storage_url == f"file://{Path.cwd()}/.zoapets/files"
    assert fit(STORAGE_URL="file:///srv/files").storage_url == "file:///srv/files"
    settings = fit(**minio, MINIO_BUCKET="files", MINIO_PORT="443", MINIO_USE_SSL="true")
    assert settings.storage_url == "s3+https://store:443/files"
    assert (settings.minio_access_key, settings.minio_secret_key) == ("id", "key")
    assert fit(**minio).storage_url == "s3+http://store:9000/zoapets"
    told = errors(FIT | {"MINIO_ENDPOINT": "https://store"})
    assert [error.split()[0] for error in told] == ["MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"]


def test_published_passwords_are_for_development_alone() -> None:
    published = {
        "DATABASE_URL": "postgresql://zoapets_app:postgres123@db/zoapets",
        "MINIO_ENDPOINT": "store",
        "MINIO_ACCESS_KEY": "minioadmin",
        "MINIO_SECRET_KEY": "minioadmin123",
    }

    told = errors(FIT | published)
    assert [error.split()[0] for error in told] == ["DATABASE_URL", "MINIO_SECRET_KEY"]
    assert fit(**published, NODE_ENV="development").environment == "development"


def test_lists_are_separated_by_commas() -> None:
    settings = fit(CORS_ORIGINS="https://a.test, http://localhost:5173", TRUSTED_PROXIES="10.0.0.0/8,::1")

    assert settings.cors_origins == ("https://a.test", "http://localhost:5173")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_what_a_command_does_not_need_is_neither_read_nor_wrong() -> None:
    environ = Recording({"DATABASE_URL": FIT["DATABASE_URL"], "DATABASE_OWNER_URL": FIT["DATABASE_URL"], "PORT": "x"})

    settings = from_environment(environ, {Need.OWNER})

    assert settings.owner_url == FIT["DATABASE_URL"]
    assert environ.asked == {"NODE_ENV", "DATABASE_URL", "DATABASE_OWNER_URL"}
    assert settings.jwt_secret != from_environment(environ, {Need.OWNER}).jwt_secret


def test_what_serves_never_takes_the_owners_address() -> None:
    assert fit(DATABASE_OWNER_URL="postgresql://postgres@db/zoapets").owner_url is None


def test_the_example_documents_every_variable_that_is_read_and_no_other() -> None:
    read: set[str] = set()
    for values in ({}, FIT, {"DATABASE_HOST": "db", "REDIS_HOST": "cache", "MINIO_ENDPOINT": "store"}):
        environ = Recording(values)
        with pytest.raises(ConfigError):
            from_environment(environ, EVERYTHING)
        read |= environ.asked

    assert read == example().keys()


def test_no_secret_of_the_example_is_accepted() -> None:
    given = {name: value for name, (value, _) in example().items()}
    needed = {name: value for name, (value, optional) in example().items() if not optional}

    refused = {error.split()[0] for error in errors(given, EVERYTHING)}
    assert refused == {
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "JWT_SECRET",
        "JWT_REFRESH_SECRET",
        "REDIS_URL",
        "MINIO_SECRET_KEY",
    }
    refused = {error.split()[0] for error in errors(needed, EVERYTHING)}
    assert refused == {"DATABASE_PASSWORD", "DATABASE_OWNER_URL", "JWT_SECRET", "JWT_REFRESH_SECRET"}


@pytest.mark.parametrize("url", ["postgresql://[::1", "http://db/zoapets"])
def test_an_address_that_cannot_be_one_is_named_and_not_repeated(url: str) -> None:
    (said,) = errors(FIT | {"DATABASE_URL": url})
    assert said.startswith("DATABASE_URL")
    assert url not in said
