"""PLAIN (RFC 4616 §2): one message, `[authzid] NUL authcid NUL passwd`."""

from __future__ import annotations

from postroad.sasl.mechanism import Credentials, MalformedError, NotAuthorizedError, text_of


class Plain:
    """One exchange. With `unchecked`, any identity and an empty password will do, since nobody looks at them."""

    __slots__ = ("_unchecked",)

    def __init__(self, *, unchecked: bool = False) -> None:
        self._unchecked = unchecked

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the message; the empty challenge asks for it."""
        if response is None:
            return b""
        parts = text_of(response).split("\0")
        # message = [authzid] UTF8NUL authcid UTF8NUL passwd ; authcid and passwd are not empty
        if len(parts) != 3 or not (self._unchecked or (parts[1] and parts[2])):
            raise MalformedError("Response is not as PLAIN wants it")
        identity, login, password = parts
        if not self._unchecked and identity and identity.casefold() != login.casefold():
            raise NotAuthorizedError("Nobody may act for another")
        return Credentials(login, password)
