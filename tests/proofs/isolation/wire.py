"""HTTP over one connection, with little work for each request: the load must come from this process, not stay in it."""

import asyncio
import re
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LAST = re.compile(rb"connection: *close", re.IGNORECASE)


class Wire(asyncio.Protocol):
    """A connection that is kept: one request after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        # The server has said that it closes it.
        self.ends = False

    @classmethod
    async def open(cls, port: int) -> "Wire":
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return wire

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body; ConnectionError when there is none."""
        self.send(request)
        self._answer = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(60):
            return await self._answer

    def send(self, request: bytes) -> None:
        """Without waiting for anything."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(request)

    def cut(self) -> None:
        """End it at once, whatever is on its way."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        head = received.find(b"\r\n\r\n")
        if head < 0 or self._answer is None:
            return
        found = _LENGTH.search(received, 0, head)
        end = head + 4 + (int(found[1]) if found else 0)
        if len(received) < end or self._answer.done():
            return
        self.ends = _LAST.search(received, 0, head) is not None
        status, body = int(received[9:12]), bytes(received[head + 4 : end])
        del received[:end]
        self._answer.set_result((status, body))
