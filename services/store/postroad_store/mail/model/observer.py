"""Those who want to hear of changes in mailboxes of an account, whether they look at them or not (RFC 5465)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


class Observer(Protocol):
    """One of them; called after the commit of the change, on the event loop's thread, and must be quick."""

    def changed(self, mailbox: Mailbox, *, arrived: bool = False, expunged: bool = False) -> None:
        """Note that messages of a mailbox have come or gone, or else that their flags have changed."""
        ...

    def named(self, name: str, old_name: str | None = None) -> None:
        """Note that a name was made, deleted, or is another now."""
        ...

    def subscribed(self, name: str) -> None:
        """Note that a subscription has begun or ended."""
        ...


class Follower(Protocol):
    """One of those who want to hear what accounts share with each other; called as an `Observer` is."""

    def shared(self, owner: Account, name: str, before: str | None, after: str | None) -> None:
        """Note that a mailbox has another access control list now (`model.rights`)."""
        ...
