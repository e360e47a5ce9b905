"""Who may use the service, if POSTROAD_WEB_AUTH says so: Basic authentication (RFC 7617).

The users of the setting may do everything. The app user of a world, by the world's own password, may do what concerns
that world.

Passwords are compared in constant time, and guesses are slowed down over all connections (`postroad.world.guesses`).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from postroad.mail.address import Address
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.world.guesses import Guesses, TooManyGuesses
from postroad.world.world import Account
from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.clock import Clock

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Login", charset="UTF-8"'}
_LONGEST = 1024  # octets of the credentials


class Passwords:
    """The users of the web service: pairs of name and password. Without any, everybody may use it."""

    def __init__(self, users: Iterable[tuple[str, str]], clock: Clock) -> None:
        self._users = {name: Account(Address(name, "web"), password) for name, password in users}
        self._guesses = Guesses(clock)

    def __bool__(self) -> bool:
        return bool(self._users)

    def __contains__(self, user: str) -> bool:
        return user in self._users

    async def refusal(
        self, authorization: str | None, address: str, world: str, password_of: Callable[[str], str | None]
    ) -> Problem | None:
        """Return why a request about a world, with this Authorization field, from this address, is refused.

        `password_of` gives the password of a world's app user, None if it has none. None: the request is right.
        """
        if not self._users:
            return None
        user, password = _credentials(authorization)
        if user is None:
            return _unauthorized()

        def find(name: str) -> Account | None:
            known = self._users.get(name)
            if known is not None or name != world or (own := password_of(world)) is None:
                return known
            return Account(Address(name, "web"), own)

        try:
            account = await self._guesses.log_in(find, Claim("BASIC", user, Password(password)), address)
        except TooManyGuesses:
            return Problem(
                429, "Too many wrong passwords", "Try again later.", headers={"Retry-After": "30", **_CHALLENGE}
            )
        return _unauthorized() if account is None else None


def user_of(authorization: str | None) -> str | None:
    """Return the user name that an Authorization field gives."""
    return _credentials(authorization)[0]


def _unauthorized() -> Problem:
    return Problem(401, "A user name and password are needed", headers=_CHALLENGE)


def _credentials(authorization: str | None) -> tuple[str | None, str]:
    """Return user name and password; the name is None if there are none."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic" or len(value) > _LONGEST:
        return None, ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None, ""
    # RFC 7617 §2: the first colon ends the user-id.
    user, colon, password = text.partition(":")
    return (user, password) if colon else (None, "")
