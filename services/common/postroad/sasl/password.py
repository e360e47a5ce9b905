"""A password as a proof: the client sends it, and it is compared with the account's secret."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from postroad.value import value
from postroad.world.credentials import is_quick, verify

if TYPE_CHECKING:
    from postroad.world.world import Account


@value
class Password:
    """A password."""

    password: str = field(repr=False)

    def is_quick(self, account: Account) -> bool:
        """Return False if a hash has to be worked out."""
        return is_quick(account.secret, self.password)

    def proves(self, account: Account) -> bool:
        """Whether the password is the account's; no password is that of an account without a secret."""
        return bool(account.secret) and verify(account.secret, self.password)
