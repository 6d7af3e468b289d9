"""What the tests of the command line stand on: a database of a module's own, and `zoapets` called in this process."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from zoapets.cli import main

PASSWORD = "uma senha comprida"
PATIENCE_S = 60
SECRETS = {
    "JWT_SECRET": "q9Jw2Lr7Xv4Tn8Bk1Mz6Pd3Hs5Gf0Yc-A",
    "JWT_REFRESH_SECRET": "u7Ec4Wn1Ra8Ky5Vt2Ob9Ix6Qj3Dm0Lf-B",
}
# No test may see what the machine it runs on happens to have.
PREFIXES = ("DATABASE_", "JWT_", "REDIS_", "MINIO_", "STORAGE_", "NODE_ENV", "PORT", "HOST", "WORKERS", "LOG_LEVEL")


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Ground:
    """A database and the environment that leads to it."""

    owner_url: str
    environ: dict[str, str]
    capture: pytest.CaptureFixture[str] | None = field(default=None)

    @classmethod
    def at(cls, owner_url: str, valkey_url: str, files: str) -> "Ground":
        return cls(
            owner_url,
            {
                "DATABASE_URL": owner_url.replace("postgres@", "zoapets_app@", 1),
                "DATABASE_OWNER_URL": owner_url,
                "REDIS_URL": valkey_url,
                "STORAGE_URL": f"file://{files}",
                **SECRETS,
            },
        )

    def zoapets(self, *tokens: str) -> Said:
        """Run a command as `zoapets` would."""
        assert self.capture is not None
        self.capture.readouterr()
        code = main(tokens)
        written = self.capture.readouterr()
        return Said(code, written.out, written.err)

    def done(self, *tokens: str) -> Any:
        """What a command that must succeed prints with --json."""
        said = self.zoapets(*tokens, "--json")
        assert said.code == 0, said
        return said.json

    def hospital(self, slug: str, *more: str) -> str:
        """A new hospital's schema."""
        email = f"admin@{slug}.test"
        options = ("--nome", f"Hospital {slug}", "--admin-email", email, "--admin-senha", PASSWORD)
        schema: str = self.done("tenants", "create", slug, *options, *more)["hospital"]["schema_name"]
        return schema

    def sealed(self, slug: str) -> None:
        """Seal a hospital's trail to its end: a transaction of another database may hold it up for a while."""
        deadline = time.monotonic() + PATIENCE_S
        while self.done("audit", "seal", slug)[0]["left"]:
            assert time.monotonic() < deadline, f"{slug}: what was written cannot be sealed"

    def sql(self, statement: str, *args: Any, within: str = "public") -> list[Any]:
        """As the owner, behind the command line's back, with this search_path."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.owner_url, server_settings={"search_path": within})
            try:
                found: list[Any] = await connection.fetch(statement, *args)
                return found
            finally:
                await connection.close()

        return asyncio.run(ask())
