"""Users beside the world's, as GreenMail has them: a login, an address, a password. Pure; `ledger` keeps them.

Some are GREENMAIL_OPTS's (`Habits`), others were made over HTTP. With GreenMail's habits every further address that
mail is delivered to, or that somebody logs in with, is a user too, whose password is the address. An account of the
world is never one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.greenmail import User, with_domain
from postroad.mail.address import Address, AddressError, parse_address
from postroad.world.world import SUBADDRESS_SEPARATOR, Account

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad.greenmail import Habits


class TakenError(Exception):
    """A user can't be made, because another one has the login or the address; the text is a sentence."""


class Users:
    """The users. `habits` are GreenMail's if its ports are open, and else None."""

    def __init__(self, habits: Habits | None, created: Iterable[User] = (), removed: Iterable[str] = ()) -> None:
        self.habits = habits
        self._begin(created, removed)

    def _begin(self, created: Iterable[User] = (), removed: Iterable[str] = ()) -> None:
        habits = self.habits
        self._removed = set(removed)  # addresses of GREENMAIL_OPTS's users that have been removed since
        self._by_address: dict[str, User] = {}
        self._by_login: dict[str, User] = {}
        for user in (*(habits.users if habits is not None else ()), *created):
            if _key(user.address) not in self._removed:
                self._add(user)

    @property
    def creates(self) -> bool:
        """Whether deliveries and logins make users."""
        return self.habits is not None

    def __bool__(self) -> bool:
        return self.creates or bool(self._by_address)

    def all(self) -> list[User]:
        """Return the users that have been named or made, in the order of their addresses."""
        return [user for _, user in sorted(self._by_address.items())]

    def find(self, name: str) -> User | None:
        """Return the user with this login, or else with this address; the case of letters does not count."""
        name = name.strip()
        return self._by_login.get(name.lower()) or self._by_address.get(_key(name))

    def account(self, name: str) -> Account | None:
        """Return the account of the user with this login or address; None if there is none, or can't be."""
        user = self.find(name)
        address = None if user is None else _address(user.address)
        return None if user is None or address is None else Account(address, user.password)

    def created(self, name: str) -> Account | None:
        """Return the account of the user that a login or a delivery makes; its password is the name as it came."""
        address = _address(with_domain(name))
        return None if not self.creates or address is None else Account(address, name)

    def receiver(self, address: Address) -> Account | None:
        """Return the account that gets the mail for an address, which may be made by it; None if there is none."""
        return self.named(address) or self.created(str(self.without_detail(address)))

    def named(self, address: Address) -> Account | None:
        """Return the account of the user who has been named or made with an address."""
        return self.account(str(address)) or self.account(str(self.without_detail(address)))

    def owns(self, login: str) -> bool:
        """Whether an account is a user's, or could be."""
        return self.creates or self.account(login) is not None

    def without_detail(self, address: Address) -> Address:
        """Return the address without its detail (RFC 5233 §1), if that is to be ignored."""
        if self.habits is None or not self.habits.ignore_detail:
            return address
        local_part = address.local_part.partition(SUBADDRESS_SEPARATOR)[0]
        return Address(local_part, address.domain) if local_part else address

    def make(self, user: User) -> None:
        """Add a user; raises `TakenError`."""
        if _address(user.address) is None:
            raise TakenError(f"{user.email} is not an address")
        if self.find(user.login) is not None or self.find(user.address) is not None:
            raise TakenError(f"there is a user {user.login} or {user.email} already")
        self._add(user)
        self._removed.discard(_key(user.address))

    def remove(self, user: User) -> None:
        """Remove a user."""
        self._by_address.pop(_key(user.address), None)
        if self._by_login.get(user.login.lower()) == user:
            del self._by_login[user.login.lower()]
        if self.habits is not None and user in self.habits.users:
            self._removed.add(_key(user.address))

    def reset(self) -> None:
        """Go back to GREENMAIL_OPTS's users."""
        self._begin()

    def kept(self) -> Mapping[str, object]:
        """Return what a ledger has to keep of them, as JSON."""
        given = self.habits.users if self.habits is not None else ()
        created = [user for user in self.all() if user not in given]
        return {
            "made": [{"login": user.login, "email": user.email, "password": user.password} for user in created],
            "removed": sorted(self._removed),
        }

    def _add(self, user: User) -> None:
        self._by_address.setdefault(_key(user.address), user)
        self._by_login.setdefault(user.login.lower(), user)


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressError:
        return None


def _key(text: str) -> str:
    """Return an address in the form that all its spellings share, or any other text in lower case."""
    address = _address(with_domain(text))
    return text.lower() if address is None else "@".join(address.key)
