"""The messages of the selected mailbox that a command means, and the answers if they are gone or read-only."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, cast

from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import SequenceSet, coalesce, indexes, ranges_of
from postroad_store.mail.model.errors import NotPermitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage

READ_ONLY = b"NO [READ-ONLY] Mailbox is read-only."
GONE = b"[EXPUNGEISSUED] Some of the requested messages no longer exist."  # RFC 5530 §3


def require(view: View, needs: str) -> None:
    """Raise `NotPermitted` unless the session has these rights to its mailbox (RFC 4314 §4)."""
    if not view.rights.issuperset(needs):
        raise NotPermitted("permission denied")


def spans_of(view: View, messages: SequenceSet, *, uid: bool) -> list[range]:
    """Return the sequence numbers that a set means, as ascending ranges; raises `SyntaxFault`."""
    count = len(view.uids)
    if messages.saved:  # RFC 5182 §2.1: messages, whether by number or UID; those that have been expunged are left out
        saved = zip(view.saved[::2], view.saved[1::2], strict=True)
        spans = [range(span.start + 1, span.stop + 1) for span in indexes(saved, view.uids)]
        if not messages.ranges:
            return spans
        spans += spans_of(view, SequenceSet(messages.ranges), uid=uid)
        return [range(low, high + 1) for low, high in coalesce((span[0], span[-1]) for span in spans)]
    if uid:
        # RFC 3501 §6.4.8: UIDs that do not exist are ignored. RFC 3501 §9: in an empty mailbox `*` is UIDNEXT.
        ranges = messages.resolve(view.uids[-1] if count else view.mailbox.uid_next)
        return [range(span.start + 1, span.stop + 1) for span in indexes(ranges, view.uids)]
    ranges = messages.resolve(count)
    # RFC 3501 §9 seq-number: a number greater than the number of messages is answered BAD; so is `*` in an empty
    # mailbox.
    if not count or ranges[-1][1] > count:
        raise SyntaxFault("Invalid messageset")
    if len(ranges) == 1:  # as of most clients
        return [range(ranges[0][0], ranges[0][1] + 1)]
    return [range(low, high + 1) for low, high in ranges]


def uids_of(view: View, spans: list[range]) -> Sequence[UID]:
    """Return the UIDs of these sequence numbers; of one range without looking at each."""
    if len(spans) == 1:
        return view.uids[spans[0].start - 1 : spans[0].stop - 1]
    uids: list[UID] = []
    for span in spans:
        uids += view.uids[span.start - 1 : span.stop - 1]
    return uids


def known(view: View) -> Sequence[UID]:
    """Return UIDs that cover all messages which the client knows, and no other.

    What it does not know yet has come later, so its UID is higher.
    """
    return cast("Sequence[UID]", range(view.uids[0], view.uids[-1] + 1)) if view.uids else ()


def some_gone(view: View, spans: list[range]) -> bool:
    """Return True if another session has expunged some of these messages."""
    return view.has_lost_any and any(view.has_lost(span[0], span[-1]) for span in spans)


def changed_among(storage: Storage, view: View, spans: list[range], since: int) -> list[range]:
    """Return those of the sequence numbers whose messages have changed after this mod-sequence (RFC 7162 §3.1.4.1)."""
    changed = storage.changed_since(view, since)
    kept = []
    for span in spans:
        low, high = bisect_left(changed, span.start), bisect_left(changed, span.stop)
        kept += [range(first, last + 1) for first, last in ranges_of(changed[low:high])]
    return kept


def without(view: View, spans: list[range], uids: Sequence[int]) -> list[range]:
    """Return the sequence numbers without those of these messages."""
    left_out = {view.number(uid) for uid in uids}
    kept = []
    for span in spans:
        kept += [range(low, high + 1) for low, high in ranges_of([n for n in span if n not in left_out])]
    return kept
