"""What stands between the application and Valkey: passes everything on, as late as it is told to."""

import asyncio
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote


class Proxy:
    """Listens on a unix socket of its own, in a thread of its own; `delay` (seconds) holds for every answer."""

    def __init__(self, target: Path) -> None:
        self.delay = 0.0
        self._target = target
        self._folder = tempfile.TemporaryDirectory(prefix="zp-", dir="/tmp")
        path = Path(self._folder.name) / "valkey.sock"
        self.url = f"unix://{quote(str(path))}?db=0"
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_unix_server(self._pass_on, str(path)))
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end, which the server that started this must not take for an error.
        with suppress(OSError, asyncio.CancelledError):
            try:
                out, back = await asyncio.open_unix_connection(str(self._target))
                try:
                    ways = [self._copy(reader, back), self._copy(out, writer, late=True)]
                    _, left = await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
                    for way in left:
                        way.cancel()
                finally:
                    back.close()
            finally:
                writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if late and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
