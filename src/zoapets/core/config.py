"""The configuration: typed, in one place, from the environment, by the seed's names.

Every error names the variable and says what to do. `.env.example` documents them all.
"""

import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

# What tutorials, and the seed, put in place of a secret.
KNOWN_SECRETS = ("super-secret", "change", "secret", "refresh-secret", "zoapets", "example", "troque", "password")
# Passwords of databases and stores that everybody knows: from the seed, from MinIO's manual, from `.env.example`.
PUBLISHED_PASSWORDS = frozenset({"change-me", "postgres123", "minioadmin", "minioadmin123"})
SECRET_LENGTH = 32
FEWEST_CHARACTERS = 10
DATABASE_POOL_SIZE = 10
ENVIRONMENTS = ("production", "development", "test")
POSTGRES_SCHEMES = ("postgresql", "postgres")
LOG_LEVELS = ("debug", "info", "warning", "error")


class ConfigError(Exception):
    """The environment does not make a configuration. `errors` names each variable."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Need(Enum):
    """What a command reads besides the address of the database."""

    OWNER = auto()
    SECRETS = auto()
    SERVICES = auto()
    SERVER = auto()


SERVING = frozenset({Need.SECRETS, Need.SERVICES, Need.SERVER})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the application needs to know. Made by `from_environment`, or by `demo` and the tests directly."""

    database_url: str
    owner_url: str | None = None
    redis_url: str | None = None
    jwt_secret: str
    jwt_refresh_secret: str
    jwt_expires_in: timedelta = timedelta(minutes=15)
    jwt_refresh_expires_in: timedelta = timedelta(days=7)
    storage_url: str = "file://.zoapets/files"
    minio_access_key: str | None = None
    minio_secret_key: str | None = None
    environment: str = "production"
    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 2
    pool_size: int = DATABASE_POOL_SIZE
    cors_origins: tuple[str, ...] = ()
    body_limit: int = 1_048_576
    log_level: str = "info"
    # Where access lines go in place of standard error; the demo keeps its terminal for people.
    access_log: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    rate_limit_per_minute: int = 0
    statement_timeout_ms: int = 15_000
    # Access rights are read again at least this often: how long a suspension may take to be felt.
    access_ttl: timedelta = timedelta(milliseconds=500)
    # How long a row of the audit trail waits for its seal, if nothing is in its way.
    seal_interval: timedelta = timedelta(seconds=2)


def from_environment(environ: Mapping[str, str] = os.environ, needs: Collection[Need] = SERVING) -> Settings:
    """Settings from `environ`; what is not in `needs` is neither read nor wrong, and has its default.

    Without SECRETS the signing keys are made up here: nothing signed with them is accepted by another process.
    Without OWNER the owner's address is not taken, whether it is there or not.

    Raises:
        ConfigError: lists every missing or unfit variable at once.
    """
    return _Reader(environ).settings(needs)


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.errors: list[str] = []
        self._strict = True

    def settings(self, needs: Collection[Need]) -> Settings:
        environment = self._one_of("NODE_ENV", ENVIRONMENTS)
        self._strict = environment == "production"
        values: dict[str, Any] = {"environment": environment, "database_url": self._database_url()}
        if Need.OWNER in needs:
            values["owner_url"] = self._address("DATABASE_OWNER_URL", *POSTGRES_SCHEMES)
            if values["owner_url"] is None:
                self.errors.append("DATABASE_OWNER_URL is missing: the address to migrate and to administer with.")
        values |= self._secrets() if Need.SECRETS in needs else _throw_away_secrets()
        if Need.SERVICES in needs:
            values |= self._services()
        if Need.SERVER in needs:
            values |= self._server()
        if self.errors:
            raise ConfigError(self.errors)
        return Settings(**values)

    def _secrets(self) -> dict[str, Any]:
        access, refresh = self._secret("JWT_SECRET"), self._secret("JWT_REFRESH_SECRET")
        if access and access == refresh:
            self.errors.append("JWT_REFRESH_SECRET must differ from JWT_SECRET.")
        return {
            "jwt_secret": access,
            "jwt_refresh_secret": refresh,
            "jwt_expires_in": self._duration("JWT_EXPIRES_IN", "15m", most=timedelta(days=1)),
            "jwt_refresh_expires_in": self._duration("JWT_REFRESH_EXPIRES_IN", "7d", most=timedelta(days=90)),
        }

    def _services(self) -> dict[str, Any]:
        url = self._storage_url()
        remote = not url.startswith("file://")
        return {
            "redis_url": self._redis_url(),
            "storage_url": url,
            "minio_access_key": self._text("MINIO_ACCESS_KEY", required=remote),
            "minio_secret_key": self._password("MINIO_SECRET_KEY", self._text("MINIO_SECRET_KEY", required=remote)),
        }

    def _server(self) -> dict[str, Any]:
        return {
            "host": self._text("HOST") or "0.0.0.0",  # noqa: S104 - production listens where it is told to, by default everywhere
            "port": self._number("PORT", 3000, 1, 65535),
            "workers": self._number("WORKERS", 2, 1, 64),
            "pool_size": self._number("DATABASE_POOL_SIZE", DATABASE_POOL_SIZE, 1, 200),
            "cors_origins": self._origins(),
            "body_limit": self._number("BODY_LIMIT", 1_048_576, 1024, 104_857_600),
            "log_level": self._one_of("LOG_LEVEL", LOG_LEVELS, default="info"),
            "trusted_proxies": self._proxies(),
            "rate_limit_per_minute": self._number("RATE_LIMIT_PER_MINUTE", 0, 0, 1_000_000),
        }

    def _database_url(self) -> str | None:
        if url := self._address("DATABASE_URL", *POSTGRES_SCHEMES):
            return url
        host = self._text("DATABASE_HOST")
        if not host:
            self.errors.append("DATABASE_HOST (or DATABASE_URL) is missing: say which PostgreSQL to use.")
            return None
        port = self._number("DATABASE_PORT", 5432, 1, 65535)
        login = quote(self._text("DATABASE_USER", required=True) or "", safe="")
        if password := self._password("DATABASE_PASSWORD", self._text("DATABASE_PASSWORD")):
            login += ":" + quote(password, safe="")
        database = quote(self._text("DATABASE_NAME", required=True) or "", safe="")
        if host.startswith("/"):
            return f"postgresql://{login}@/{database}?host={quote(host)}&port={port}"
        return f"postgresql://{login}@{f'[{host}]' if ':' in host else host}:{port}/{database}"

    def _address(self, name: str, *schemes: str) -> str | None:
        url = self._text(name)
        if url is None:
            return None
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in schemes:
            self.errors.append(f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
        self._password(name, parts.password)
        return url

    def _redis_url(self) -> str | None:
        if url := self._address("REDIS_URL", "redis", "rediss", "unix"):
            return url
        host = self._text("REDIS_HOST")
        return f"redis://{host}:{self._number('REDIS_PORT', 6379, 1, 65535)}/0" if host else None

    def _storage_url(self) -> str:
        minio = self._text("MINIO_ENDPOINT")
        if minio is None:
            url = self._text("STORAGE_URL") or f"file://{Path.cwd() / '.zoapets' / 'files'}"
            if not url.startswith(("file:///", "s3+http://", "s3+https://")):
                self.errors.append("STORAGE_URL must begin with file:/// (a folder), s3+https:// or s3+http://.")
            return url
        if "/" in minio:
            self.errors.append("MINIO_ENDPOINT must be a host name alone; MINIO_PORT and MINIO_USE_SSL say the rest.")
        scheme = "https" if self._one_of("MINIO_USE_SSL", ("false", "true", "0", "1")) in {"1", "true"} else "http"
        bucket = self._text("MINIO_BUCKET") or "zoapets"
        return f"s3+{scheme}://{minio}:{self._number('MINIO_PORT', 9000, 1, 65535)}/{bucket}"

    def _origins(self) -> tuple[str, ...]:
        origins = self._list("CORS_ORIGINS")
        if not all(re.fullmatch(r"\*|https?://[^/\s]+", origin) for origin in origins):
            self.errors.append("CORS_ORIGINS must be origins such as https://app.example.com, separated by commas.")
        return origins

    def _proxies(self) -> tuple[str, ...]:
        proxies = self._list("TRUSTED_PROXIES")
        try:
            for proxy in proxies:
                ip_network(proxy)
        except ValueError as error:
            self.errors.append(f"TRUSTED_PROXIES must be addresses or networks, separated by commas: {error}.")
        return proxies

    def _secret(self, name: str) -> str:
        value = self.environ.get(name, "")
        advice = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        if not value:
            self.errors.append(f"{name} is missing: {advice}")
        elif any(known in value.lower() for known in KNOWN_SECRETS):
            self.errors.append(f"{name} looks like a default: {advice}")
        elif len(value) < SECRET_LENGTH or len(set(value)) < FEWEST_CHARACTERS:
            self.errors.append(f"{name} is too short or too plain ({SECRET_LENGTH} characters at least): {advice}")
        return value

    def _password(self, name: str, value: str | None) -> str | None:
        if self._strict and value in PUBLISHED_PASSWORDS:
            self.errors.append(f"{name} holds a published password: choose another (or set NODE_ENV=development).")
        return value

    def _text(self, name: str, *, required: bool = False) -> str | None:
        value = self.environ.get(name, "").strip()
        if required and not value:
            self.errors.append(f"{name} is missing.")
        return value or None

    def _one_of(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        value = (self._text(name) or default or words[0]).lower()
        if value not in words:
            self.errors.append(f"{name} must be one of {', '.join(words)}, not {value!r}.")
        return value

    def _number(self, name: str, default: int, low: int, high: int) -> int:
        text = self._text(name)
        if text is None:
            return default
        if text.isascii() and text.isdigit() and low <= int(text) <= high:
            return int(text)
        self.errors.append(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
        return default

    def _duration(self, name: str, default: str, *, most: timedelta) -> timedelta:
        text = self._text(name) or default
        found = re.fullmatch(r"([0-9]{1,9})\s*([smhd]?)", text)
        if found:
            unit = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
            value = timedelta(**{unit: int(found[1])})
            if timedelta(seconds=1) <= value <= most:
                return value
        self.errors.append(f"{name} must be a time such as 900s, 15m, 1h or 7d, at most {most}, not {text!r}.")
        return most

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in (self._text(name) or "").split(",") if part.strip())


def _throw_away_secrets() -> dict[str, str]:
    return {"jwt_secret": secrets.token_urlsafe(48), "jwt_refresh_secret": secrets.token_urlsafe(48)}
