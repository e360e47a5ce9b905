"""LOGIN (draft-murchison-sasl-login): the server asks for the user name, then for the password."""

from __future__ import annotations

from postroad.sasl.mechanism import Credentials, text_of


class Login:
    """One exchange."""

    __slots__ = ("_login",)

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the user name, which may come as the initial response, then the password."""
        if response is None:
            return b"Username:"
        if self._login is None:
            self._login = text_of(response)
            return b"Password:"
        return Credentials(self._login, text_of(response))
