"""Over a real socket: what is no HTTP, lies about itself, or takes for ever neither breaks nor holds up the server."""

import asyncio
import gzip
import re

import httpx
import pytest

from tests.cast import Hospital
from tests.proofs import ledger
from tests.proofs.input.judge import LEAK
from tests.proofs.input.served import DEADLINE_S, Served
from tests.proofs.ledger import Ledger
from zoapets.cli.protocol import MOST_HEAD, BoundedHttp
from zoapets.cli.serve import server_config

HOST = b"host: zoapets\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
SLOW = 40


def posted(*headers: bytes, body: bytes = b"") -> bytes:
    """A login as it would come, with these headers."""
    head = b"POST /auth/login HTTP/1.1\r\n" + HOST + b"content-type: application/json\r\n"
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


LOGIN = b'{"email":"x@y.test","password":"z"}'
LENGTH = b"content-length: %d" % len(LOGIN)
CHUNKED = b"transfer-encoding: chunked"
RAW: dict[str, bytes] = {
    "nothing": b"",
    "only line ends": b"\r\n\r\n\r\n",
    "random bytes": bytes(range(256)) * 4,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /health/live\r\n",
    "HTTP/9.9": b"GET /health/live HTTP/9.9\r\n" + HOST + b"\r\n",
    "an unknown method": b"BREW /pets HTTP/1.1\r\n" + HOST + b"\r\n",
    "a known one, rarely used": b"PROPFIND /pets HTTP/1.1\r\n" + HOST + b"\r\n",
    "a small one": b"get /pets HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT example.test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "TRACE": b"TRACE /pets HTTP/1.1\r\n" + HOST + b"\r\n",
    "pipelined rubbish": LIVE + b"\r\n" + b"\x00\xff rubbish\r\n\r\n",
    "pipelined, the second cut off": LIVE + b"\r\n" + b"GET /hea",
    "a hundred pipelined": (LIVE + b"\r\n") * 100,
    "an upgrade": LIVE + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "an upgrade to h2c": LIVE + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": LIVE + b"host: other\r\n\r\n",
    "a header without a colon": LIVE + b"rubbish\r\n\r\n",
    "a space in a header's name": LIVE + b"x y: 1\r\n\r\n",
    "a folded header": LIVE + b"x-a: 1\r\n  folded\r\n\r\n",
    "a NUL in a header": LIVE + b"x-request-id: a\x00b\r\n\r\n",
    "a lone carriage return": LIVE + b"x-request-id: a\rset-cookie: b=c\r\n\r\n",
    "line feeds alone": b"GET /health/live HTTP/1.1\nhost: zoapets\n\n",
    "100 KB in a header": LIVE + b"x-a: " + b"a" * 100_000 + b"\r\n\r\n",
    "2,000 headers": LIVE + b"".join(b"x-%d: 1\r\n" % n for n in range(2000)) + b"\r\n",
    "10,000 headers": LIVE + b"".join(b"x-%d: 1\r\n" % n for n in range(10_000)) + b"\r\n",
    "a header that never ends": LIVE + b"x-a: " + b"a" * 2**22,
    "an address that never ends": b"GET /" + b"a" * 2**22,
    "an address of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "10,000 parameters": b"GET /problemas?" + b"&".join(b"a%d=" % n for n in range(9000)) + b" HTTP/1.1\r\n\r\n",
    "two slashes": b"GET //health//live HTTP/1.1\r\n" + HOST + b"\r\n",
    "dots": b"GET /health/../health/%2e%2e/%2e/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the address": b"GET /problemas/%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a raw NUL in the address": b"GET /problemas/\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw bytes in the address": b"GET /problemas/\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    "no UTF-8 in the address": b"GET /problemas/%ff HTTP/1.1\r\n" + HOST + b"\r\n",
    "another's address": b"GET http://example.test/health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address without a path": b"GET ?a=b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /health/live#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "a length too long": posted(b"content-length: 500", body=LOGIN),
    "a length too short": posted(b"content-length: 5", body=LOGIN),
    "a length that is none": posted(b"content-length: x", body=LOGIN),
    "a negative length": posted(b"content-length: -1", body=LOGIN),
    "a length with a plus": posted(b"content-length: +5", body=LOGIN),
    "a length beyond 64 bits": posted(b"content-length: 99999999999999999999", body=LOGIN),
    "a length beyond the limit": posted(b"content-length: 1048577", body=LOGIN),
    "two lengths": posted(LENGTH, b"content-length: 3", body=LOGIN),
    "a length and chunks": posted(LENGTH, CHUNKED, body=b"0\r\n\r\n" + LOGIN),
    "chunks, then a length": posted(CHUNKED, LENGTH, body=b"0\r\n\r\n" + LOGIN),
    "chunks of rubbish": posted(CHUNKED, body=b"zz\r\nrubbish\r\n0\r\n\r\n"),
    "a chunk beyond 64 bits": posted(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n"),
    "a negative chunk": posted(CHUNKED, body=b"-1\r\na\r\n0\r\n\r\n"),
    "a chunk too short": posted(CHUNKED, body=b"20\r\na\r\n0\r\n\r\n"),
    "chunks that do not end": posted(CHUNKED, body=b"1\r\n{\r\n"),
    "chunks beyond the limit": posted(CHUNKED, body=b"100000\r\n" + b" " * 2**20 + b"\r\n1\r\n \r\n0\r\n\r\n"),
    "an unknown coding": posted(b"transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked twice": posted(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "a body of nothing": posted(b"content-length: 0"),
    "a body without a length": posted(body=LOGIN),
    "a body with GET": LIVE + LENGTH + b"\r\n\r\n" + LOGIN,
    "a bomb": posted(
        b"content-encoding: gzip", b"content-length: 20384", body=gzip.compress(b" " * 20 * 2**20)[:20384]
    ),
    "two content types": posted(b"content-type: text/plain", LENGTH, body=LOGIN),
    "expecting to go on": posted(b"expect: 100-continue", b"content-length: 1048577"),
    "expecting something else": posted(b"expect: a-miracle", LENGTH, body=LOGIN),
}


def wire_faults(said: bytes) -> list[str]:
    """What is wrong with all that came back on a connection; closing it without a word is an answer too."""
    broken = [status.decode() for status in STATUS.findall(said) if status >= b"500"]
    leaks = [found[0] for found in LEAK.finditer(said.decode("latin-1")) if found[0] != "Invalid "]
    injected = ["a header of the client's came back"] if b"\r\nset-cookie" in said.lower() else []
    return broken + leaks + injected


async def test_what_is_no_http_or_lies_about_itself_neither_breaks_nor_stops_the_server(
    served: Served, proof: Ledger
) -> None:
    findings = []
    for name, sent in RAW.items():
        # The first half and the rest: no boundary of a piece is one of a message.
        for pieces in ((sent,), (sent[: len(sent) // 2], sent[len(sent) // 2 :])):
            said = await served.spoken(*pieces)
            findings += [f"{name}: {fault}" for fault in wire_faults(said)]
        assert await served.lives(), name

    assert not findings, "\n".join(findings)
    assert b"Traceback" not in served.log.read_bytes()
    proof.shown("no bytes on a connection break the server or make it leak", connections=2 * len(RAW))


@pytest.mark.parametrize("sent", ["a header that never ends", "an address that never ends", "10,000 headers"])
async def test_what_comes_before_a_body_is_bounded(served: Served, sent: str) -> None:
    # We do not end: it must not wait for that.
    said = await served.spoken(RAW[sent], closing=False)

    # Sometimes the connection is gone before we have read why.
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
    assert len(RAW[sent]) > MOST_HEAD


async def test_clients_that_take_for_ever_hold_nobody_up(served: Served, target: Hospital, proof: Ledger) -> None:
    """Of every slow client half a request is there, and there is a connection to the database for three of them."""
    admin = await target.signed_in()
    bearer = f"authorization: Bearer {admin.token}\r\nidempotency-key: "
    body = b'{"nome": "Lenta", "telefone": "+5511987654321"}'
    slow = []
    for number in range(SLOW):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = f"POST /tutores HTTP/1.1\r\nhost: z\r\ncontent-type: application/json\r\n{bearer}k{number}\r\n"
        sent = head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
        # Some stop within the headers, some within the body.
        writer.write(sent[: (50 if number % 2 else len(sent) - 20)])
        await writer.drain()
        slow.append((reader, writer, sent[(50 if number % 2 else len(sent) - 20) :]))

    async with httpx.AsyncClient(
        base_url=served.url, headers={"authorization": f"Bearer {admin.token}"}, timeout=DEADLINE_S
    ) as http:
        answers = [await http.get("/tutores") for _ in range(SLOW)]
    assert {answer.status_code for answer in answers} == {200}
    if ledger.is_full():
        assert max(answer.elapsed.total_seconds() for answer in answers) < 2

    # And they are answered in the end, having sent a byte at a time.
    for _, writer, rest in slow:
        for byte in rest:
            writer.write(bytes([byte]))
            await writer.drain()
    for reader, writer, _ in slow:
        async with asyncio.timeout(DEADLINE_S):
            assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()
    proof.shown("slow clients hold nobody up, and are answered", slow=SLOW, meanwhile=len(answers))


def test_serve_bounds_what_comes_before_a_body(target: Hospital) -> None:
    assert server_config(None, target.stage.settings).http is BoundedHttp
