"""HTTP/1.1 as uvicorn speaks it, with a bound on what comes before a body."""

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of the line with the address and all headers together. The parser has no bound of its own, and would keep a header
# that never ends.
MOST_HEAD = 65_536
REFUSED = "The headers are too large."


class BoundedHttp(HttpToolsProtocol):
    """Refuses a request whose address and headers are larger than `MOST_HEAD`, also before they have ended."""

    _in_head = False
    _received = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # What came after a body in the same piece counts for the next request: never more than one piece too much.
        self._received = self._received + len(data) if self._in_head else 0
        if self._received > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response(REFUSED)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD:
            raise HttpParserError(REFUSED)
        super().on_headers_complete()
