"""PLAIN (RFC 4616 §2): one message, `[authzid] NUL authcid NUL passwd`."""

from __future__ import annotations

from postroad.sasl.mechanism import Claim, Context, Exchange, MalformedError, text_of
from postroad.sasl.offer import Mechanism, secret_is_safe
from postroad.sasl.password import Password


class Plain(Exchange):
    """One exchange. With `unchecked`, any identity and an empty password will do, since nobody looks at them."""

    __slots__ = ("_unchecked",)

    def __init__(self, *, unchecked: bool = False) -> None:
        self._unchecked = unchecked

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the message; the empty challenge asks for it."""
        if response is None:
            return b""
        parts = text_of(response).split("\0")
        # message = [authzid] UTF8NUL authcid UTF8NUL passwd ; authcid and passwd are not empty
        if len(parts) != 3 or not (self._unchecked or (parts[1] and parts[2])):
            raise MalformedError("Response is not as PLAIN wants it")
        identity, login, password = parts
        return Claim("PLAIN", login, Password(password), identity)


def _begin(_context: Context) -> Exchange:
    return Plain()


PLAIN = Mechanism("PLAIN", "RFC 4616", _begin, secret_is_safe)
UNCHECKED_PLAIN = Mechanism("PLAIN", "RFC 4616", lambda _context: Plain(unchecked=True))
