"""The configuration: typed, in one place, from the environment, by the seed's names.

Every error names the variable and says what to do. `.env.example` documents them all.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

# What tutorials, and the seed, put in place of a secret.
KNOWN_SECRETS = ("super-secret", "change", "secret", "refresh-secret", "zoapets", "example", "troque", "password")
SECRET_LENGTH = 32
DATABASE_POOL_SIZE = 10


class ConfigError(Exception):
    """The environment does not make a configuration. `errors` names each variable."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


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
    trusted_proxies: tuple[str, ...] = ()
    rate_limit_per_minute: int = 0
    statement_timeout_ms: int = 15_000
    # Access rights are read again at least this often: how long a suspension may take to be felt.
    access_ttl: timedelta = timedelta(milliseconds=500)


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings for production. ConfigError lists every missing or unfit variable at once."""
    return _Reader(environ).settings()


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.errors: list[str] = []

    def settings(self) -> Settings:
        database_url = self._database_url("DATABASE_URL", "DATABASE_USER", "DATABASE_PASSWORD")
        secret = self._secret("JWT_SECRET")
        refresh_secret = self._secret("JWT_REFRESH_SECRET")
        if secret and secret == refresh_secret:
            self.errors.append("JWT_REFRESH_SECRET must differ from JWT_SECRET.")
        minio = self._text("MINIO_ENDPOINT")
        values = {
            "database_url": database_url,
            "owner_url": self._text("DATABASE_OWNER_URL"),
            "redis_url": self._redis_url(),
            "jwt_secret": secret,
            "jwt_refresh_secret": refresh_secret,
            "jwt_expires_in": self._duration("JWT_EXPIRES_IN", "15m", most=timedelta(days=1)),
            "jwt_refresh_expires_in": self._duration("JWT_REFRESH_EXPIRES_IN", "7d", most=timedelta(days=90)),
            "storage_url": self._storage_url(minio),
            "minio_access_key": self._text("MINIO_ACCESS_KEY", required=minio is not None),
            "minio_secret_key": self._text("MINIO_SECRET_KEY", required=minio is not None),
            "environment": self._text("NODE_ENV") or "production",
            "host": self._text("HOST") or "0.0.0.0",  # noqa: S104 - production listens where it is told to, by default everywhere
            "port": self._number("PORT", 3000, 1, 65535),
            "workers": self._number("WORKERS", 2, 1, 64),
            "pool_size": self._number("DATABASE_POOL_SIZE", DATABASE_POOL_SIZE, 1, 200),
            "cors_origins": self._list("CORS_ORIGINS"),
            "body_limit": self._number("BODY_LIMIT", 1_048_576, 1024, 104_857_600),
            "log_level": (self._text("LOG_LEVEL") or "info").lower(),
            "trusted_proxies": self._list("TRUSTED_PROXIES"),
            "rate_limit_per_minute": self._number("RATE_LIMIT_PER_MINUTE", 0, 0, 1_000_000),
        }
        if values["log_level"] not in {"debug", "info", "warning", "error"}:
            self.errors.append("LOG_LEVEL must be one of debug, info, warning, error.")
        if self.errors:
            raise ConfigError(self.errors)
        return Settings(**values)  # type: ignore[arg-type]

    def _text(self, name: str, *, required: bool = False) -> str | None:
        value = self.environ.get(name, "").strip()
        if required and not value:
            self.errors.append(f"{name} is missing.")
        return value or None

    def _database_url(self, name: str, user: str, password: str) -> str | None:
        if url := self._text(name):
            if not url.startswith(("postgresql://", "postgres://")):
                self.errors.append(f"{name} must begin with postgresql://.")
            return url
        host = self._text("DATABASE_HOST")
        if not host:
            self.errors.append(f"DATABASE_HOST (or {name}) is missing: say which PostgreSQL to use.")
            return None
        port = self._number("DATABASE_PORT", 5432, 1, 65535)
        login = quote(self._text(user, required=True) or "", safe="")
        if given := self._text(password):
            login += ":" + quote(given, safe="")
        database = quote(self._text("DATABASE_NAME", required=True) or "", safe="")
        return f"postgresql://{login}@{host}:{port}/{database}"

    def _redis_url(self) -> str | None:
        if url := self._text("REDIS_URL"):
            if not url.startswith(("redis://", "rediss://", "unix://")):
                self.errors.append("REDIS_URL must begin with redis://, rediss:// or unix://.")
            return url
        host = self._text("REDIS_HOST")
        return f"redis://{host}:{self._number('REDIS_PORT', 6379, 1, 65535)}/0" if host else None

    def _storage_url(self, minio: str | None) -> str:
        if minio is None:
            return self._text("STORAGE_URL") or f"file://{Path.cwd() / '.zoapets' / 'files'}"
        scheme = "https" if (self._text("MINIO_USE_SSL") or "false").lower() in {"1", "true"} else "http"
        bucket = self._text("MINIO_BUCKET") or "zoapets"
        return f"s3+{scheme}://{minio}:{self._number('MINIO_PORT', 9000, 1, 65535)}/{bucket}"

    def _secret(self, name: str) -> str | None:
        value = self.environ.get(name, "")
        advice = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        if not value:
            self.errors.append(f"{name} is missing: {advice}")
        elif any(known in value.lower() for known in KNOWN_SECRETS):
            self.errors.append(f"{name} looks like a default: {advice}")
        elif len(value) < SECRET_LENGTH or len(set(value)) < 10:  # noqa: PLR2004 - fewer characters than a phone has
            self.errors.append(f"{name} is too short or too plain ({SECRET_LENGTH} characters at least): {advice}")
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
        found = re.fullmatch(r"(\d{1,9})\s*([smhd]?)", text)
        if found:
            unit = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
            value = timedelta(**{unit: int(found[1])})
            if timedelta(seconds=1) <= value <= most:
                return value
        self.errors.append(f"{name} must be a time such as 900s, 15m, 1h or 7d, at most {most}, not {text!r}.")
        return most

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in (self._text(name) or "").split(",") if part.strip())
