"""LOGIN (draft-murchison-sasl-login): the server asks for the user name, then for the password."""

from __future__ import annotations

from postroad.sasl.mechanism import Claim, Exchange, text_of
from postroad.sasl.offer import Mechanism, secret_is_safe
from postroad.sasl.password import Password


class Login(Exchange):
    """One exchange."""

    __slots__ = ("_login",)

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the user name, which may come as the initial response, then the password."""
        if response is None:
            return b"Username:"
        if self._login is None:
            self._login = text_of(response)
            return b"Password:"
        return Claim("LOGIN", self._login, Password(text_of(response)))


LOGIN = Mechanism("LOGIN", "draft-murchison-sasl-login", lambda _context: Login(), secret_is_safe)
UNCHECKED_LOGIN = Mechanism("LOGIN", "draft-murchison-sasl-login", lambda _context: Login())
