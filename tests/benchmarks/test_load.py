"""The client that measures: it counts every answer once, whatever pieces it comes in, and no failure as speed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from benchmarks.load import BadAnswerError, Load, Requests, cycled, request

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n"
REFUSED = b"HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\n{}"
ASKED = [request("GET", f"/{n}") for n in range(30)]

Pieces = Callable[[int], list[bytes]]


@asynccontextmanager
async def answering(pieces: Pieces) -> AsyncIterator[int]:
    """A server that gives its n-th answer in these pieces; none closes the connection."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            sent = pieces(served)
            served += 1
            for piece in sent:
                writer.write(piece)
                await writer.drain()
                # Another turn of the loop, so that the pieces do not arrive as one.
                await asyncio.sleep(0)
            if not sent:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
async def test_an_answer_in_any_pieces_is_one_answer(size: int) -> None:
    def pieces(n: int) -> list[bytes]:
        whole = OK if n % 3 else UNCHANGED
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    async with answering(pieces) as port, Load(port, connections=3) as load:
        run = (await load.run(Requests(ASKED))).checked()

    assert (run.statuses, run.bytes, run.failed) == ({200: 20, 304: 10}, 100, 0)


async def test_the_same_connections_serve_run_after_run_and_a_run_ends_in_time() -> None:
    async with answering(lambda _: [OK]) as port, Load(port, connections=2) as load:
        first = await load.run(Requests(ASKED[:5]))
        second = await load.run(cycled(ASKED), seconds=0.05)

    assert (first.answers, second.failed, second.answers > 0) == (5, 0, True)


async def test_a_refusal_and_a_broken_connection_are_no_speed() -> None:
    def pieces(n: int) -> list[bytes]:
        return [REFUSED] if n == 1 else [OK] if n < 4 else []

    async with answering(pieces) as port, Load(port, connections=1) as load:
        run = await load.run(Requests(ASKED))

    assert (run.statuses, run.broken, run.failed) == ({200: 3, 409: 1}, 1, 2)
    with pytest.raises(BadAnswerError, match="2 of 4"):
        run.checked()


async def test_a_percentile_is_a_latency_that_was_seen() -> None:
    async with answering(lambda _: [OK]) as port, Load(port, connections=1) as load:
        run = await load.run(Requests(ASKED))

    run.latencies = [n / 100 for n in range(1, 101)]
    assert (run.percentile(0.5), run.percentile(0.99), run.percentile(1)) == (0.5, 0.99, 1.0)
