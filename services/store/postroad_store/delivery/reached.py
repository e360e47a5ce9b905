"""An account that a message has come for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from postroad.mail.address import Address
    from postroad.world.world import Account
    from postroad_store.mail.model import account as model
    from postroad_store.mail.storage import Storage


class Reached(NamedTuple):
    """An account that gets a message, by which forward-paths, and whether one of them is captured."""

    account: Account
    recipients: list[Address]
    captured: bool


def has_script(storage: Storage, reached: Reached, account: model.Account) -> bool:
    """Whether a script decides about the account's mail: an active one of its own, or the world's."""
    return bool(reached.account.sieve) or storage.scripts.has_active(account)
