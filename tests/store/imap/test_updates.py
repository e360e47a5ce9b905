"""What the server says of a mailbox, unasked or at SELECT."""

from __future__ import annotations

from array import array

import pytest

from postroad_store.imap.updates import changes, flags_line, permanent_flags
from postroad_store.mail.model.contents import Contents, MailboxRow
from postroad_store.mail.model.flags import ANSWERED, FIRST_KEYWORD, MAX_KEYWORDS, SEEN, Change
from postroad_store.mail.model.mailbox import Mailbox
from postroad_store.mail.model.message import UID
from postroad_store.mail.model.view import Changes, View

SYSTEM_NAMES = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"


def opened(*uids: int, keywords: int = 1, recent_uid: int = 0, read_only: bool = False) -> View:
    """Return a view of a mailbox with these messages."""
    row = MailboxRow(1, "INBOX", None, selectable=True, uid_validity=7, uid_next=100, modseq=1, recent_uid=recent_uid)
    mailbox = Mailbox(row)
    ones = array("q", [1] * len(uids))
    names = [(slot, f"k{slot}") for slot in range(keywords)]
    mailbox.load(
        Contents(row, names, list(map(UID, uids)), [0] * len(uids), ones, ones[:], array("Q", ones), len(uids), 0)
    )
    return View(mailbox, read_only=read_only, claim=None)


def said(view: View, *, uid: bool = False, expunges: bool = True) -> list[bytes]:
    return changes(view, view.take(expunges=expunges), uid=uid).splitlines()


def test_nothing_is_said_of_nothing() -> None:
    assert changes(opened(10), Changes(), uid=True) == b""


@pytest.mark.parametrize("uid", [False, True])
@pytest.mark.parametrize("changed", [[10], [10, 20, 30], [10, 30], [20, 30], [10, 20, 40]])
def test_flags_of_some_messages(uid: bool, changed: list[int]) -> None:
    view = opened(10, 20, 30, 40, recent_uid=20)
    flags = {10: b"\\Seen", 20: b"\\Answered", 30: b"\\Seen \\Recent", 40: b"\\Answered \\Recent k0"}
    bits = {10: SEEN, 20: ANSWERED, 30: SEEN, 40: ANSWERED | 1 << FIRST_KEYWORD}
    for modseq, one in enumerate(changed, 2):
        view.mailbox.reflag(modseq, [(one, one)], Change.ADD, bits[one], naming=[], by=None)
    assert said(view, uid=uid) == [
        b"* %d FETCH (%bFLAGS (%b))" % (one // 10, b"UID %d " % one if uid else b"", flags[one]) for one in changed
    ]


def test_the_order_of_what_is_said() -> None:
    view = opened(10, 20, 30)
    mailbox = view.mailbox
    mailbox.remove(2, [10, 30])
    mailbox.reflag(3, [(20, 20)], Change.ADD, SEEN, naming=[(1, "new")], by=None)
    mailbox.arrive(4, [(40, 0, 1, 1)], [])
    assert said(view, expunges=True) == [
        b"* FLAGS (%b k0 new)" % SYSTEM_NAMES,
        b"* OK [PERMANENTFLAGS (%b k0 new \\*)] Flags permitted." % SYSTEM_NAMES,
        b"* 3 EXPUNGE",
        b"* 1 EXPUNGE",
        b"* 2 EXISTS",
        b"* 2 RECENT",
        b"* 1 FETCH (FLAGS (\\Seen \\Recent))",
    ]
    mailbox.remove(5, [40])
    assert said(view, expunges=False) == []
    assert said(view, expunges=True) == [b"* 2 EXPUNGE", b"* 1 RECENT"]


def test_flags_that_may_be_changed() -> None:
    assert flags_line(opened(keywords=0).mailbox) == b"* FLAGS (%b)\r\n" % SYSTEM_NAMES
    assert permanent_flags(opened(read_only=True)) == b"* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n"
    for keywords, star in ((MAX_KEYWORDS - 1, b" \\*"), (MAX_KEYWORDS, b"")):
        names = b"".join(b" k%d" % slot for slot in range(keywords))
        expected = b"* OK [PERMANENTFLAGS (%b%b%b)] Flags permitted.\r\n" % (SYSTEM_NAMES, names, star)
        assert permanent_flags(opened(keywords=keywords)) == expected
