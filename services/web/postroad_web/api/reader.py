"""llhttp as this server uses it: offers of other protocols are ignored, and unknown methods are told from rubbish.

llhttp takes what follows an offer (`Upgrade: h2c`, which Java's client sends with its first request) for the other
protocol, the request's body too. So the head of such a request is read once more, without the field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from httptools import HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

if TYPE_CHECKING:
    from collections.abc import Iterable

# RFC 9112 §3: request-line = method SP request-target SP HTTP-version; RFC 9110 §9.1: method = token. A line may have
# come in part.
_REQUEST_LINE = re.compile(
    rb"(?:\r\n)?[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: [!-~]*(?: (?:H[!-~]*\r?(?:\n.*)?)?)?)?", re.DOTALL
)

# RFC 9110 §15.6.2: for a method that is not known.
UNKNOWN_METHOD = (
    b"HTTP/1.1 501 Not Implemented\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 30\r\n"
    b"connection: close\r\n\r\nThis method is not known here."
)


class BadRequest(Exception):  # noqa: N818 - llhttp's caller makes it an error
    """A request is none that llhttp should have let through."""


class Reader:
    """Reads the requests of a connection for its `protocol`, as httptools.HttpRequestParser does.

    `unknown` is set when it fails at a method that it does not know.
    """

    def __init__(self, protocol: object) -> None:
        self.unknown = False
        self._protocol = protocol
        self._again: bytes | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = parser = HttpRequestParser(self._protocol)
        # What comes after the last request of a connection is nobody's, and no error.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.get_http_version, self.get_method = parser.get_http_version, parser.get_method
        self.should_upgrade, self.should_keep_alive = parser.should_upgrade, parser.should_keep_alive

    @property
    def ignores(self) -> bool:
        """Whether the head that was read last is about to be read again."""
        return self._again is not None

    def check(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Raise `BadRequest` for a head, of which all has been read, that is none."""
        version = self.get_http_version()
        hosts = codings = 0
        for name, value in fields:
            hosts += name == b"host"
            # RFC 9112 §6.1: a coding that is not known can't be undone, and HTTP/1.0 has none.
            codings += name == b"transfer-encoding" and (version != "1.1" or value.lower() != b"chunked")
        # RFC 9112 §3.2: 400 for a request of HTTP/1.1 without Host, and for any with two.
        if version not in {"1.0", "1.1"} or hosts > 1 or codings or (version == "1.1" and not hosts):
            raise BadRequest

    def ignore_offer(self, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Read the head that is whole now once more, without its offer of another protocol (RFC 9110 §7.8)."""
        lines = [name + b": " + value + b"\r\n" for name, value in fields if name != b"upgrade"]
        version = self.get_http_version().encode()
        self._again = b"".join((self.get_method(), b" ", target, b" HTTP/", version, b"\r\n", *lines, b"\r\n"))

    def feed_data(self, data: bytes) -> None:
        """Read octets; raises what httptools does."""
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                head, self._again = self._again, None
                if head is None:
                    raise
                data = head + data[upgrade.args[0] :]
                self._begin()  # this one may believe that the connection ends
            except HttpParserInvalidMethodError:
                self.unknown = _REQUEST_LINE.fullmatch(data) is not None
                raise
            else:
                return
