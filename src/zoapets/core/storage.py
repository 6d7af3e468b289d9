"""Files: a local folder by default, S3 or MinIO in production, behind one API."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from zoapets.core.config import Settings

PROBE = "zoapets-probe"


class Storage:
    """Where the hospital's files are kept."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.storage_url
        self._settings = settings

    async def check(self) -> str | None:
        """What is wrong with it, or None: a small file is written, read and removed."""
        try:
            async with asyncio.timeout(3):
                store = self._open()
                await store.put_async(PROBE, b"ok")
                result = await store.get_async(PROBE)
                kept = bytes(await result.bytes_async())
                await store.delete_async(PROBE)
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            return f"{type(error).__name__}: {error}"[:300]
        return None if kept == b"ok" else "what was read is not what was written"

    def _open(self) -> Any:
        parts = urlsplit(self.url)
        if parts.scheme == "file":
            folder = Path(self.url.removeprefix("file://"))
            folder.mkdir(parents=True, exist_ok=True)
            return LocalStore(folder)
        scheme = parts.scheme.removeprefix("s3+")
        return S3Store(
            parts.path.strip("/"),
            endpoint=f"{scheme}://{parts.netloc}",
            access_key_id=self._settings.minio_access_key,
            secret_access_key=self._settings.minio_secret_key,
            region="us-east-1",
            client_options={"allow_http": scheme == "http", "timeout": "3s"},
            retry_config={"max_retries": 0},
        )
