"""NOTIFY under way: what waits to be told to one client, of mailboxes that it has not selected (RFC 5465).

Changes of a mailbox wait as a set of events, names as a set of names: however long the client does not read, nothing
comes twice. If there are too many, the client is told so, and then nothing more (RFC 5465 §5.8).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from postroad_store.imap import newcomers
from postroad_store.imap.commands.fetch import ItemList
from postroad_store.imap.commands.list.response import list_response
from postroad_store.imap.commands.status.items import ITEMS, unasked_response
from postroad_store.imap.directory import PREFIX
from postroad_store.imap.interests import MESSAGE_EVENTS, MESSAGES, NOTHING, Event
from postroad_store.mail.model.account import DELIMITER
from postroad_store.mail.model.observer import Follower, Observer
from postroad_store.mail.model.rights import rights_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.imap.commands.status.items import Item
    from postroad_store.imap.interests import Interests
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View

MAX_WAITING = 1000  # mailboxes and names that wait for one client
OVERFLOW = b"* OK [NOTIFICATIONOVERFLOW] Too many changes, you will be told of no more.\r\n"


class _Elsewhere(Observer):
    """Another account, some of whose mailboxes are shared with the client's, and followed (RFC 4314)."""

    def __init__(self, notify: Notify, login: str) -> None:
        self._notify = notify
        self._prefix = f"{PREFIX}{login}{DELIMITER}"

    def changed(self, mailbox: Mailbox, *, arrived: bool = False, expunged: bool = False) -> None:
        """Hand it on by the client's name for the mailbox."""
        self._notify.changed_as(self._prefix + mailbox.name, mailbox, arrived=arrived, expunged=expunged)

    def named(self, name: str, old_name: str | None = None) -> None:
        """Hand it on by the client's names."""
        self._notify.named_elsewhere(self._prefix + name, None if old_name is None else self._prefix + old_name)

    def subscribed(self, name: str) -> None:
        """Pass it over: what others subscribe to is theirs."""


class Notify(Observer, Follower):
    """What one client has asked for, and what it is to be told."""

    def __init__(self, session: Session, interests: Interests) -> None:
        self._session = session
        self._account = session.current_account()
        self._changed: dict[Mailbox, Event] = {}
        self._names: dict[str, str | None] = {}  # to be listed, each with its old name
        self._new: list[UID] = []  # of the selected mailbox, whose items are to be told
        self._own: set[UID] = set()  # that the client has put there itself, and has not been told of by EXISTS
        self._overflown = False
        self._shared: set[str] = set()  # names of others' mailboxes that the client may list
        self._lost: set[str] = set()  # that it may list no more, and has followed
        self._elsewhere: dict[Account, Observer] = {}
        self._follow(interests)

    def _follow(self, interests: Interests) -> None:
        self.end()
        self.interests = interests
        if not interests.groups:
            return
        self._account.observers.add(self)
        self._session.storage.sharing.followers.add(self)
        directory = self._session.directory
        self._shared = set(directory.shared())
        for owner in {directory.locate(name)[0] for name in self._shared}:
            if owner is not None:
                self._observe(owner)

    def _observe(self, owner: Account) -> None:
        if owner not in self._elsewhere:
            self._elsewhere[owner] = observer = _Elsewhere(self, owner.login)
            owner.observers.add(observer)

    def end(self) -> None:
        """Follow nothing any more."""
        self._account.observers.discard(self)
        self._session.storage.sharing.followers.discard(self)
        for owner, observer in self._elsewhere.items():
            owner.observers.discard(observer)
        self._elsewhere.clear()
        self._shared.clear()
        self._lost.clear()

    @property
    def out_of_reach(self) -> list[str]:
        """The names whose messages the client follows, and that it may list but not read (RFC 5465 §5, §3.1)."""
        account, directory = self._account, self._session.directory
        own = [name for name in account.names if (entry := account.listed(name)) and entry.acl]
        followed = [name for name in (*own, *sorted(self._shared)) if self.of(name) & MESSAGE_EVENTS]
        return [name for name in followed if not directory.readable(name)]

    def of(self, name: str) -> Event:
        """Return the events that the client is told of in a mailbox that is not selected."""
        own = not self._session.directory.is_foreign(name)
        return self.interests.of(name, self._account.subscriptions, own=own)

    # -- the selected mailbox -----------------------------------------------------------------------------------

    @property
    def messages(self) -> bool:
        """Whether new and expunged messages are told of."""
        return bool(self.interests.selected & MESSAGES)

    @property
    def flags(self) -> bool:
        """Whether changed flags are told of."""
        return bool(self.interests.selected & Event.FLAG_CHANGE)

    def entered(self) -> None:
        """Forget what was to be told of another mailbox: one has been selected."""
        self._new.clear()
        self._own.clear()

    def arrived(self, uids: Sequence[UID]) -> None:
        """Note messages that the client has just been told of by EXISTS (RFC 5465 §5.2)."""
        if self.interests.items is not None:
            self._new += [uid for uid in uids if uid not in self._own]
            self._own.difference_update(uids)
            self._session.watch.wake()

    def forget(self, mailbox: Mailbox, uids: Iterable[UID]) -> None:
        """Leave out messages that the client itself has put there (RFC 5465 §5.2)."""
        view = self._session.view
        if view is not None and view.mailbox is mailbox and self.interests.items is not None:
            own = set(uids)
            self._new = [uid for uid in self._new if uid not in own]
            self._own.update(uid for uid in own if view.number(uid) is None)

    def joined(self, items: ItemList, uids: Iterable[int]) -> ItemList:
        """Return these items, with those to be told of these messages: one response is enough (RFC 5465 §5.2)."""
        wanted, at_once = self.interests.items, set(uids)
        if wanted is None or at_once.isdisjoint(self._new):
            return items
        self._new = [uid for uid in self._new if uid not in at_once]
        return ItemList(tuple(dict.fromkeys((*wanted.items, *items.items))))

    # -- other mailboxes: `Observer` --------------------------------------------------------------------------

    def changed(self, mailbox: Mailbox, *, arrived: bool = False, expunged: bool = False) -> None:
        """Note that messages of a mailbox have come or gone, or else that their flags have changed."""
        self.changed_as(mailbox.name, mailbox, arrived=arrived, expunged=expunged)

    def changed_as(self, name: str, mailbox: Mailbox, *, arrived: bool, expunged: bool) -> None:
        """Do so, by the name that the client has for the mailbox; RFC 5465 §5: it needs the rights l and r on it."""
        view = self._session.view
        if view is not None and view.mailbox is mailbox:
            return
        event = Event.MESSAGE_NEW if arrived else Event.MESSAGE_EXPUNGE if expunged else Event.FLAG_CHANGE
        event &= self.of(name)
        if event and self._session.directory.rights(mailbox).issuperset("lr"):
            self._changed[mailbox] = self._changed.get(mailbox, Event.NONE) | event
            self._wait()

    def named(self, name: str, old_name: str | None = None) -> None:
        """Note that a name was made, deleted, or is another now (RFC 5465 §5.4)."""
        events = self.of(name)
        if old_name is not None:
            events |= self.of(old_name)
        if events & Event.MAILBOX_NAME:
            self._names[name] = old_name
        superior, slash, _ = name.rpartition(DELIMITER)
        if slash and old_name is None and self.of(superior) & Event.MAILBOX_NAME:
            self._names.setdefault(superior)  # "its direct parent": it may have inferiors now, or none any more
        mailbox = self._session.directory.find(name) if events & Event.FLAG_CHANGE and old_name is None else None
        if mailbox is not None:  # RFC 5465 §5.1: its UIDVALIDITY is another one
            self._changed[mailbox] = self._changed.get(mailbox, Event.NONE) | Event.FLAG_CHANGE
        self._wait()

    def named_elsewhere(self, name: str, old_name: str | None) -> None:
        """Do so of another account's name, if the client may know it, or has known it (RFC 4314 §4)."""
        had = (name if old_name is None else old_name) in self._shared
        self._learn(name)
        if old_name is not None:
            self._learn(old_name)
            for below in [each for each in self._shared if each.startswith(old_name + DELIMITER)]:
                moved = name + below.removeprefix(old_name)
                self._shared.discard(below)
                self._shared.add(moved)
                if not had:  # RFC 5465 §5.4: nothing is told of names below, as the client can tell; this one cannot
                    self.named(moved, below)
        if had or name in self._shared:
            self.named(name, old_name if had else None)

    def _learn(self, name: str) -> None:
        """Look whether the client may list a name of another account."""
        if self._session.directory.listed(name) is None:
            self._shared.discard(name)
        else:
            self._shared.add(name)
            self._lost.discard(name)

    def shared(self, owner: Account, name: str, before: str | None, after: str | None) -> None:
        r"""Note that the client may list another account's mailbox from now on, or no more: it comes or goes.

        RFC 5465 §5.4, §5.9: one that is lost, and was followed, has \NoAccess; where it comes back, it has not.
        """
        login = self._account.login
        had, has = ("l" in rights_of(acl, login, owns=False) for acl in (before, after))
        if had == has or owner is self._account:
            return
        known = f"{PREFIX}{owner.login}{DELIMITER}{name}"
        if self._session.directory.locate(known)[0] is not owner:  # accounts of other worlds share nothing with it
            return
        if known in self._lost:
            self._names.setdefault(known)
        self._learn(known)
        if has:
            self._observe(owner)
        elif self.of(known):
            self._lost.add(known)
            self._names.setdefault(known)
        self.named(known)

    def subscribed(self, name: str) -> None:
        """Note that a subscription has begun or ended (RFC 5465 §5.5)."""
        # What is no longer subscribed to has been covered by SUBSCRIBED until now.
        if self.interests.of(name, {name}) & Event.SUBSCRIPTION_CHANGE:
            self._names.setdefault(name)
            self._wait()

    def _wait(self) -> None:
        if len(self._changed) + len(self._names) > MAX_WAITING:
            self._changed.clear()
            self._names.clear()
            self._new.clear()
            self._overflown = True
            self._follow(NOTHING)
        self._session.watch.wake()

    def metadata(self, mailbox: Mailbox | None) -> Event:
        """Return whether the client wants to hear of a mailbox's annotations, or the server's (RFC 5465 §5.6, §5.7)."""
        if mailbox is None:
            return self.interests.all & Event.SERVER_METADATA_CHANGE
        return self.of(self._session.directory.name_of(mailbox)) & Event.MAILBOX_METADATA_CHANGE

    # -- telling ------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._changed or self._names or self._new or self._overflown)

    def take(self) -> bytes:
        """Return what is to be told, apart from the selected mailbox's own news, and forget it."""
        session = self._session
        lines = [OVERFLOW] if self._overflown else []
        self._overflown = False
        for name, old_name in self._names.items():
            lost = name in self._lost
            lines.append(list_response(session, name, old_name=old_name, mailboxes_only=True, no_access=lost))
        for mailbox, events in self._changed.items():
            readable = session.directory.rights(mailbox).issuperset("lr")  # RFC 5465 §5
            if mailbox.selectable and not mailbox.deleted and readable:
                items = status_items(events, modseq=session.manner.modseq)
                written = session.written(session.directory.name_of(mailbox))
                lines.append(unasked_response(session, mailbox, written, items))
        self._names.clear()
        self._changed.clear()
        if session.view is None:
            self._new.clear()
        elif self._new:
            lines.append(self._items(session.view))
        return b"".join(lines)

    def _items(self, view: View) -> bytes:
        """Return the items of some new messages; the others wait for the next time."""
        session, items = self._session, self.interests.items
        some, self._new = self._new[: newcomers.MAX_TOLD], self._new[newcomers.MAX_TOLD :]
        if items is None:
            return b""
        if self._new:
            session.watch.wake()
        return newcomers.told(session, view, items, some)


@cache
def status_items(events: Event, *, modseq: bool) -> tuple[Item, ...]:
    """Return the items of STATUS that tell of these events (RFC 5465 §5.1, §5.2, §5.3)."""
    words = set()
    if events & MESSAGES:
        words |= {b"MESSAGES", b"UIDNEXT"}
    if events & Event.FLAG_CHANGE:
        words |= {b"UIDVALIDITY", b"UNSEEN"}
    if modseq and events & MESSAGE_EVENTS:
        words.add(b"HIGHESTMODSEQ")
    return tuple(item for item in ITEMS.values() if item.word in words)


@cache
def first_items(events: Event, *, modseq: bool) -> tuple[Item, ...]:
    """Return the items that NOTIFY SET STATUS gives at first (RFC 5465 §3.1)."""
    words = {b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY"} if events & MESSAGES else set()
    if events & Event.FLAG_CHANGE:
        words |= {b"UIDVALIDITY"} | ({b"HIGHESTMODSEQ"} if modseq else set())
    return tuple(item for item in ITEMS.values() if item.word in words)
