"""Logins at GreenMail's ports: with `greenmail.auth.disabled` any password will do, and a name makes a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.sasl.login import LOGIN, UNCHECKED_LOGIN
from postroad.sasl.plain import PLAIN, UNCHECKED_PLAIN
from postroad.sasl.server import Sasl
from postroad.sasl.settings import nonce
from postroad.world.world import DEFAULT_WORLD
from postroad_store.accounts import Accounts

if TYPE_CHECKING:
    from postroad.greenmail import Habits
    from postroad.sasl.mechanism import Claim, Realm
    from postroad.world.world import Account


class HabitualAccounts(Accounts):
    """The store's accounts, as its clients at GreenMail's ports log in to them."""

    async def authenticate(self, claim: Claim, address: str) -> Account | None:
        """Return the account that the client asks for, or, where passwords count, as everywhere."""
        habits = self.users.habits
        if habits is None or not habits.auth_disabled:
            return await super().authenticate(claim, address)
        name = claim.identity or claim.login
        account = self.find(name)
        if account is None:
            user = self.users.created(name)
            # The users are the default world's: no login makes one in a domain of another.
            account = user if user is not None and self.world_id(user.login) == DEFAULT_WORLD else None
        return account


def sasl_at_ports(service: str, realm: Realm, habits: Habits, hostname: str) -> Sasl:
    """Return what GreenMail offers: mechanisms that send the password, with or without TLS."""
    mechanisms = (UNCHECKED_PLAIN, UNCHECKED_LOGIN) if habits.auth_disabled else (PLAIN, LOGIN)
    return Sasl(service, realm, mechanisms, hostname=hostname, nonce=nonce, plaintext_auth=True)
