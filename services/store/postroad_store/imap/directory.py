"""The mailboxes that a session may see: its account's own, and those that others share (RFC 4314, RFC 2342).

Mailboxes of others are named `Other Users/<login>/<name>`. Where ACL is hidden there are none, and to its own mailboxes
an account has every right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.account import DELIMITER, OTHERS, Named, canonical_name, is_of_others
from postroad_store.mail.model.errors import NameNotAllowed, NotPermitted
from postroad_store.mail.model.rights import ALL, rights_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage

PREFIX = OTHERS + DELIMITER


class Directory:
    """Mailboxes as one account names them. With `shares`, those of others are among them."""

    __slots__ = ("_account", "_shares", "_storage")

    def __init__(self, storage: Storage, account: Account, *, shares: bool) -> None:
        self._storage = storage
        self._account = account
        self._shares = shares

    def is_foreign(self, name: str) -> bool:
        """Return True if a name is in the namespace of other users."""
        return self._shares and is_of_others(name)

    def locate(self, name: str) -> tuple[Account | None, str]:
        """Return whose mailbox a name means, and how they name it; None if there is no such account."""
        if not self.is_foreign(name):
            return self._account, canonical_name(name)
        login, _, rest = name.removeprefix(PREFIX).partition(DELIMITER)
        owner = self._storage.sharing.owner(login, self._account) if rest else None
        return owner, canonical_name(rest)

    def find(self, name: str) -> Mailbox | None:
        r"""Return the mailbox of a name, a \Noselect one too, whether or not the account may use it."""
        owner, rest = self.locate(name)
        return None if owner is None else owner.kept(rest)

    def glance(self, name: str) -> Mailbox | None:
        """Do the same, but do not keep the mailbox in memory."""
        owner, rest = self.locate(name)
        return None if owner is None else owner.glance(rest)

    def listed(self, name: str) -> Mailbox | Named | None:
        """Return what LIST tells of a name; special uses are the owner's alone (RFC 6154 §2)."""
        owner, rest = self.locate(name)
        entry = None if owner is None else owner.listed(rest)
        if entry is None:
            return None
        if owner is self._account:
            return entry if entry.acl is None else self.seen(entry)
        rights = rights_of(entry.acl, self._account.login, owns=False)
        if "l" not in rights:  # RFC 4314 §4: as if it did not exist
            return None
        return Named(entry.id, name, None, entry.selectable and "r" in rights, entry.acl)

    def seen(self, entry: Mailbox | Named) -> Mailbox | Named:
        r"""Return what LIST tells of an own mailbox: it is \Noselect to an owner without the right to read it.

        RFC 5819 §2: such a one is not to be told as selectable, and has no STATUS.
        """
        if not entry.selectable or "r" in self.rights(entry, foreign=False):
            return entry
        return Named(entry.id, entry.name, entry.special_use, False, entry.acl)

    def readable(self, name: str) -> bool:
        r"""Return False if the account may list a name, \Noselect or not, and lacks the right to read it."""
        entry = self.listed(name)
        return entry is None or "r" in self.rights(entry, foreign=self.is_foreign(name))

    def is_mailbox(self, name: str) -> bool:
        """Return True if there is a mailbox of a name, and not only names below it."""
        owner, rest = self.locate(name)
        entry = None if owner is None else owner.listed(rest)
        return entry is not None and entry.selectable

    def has_inferiors(self, name: str) -> bool:
        """Return True if there are names below this one that the account may list (RFC 5258 §4)."""
        if not self.is_foreign(name):
            return self._account.has_inferiors(name)
        return any(other.startswith(name + DELIMITER) for other in self.shared())

    def shared(self) -> Iterator[str]:
        """Yield the names of others' mailboxes that the account may list, as it names them."""
        if not self._shares:
            return
        login = self._account.login
        for owner in self._storage.sharing.others(self._account):
            for name in owner.names:
                entry = owner.listed(name)
                if entry is not None and entry.acl is not None and "l" in rights_of(entry.acl, login, owns=False):
                    yield f"{PREFIX}{owner.login}{DELIMITER}{name}"

    def rights(self, mailbox: Mailbox | Named, *, foreign: bool | None = None) -> frozenset[str]:
        """Return what the account may do with a mailbox."""
        if not self._shares:
            return ALL
        if foreign is None:
            foreign = not isinstance(mailbox, Named) and mailbox.account != self._account.id
        return rights_of(mailbox.acl, self._account.login, owns=not foreign)

    def usable(self, name: str, needs: str = "r") -> Mailbox | None:
        """Return the mailbox of a name with which the account may do what it `needs`; None if there is none.

        Raises `NotPermitted`. RFC 4314 §6: who may not even list a mailbox does not learn that there is one.
        """
        mailbox = self.find(name)
        if mailbox is None:
            return None
        rights = self.rights(mailbox)
        if rights.issuperset(needs):
            return mailbox
        if "l" not in rights:
            return None
        raise NotPermitted("permission denied")

    def name_of(self, mailbox: Mailbox) -> str:
        """Return how the account names a mailbox."""
        if mailbox.account == self._account.id:
            return mailbox.name
        return f"{PREFIX}{self._storage.sharing.login_of(mailbox)}{DELIMITER}{mailbox.name}"

    def owner_of(self, mailbox: Mailbox) -> str:
        """Return the login of a mailbox's owner."""
        return self._account.login if mailbox.account == self._account.id else self._storage.sharing.login_of(mailbox)

    def place_for(self, name: str) -> tuple[Account, str]:
        """Return the account in which a new name may be made, and the name there; raises `NameNotAllowed`.

        RFC 4314 §4: CREATE needs the right "k" on the nearest parent that exists; so does the new parent of RENAME.
        """
        owner, rest = self.locate(name)
        if owner is None:
            raise NameNotAllowed("other users make their own mailboxes")
        parent = rest.rstrip(DELIMITER).rpartition(DELIMITER)[0]
        while parent:
            mailbox = owner.listed(parent)
            if mailbox is not None:
                foreign = owner is not self._account
                if "k" not in self.rights(mailbox, foreign=foreign):
                    raise NotPermitted("permission denied")
                return owner, rest
            parent = parent.rpartition(DELIMITER)[0]
        if owner is not self._account:
            raise NotPermitted("permission denied")
        return owner, rest
