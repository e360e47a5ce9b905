"""One user's mailboxes: their names, hierarchy and subscriptions (RFC 3501 §5.1, §6.3).

Names are Unicode strings with `/` between levels. INBOX is one name in any case.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.model.errors import NameNotAllowed, NameTooLong, NoSuchMailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.observer import Observer

DELIMITER = "/"
INBOX = "INBOX"
OTHERS = "Other Users"  # RFC 2342: names below are other users' mailboxes to whoever has ACL
MAX_NAME = 255  # octets of UTF-8 in a level of the hierarchy
MAX_DEPTH = 20  # levels of the hierarchy
MAX_MAILBOXES = 100_000  # per account
MAX_SUBSCRIPTIONS = 200_000  # per account
MANY = 500  # names, above which it is quicker to sort all of them once than to put each in its place

# RFC 6154 §2. Each new account has these mailboxes, and is subscribed to them and to INBOX.
SPECIAL_USE = {
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}


# Wildcards; control characters, surrogates, line and paragraph separators.
_NEVER = re.compile("[*%\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


class Named(NamedTuple):
    """A mailbox of an account that nobody has used yet: what LIST tells of it, and no more.

    An account may have 50,000 mailboxes, and few of them are ever opened. A `Mailbox` would take 2 KiB each.
    """

    id: int
    name: str
    special_use: str | None
    selectable: bool
    acl: str | None = None  # who else may do what (`model.rights`)


class Account:
    """One user; the same object for all of the user's sessions, and for delivery.

    `read` gives the mailbox of an id, None if it has gone.
    """

    __slots__ = (
        *("__weakref__", "_children", "_entries", "_read"),
        *("id", "login", "names", "observers", "subscriptions"),
    )

    def __init__(
        self,
        number: int,
        login: str,
        mailboxes: Iterable[Mailbox | Named],
        subscriptions: Iterable[str],
        read: Callable[[int], Mailbox | None],
    ) -> None:
        self.id = number
        self.login = login
        self._read = read
        self.observers: set[Observer] = set()  # of all its mailboxes
        self._fill(mailboxes, subscriptions)

    def _fill(self, mailboxes: Iterable[Mailbox | Named], subscriptions: Iterable[str]) -> None:
        self._entries = {mailbox.name: mailbox for mailbox in mailboxes}  # \Noselect ones too
        self.names = sorted(self._entries)
        self._children: dict[str, int] = {}  # how many names are right below this one; every superior exists
        for name in self.names:
            self._count_child(name, 1)
        # A name may be subscribed to that no mailbox has (RFC 3501 §6.3.6).
        self.subscriptions = set(subscriptions)
        for entry in self._entries.values():
            if not isinstance(entry, Named):
                entry.observers = self.observers

    def replace(self, mailboxes: Iterable[Named], subscriptions: Iterable[str]) -> None:
        """Have other mailboxes and subscriptions from now on; commits call it. The old mailboxes must have vanished."""
        names, subscribed = set(self.names), self.subscriptions
        self._fill(mailboxes, subscriptions)
        for name in sorted(names.symmetric_difference(self.names)):
            self.tell_named(name)
        for name in sorted(subscribed ^ self.subscriptions):
            self.tell_subscribed(name)

    @property
    def inbox(self) -> Mailbox:
        """INBOX, which every account has."""
        entry = self._entries.get(INBOX)
        return self.selectable(INBOX) if entry is None or isinstance(entry, Named) else entry

    @property
    def mailboxes(self) -> Mapping[str, Mailbox]:
        r"""All mailboxes by their names, \Noselect ones too."""
        return {name: mailbox for name in self.names if (mailbox := self.find(name)) is not None}

    def listed(self, name: str) -> Mailbox | Named | None:
        """Return what is known of a name, without making its mailbox; the name is canonical."""
        return self._entries.get(name)

    def find(self, name: str) -> Mailbox | None:
        r"""Return the mailbox of this name, also a \Noselect one, or None; INBOX is found in any case."""
        return self.kept(canonical_name(name))

    def kept(self, name: str) -> Mailbox | None:
        """Do the same for a canonical name."""
        mailbox = self.glance(name)
        if mailbox is not None:
            self._entries[name] = mailbox
        return mailbox

    def glance(self, name: str) -> Mailbox | None:
        """Return the mailbox of a canonical name as `find` does, but do not keep it: for a look at very many."""
        entry = self._entries.get(name)
        if not isinstance(entry, Named):
            return entry
        mailbox = self._read(entry.id)
        if mailbox is not None:
            mailbox.observers = self.observers
        return mailbox

    def selectable(self, name: str) -> Mailbox:
        r"""Return the mailbox of this name; raises `NoSuchMailbox`, for a \Noselect name too."""
        mailbox = self.find(name)
        if mailbox is None:
            raise NoSuchMailbox("there is no such mailbox")
        if not mailbox.selectable:
            raise NoSuchMailbox("this is a name in the hierarchy, not a mailbox")
        return mailbox

    def has_inferiors(self, name: str) -> bool:
        r"""Return True if there are names below this one (RFC 3348: \HasChildren)."""
        return name in self._children

    def put(self, mailbox: Mailbox) -> None:
        """Add a mailbox under its name; commits call it."""
        if mailbox.name not in self._entries:
            insort(self.names, mailbox.name)
            self._count_child(mailbox.name, 1)
        self._entries[mailbox.name] = mailbox
        mailbox.observers = self.observers

    def take(self, name: str) -> Mailbox | Named:
        """Remove a name, and return what was known of it; commits call it."""
        del self.names[bisect_left(self.names, name)]
        self._count_child(name, -1)
        return self._entries.pop(name)

    def rename(self, names: Iterable[tuple[str, str]]) -> None:
        """Give mailboxes other names, (old, new) each; commits call it."""
        pairs = list(names)
        entries = [self._entries.pop(old) for old, _ in pairs]
        for (old, new), entry in zip(pairs, entries, strict=True):
            self._count_child(old, -1)
            self._count_child(new, 1)
            if isinstance(entry, Named):
                self._entries[new] = entry._replace(name=new)
            else:
                entry.name = new
                self._entries[new] = entry
        if len(pairs) > MANY:
            gone = {old for old, _ in pairs}
            self.names = [name for name in self.names if name not in gone]
            self.names += [new for _, new in pairs]
            self.names.sort()  # two sorted lists are joined in no time
        else:
            for old, new in pairs:
                del self.names[bisect_left(self.names, old)]
                insort(self.names, new)

    def set_special_use(self, name: str, special_use: str | None) -> None:
        """Change what a mailbox is used for (RFC 6154 §2); commits call it."""
        entry = self._entries[name]
        if isinstance(entry, Named):
            self._entries[name] = entry._replace(special_use=special_use)
        else:
            entry.special_use = special_use

    def set_acl(self, name: str, acl: str | None) -> None:
        """Change who may do what with a mailbox; commits call it."""
        entry = self._entries[name]
        if isinstance(entry, Named):
            self._entries[name] = entry._replace(acl=acl)
        else:
            entry.acl = acl

    def tell_named(self, name: str, old_name: str | None = None) -> None:
        """Tell the observers that a name was made, deleted, or is another now; commits call it."""
        for observer in tuple(self.observers):
            observer.named(name, old_name)

    def tell_subscribed(self, name: str) -> None:
        """Tell the observers that a subscription has begun or ended; commits call it."""
        for observer in tuple(self.observers):
            observer.subscribed(name)

    def _count_child(self, name: str, change: int) -> None:
        superior, slash, _ = name.rpartition(DELIMITER)
        if slash:
            count = self._children.get(superior, 0) + change
            if count:
                self._children[superior] = count
            else:
                del self._children[superior]


def canonical_name(name: str) -> str:
    """Return the name as it is stored: with INBOX in capitals if that is its first level.

    RFC 3501 §5.1: INBOX is "case-insensitive"; so a name below it is below INBOX, whatever its case.
    """
    if name[:5].upper() == INBOX and name[5:6] in {"", DELIMITER}:
        return INBOX + name[5:]
    return name


def is_of_others(name: str) -> bool:
    """Return True if a name is in the namespace of other users, where no account has mailboxes of its own."""
    return name == OTHERS or name.startswith(OTHERS + DELIMITER)


def checked_name(name: str) -> str:
    """Return the canonical name of a mailbox that may be made; raises `NameNotAllowed`, `NameTooLong`.

    RFC 3501 §5.1: no control characters; no wildcards, since LIST could not name it.
    """
    name = canonical_name(name)
    levels = name.split(DELIMITER)
    if not all(levels):
        raise NameNotAllowed("a level of the mailbox name is empty")
    if len(levels) > MAX_DEPTH:
        raise NameTooLong(f"a mailbox name has at most {MAX_DEPTH} levels")
    if any(len(level.encode("utf-8", "surrogatepass")) > MAX_NAME for level in levels):
        raise NameTooLong(f"a level of a mailbox name has at most {MAX_NAME} octets")
    if _NEVER.search(name):
        raise NameNotAllowed("a mailbox name has no control characters and no wildcards")
    return name
