"""The items of STATUS: each says its word, which capability offers it, and its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from postroad_store.imap.extensions import (
    APPENDLIMIT,
    CONDSTORE,
    IMAP4REV2,
    OBJECTID,
    QUOTA_RES_MESSAGE,
    QUOTA_RES_STORAGE,
    STATUS_DELETED,
    STATUS_SIZE,
)
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.limits import append_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.model.mailbox import Mailbox, Status


class Figures(NamedTuple):
    """What the values of items are made of."""

    session: Session
    mailbox: Mailbox
    counts: Status
    deleted_octets: int | None = None  # if they have been counted already


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One item, equal to itself alone.

    Without `offered_by` it belongs to the base protocol, else one of these must be offered.
    """

    word: bytes
    value: Callable[[Figures], bytes]
    offered_by: tuple[Capability, ...] = ()
    in_rev2: bool = True  # False: IMAP4rev2 has it no longer


def _recent(figures: Figures) -> bytes:
    view = figures.session.view
    selected = view is not None and view.mailbox is figures.mailbox
    return b"%d" % (len(view.recent) if view is not None and selected else figures.counts.recent)


def _append_limit(figures: Figures) -> bytes:
    return b"%d" % append_limit(figures.session, figures.mailbox)


def _highest_modseq(figures: Figures) -> bytes:
    return b"%d" % figures.counts.highest_modseq


def _deleted_octets(figures: Figures) -> bytes:
    # RFC 9208 §4.1.4: "the amount of storage space that can be reclaimed", in octets as RFC 8438's SIZE
    if figures.deleted_octets is not None:
        return b"%d" % figures.deleted_octets
    return b"%d" % (figures.session.storage.deleted_octets(figures.mailbox) if figures.counts.deleted else 0)


# In the order in which they are given.
ITEMS: Mapping[bytes, Item] = {
    each.word: each
    for each in (
        Item(b"MESSAGES", lambda figures: b"%d" % figures.counts.messages),
        Item(b"RECENT", _recent, in_rev2=False),  # RFC 9051 appendix E, 2
        Item(b"UIDNEXT", lambda figures: b"%d" % figures.counts.uid_next),
        Item(b"UIDVALIDITY", lambda figures: b"%d" % figures.counts.uid_validity),
        Item(b"UNSEEN", lambda figures: b"%d" % figures.counts.unseen),
        # RFC 9051 §6.3.11, RFC 9208 §4.1.4
        Item(b"DELETED", lambda figures: b"%d" % figures.counts.deleted, (STATUS_DELETED, QUOTA_RES_MESSAGE)),
        Item(b"DELETED-STORAGE", _deleted_octets, (QUOTA_RES_STORAGE,)),
        # RFC 8438 §3: the same octets as the quota counts
        Item(b"SIZE", lambda figures: b"%d" % figures.counts.octets, (STATUS_SIZE,)),
        # RFC 7162 §3.1.7
        Item(b"HIGHESTMODSEQ", _highest_modseq, (CONDSTORE,)),
        # RFC 7889 §3.1
        Item(b"APPENDLIMIT", _append_limit, (APPENDLIMIT,)),
        # RFC 8474 §4.3
        Item(b"MAILBOXID", lambda figures: b"(%b)" % figures.mailbox.object_id.encode("ascii"), (OBJECTID,)),
    )
}
_PLACES = {word: place for place, word in enumerate(ITEMS)}


def all_offered(reader: Reader, items: tuple[Item, ...]) -> bool:
    """Return False if the client may not ask for one of these."""
    return all(_offered(reader, item) for item in items if item.offered_by or not item.in_rev2)


def read_items(reader: Reader) -> tuple[Item, ...]:
    """Take `status-att *(SP status-att) ")"`; return each item once, in the order of `ITEMS`."""
    words: set[bytes] = set()
    for _ in reader.items():
        word = reader.keyword()
        item = ITEMS.get(word)
        if item is None or not _offered(reader, item):
            raise SyntaxFault(f"Invalid status item {word.decode('ascii')}")
        words.add(word)
    return tuple(ITEMS[word] for word in sorted(words, key=_PLACES.__getitem__))


def _offered(reader: Reader, item: Item) -> bool:
    if not item.in_rev2 and reader.has_enabled(IMAP4REV2):
        return False
    return not item.offered_by or any(map(reader.offers, item.offered_by))


def response(
    session: Session, mailbox: Mailbox, written: bytes, items: tuple[Item, ...], deleted_octets: int | None = None
) -> bytes:
    """Return the STATUS response (RFC 3501 §7.2.4) of a mailbox, whose name is written already."""
    if ITEMS[b"HIGHESTMODSEQ"] in items:
        session.enable(CONDSTORE)  # RFC 7162 §3.1: one of the commands that do
    return unasked_response(session, mailbox, written, items, deleted_octets)


def unasked_response(
    session: Session, mailbox: Mailbox, written: bytes, items: tuple[Item, ...], deleted_octets: int | None = None
) -> bytes:
    """Return the response as of items that the client has not asked for."""
    figures = Figures(session, mailbox, session.storage.status(mailbox), deleted_octets)
    values = b" ".join([b"%b %b" % (item.word, item.value(figures)) for item in items])
    return b"* STATUS %b (%b)\r\n" % (written, values)
