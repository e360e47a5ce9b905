"""What a client wants to be told of by NOTIFY: events, and the mailboxes in which they happen (RFC 5465 §5, §6)."""

from __future__ import annotations

from enum import Flag, auto
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.filters import covers

if TYPE_CHECKING:
    from collections.abc import Container

    from postroad_store.imap.commands.fetch import ItemList
    from postroad_store.imap.filters import Filter


class Event(Flag):
    """The events (RFC 5465 §5). AnnotationChange is none of them: messages have no annotations here."""

    NONE = 0
    MESSAGE_NEW = auto()
    MESSAGE_EXPUNGE = auto()
    FLAG_CHANGE = auto()
    MAILBOX_NAME = auto()
    SUBSCRIPTION_CHANGE = auto()
    MAILBOX_METADATA_CHANGE = auto()
    SERVER_METADATA_CHANGE = auto()


MESSAGES = Event.MESSAGE_NEW | Event.MESSAGE_EXPUNGE
MESSAGE_EVENTS = MESSAGES | Event.FLAG_CHANGE
METADATA_EVENTS = Event.MAILBOX_METADATA_CHANGE | Event.SERVER_METADATA_CHANGE
# As BADEVENT lists them.
NAMES = {
    b"MessageNew": Event.MESSAGE_NEW,
    b"MessageExpunge": Event.MESSAGE_EXPUNGE,
    b"FlagChange": Event.FLAG_CHANGE,
    b"MailboxName": Event.MAILBOX_NAME,
    b"SubscriptionChange": Event.SUBSCRIPTION_CHANGE,
    b"MailboxMetadataChange": Event.MAILBOX_METADATA_CHANGE,
    b"ServerMetadataChange": Event.SERVER_METADATA_CHANGE,
}


@value
class Group:
    """Events in mailboxes that are not selected; `names` for the filters that have any."""

    filter: Filter
    events: Event
    names: frozenset[str] = frozenset()

    def covers(self, name: str, subscriptions: Container[str], *, own: bool = True) -> bool:
        """Return True if the group is about a mailbox of this name; `own`: it is in the personal namespace."""
        return covers(self.filter, self.names, name, subscriptions, own=own)


@value
class Interests:
    """All that a client wants to be told of.

    `selected`: the message events of the selected mailbox. With `delayed`, expunges wait for a command that allows
    them (RFC 5465 §6.1.2). `items` are told of each new message.
    """

    selected: Event = Event.NONE
    delayed: bool = False
    items: ItemList | None = None
    groups: tuple[Group, ...] = ()

    def of(self, name: str, subscriptions: Container[str], *, own: bool = True) -> Event:
        """Return the events that are told of in a mailbox that is not selected; RFC 5465 §6: of all groups."""
        events = Event.NONE
        for group in self.groups:
            if group.covers(name, subscriptions, own=own):
                events |= group.events
        return events

    @property
    def all(self) -> Event:
        """All events that are told of in any mailbox that is not selected."""
        events = Event.NONE
        for group in self.groups:
            events |= group.events
        return events


NOTHING = Interests()  # NOTIFY NONE
