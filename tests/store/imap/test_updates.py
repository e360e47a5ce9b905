"""What the server says of a mailbox, unasked or at SELECT."""

from __future__ import annotations

import pytest

from postroad_store.imap.manner import PLAIN, Manner
from postroad_store.imap.updates import changes, flags_line, highest_modseq, permanent_flags, vanished_earlier
from postroad_store.mail.model.contents import Contents, MailboxRow
from postroad_store.mail.model.flags import ANSWERED, FIRST_KEYWORD, MAX_KEYWORDS, SEEN, Change
from postroad_store.mail.model.mailbox import Mailbox
from postroad_store.mail.model.view import Changes, View
from tests.store.mail.model.test_mailbox import columns_of

SYSTEM_NAMES = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"


def opened(*uids: int, keywords: int = 1, recent_uid: int = 0, read_only: bool = False) -> View:
    """Return a view of a mailbox with these messages."""
    row = MailboxRow(1, "INBOX", None, selectable=True, uid_validity=7, uid_next=100, modseq=1, recent_uid=recent_uid)
    mailbox = Mailbox(row)
    names = [(slot, f"k{slot}") for slot in range(keywords)]
    mailbox.load(Contents(row, names, columns_of(uids, [0] * len(uids))))
    return View(mailbox, read_only=read_only, claim=None)


def said(view: View, manner: Manner = PLAIN, *, uid: bool = False, expunges: bool = True) -> list[bytes]:
    return changes(view, view.take(expunges=expunges), manner=manner, uid=uid).splitlines()


def test_nothing_is_said_of_nothing() -> None:
    assert changes(opened(10), Changes(), uid=True) == b""


@pytest.mark.parametrize("uid", [False, True])
@pytest.mark.parametrize("changed", [[10], [10, 20, 30], [10, 30], [10, 40], [20, 30], [10, 20, 40]])
def test_flags_of_some_messages(uid: bool, changed: list[int]) -> None:
    view = opened(10, 20, 30, 40, recent_uid=20)
    flags = {10: b"\\Seen", 20: b"\\Answered", 30: b"\\Seen \\Recent", 40: b"\\Answered \\Recent k0"}
    bits = {10: SEEN, 20: ANSWERED, 30: SEEN, 40: ANSWERED | 1 << FIRST_KEYWORD}
    for modseq, changed_uid in enumerate(changed, 2):
        view.mailbox.reflag(modseq, [(changed_uid, changed_uid)], Change.ADD, bits[changed_uid], naming=[], by=None)
    assert said(view, uid=uid) == [
        b"* %d FETCH (%bFLAGS (%b))" % (changed_uid // 10, b"UID %d " % changed_uid if uid else b"", flags[changed_uid])
        for changed_uid in changed
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


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        (
            Manner(modseq=True),
            [b"* 3 EXPUNGE", b"* 1 EXPUNGE", b"* 2 EXISTS", b"* 2 RECENT", b"* 1 FETCH (UID 20 MODSEQ (3) %b)"],
        ),
        (Manner(vanished=True), [b"* VANISHED 10,30", b"* 2 EXISTS", b"* 2 RECENT", b"* 1 FETCH (%b)"]),
        (Manner(rev2=True), [b"* 3 EXPUNGE", b"* 1 EXPUNGE", b"* 2 EXISTS", b"* 1 FETCH (UID 20 %b)"]),
        (
            Manner(uid_only=True, vanished=True),
            [b"* VANISHED 10,30", b"* 2 EXISTS", b"* 2 RECENT", b"* 20 UIDFETCH (%b)"],
        ),
        (
            Manner(modseq=True, uid_only=True, vanished=True, rev2=True),
            [b"* VANISHED 10,30", b"* 2 EXISTS", b"* 20 UIDFETCH (MODSEQ (3) %b)"],
        ),
    ],
)
@pytest.mark.parametrize("uid", [False, True])
def test_the_manners_of_saying_it(manner: Manner, expected: list[bytes], uid: bool) -> None:
    view = opened(10, 20, 30)
    mailbox = view.mailbox
    mailbox.remove(2, [10, 30])
    mailbox.reflag(3, [(20, 20)], Change.ADD, SEEN, naming=[], by=None)
    mailbox.arrive(4, [(40, 0, 1, 1)], [])
    *others, fetch = expected
    if uid and not manner.uid_only and b"UID" not in fetch:
        fetch = fetch.replace(b"(", b"(UID 20 ")
    assert said(view, manner, uid=uid) == [*others, fetch % b"FLAGS (\\Seen \\Recent)"]


def test_the_highest_modseq_that_is_said() -> None:
    view = opened(10, 20, 30)
    assert highest_modseq(view, Changes()) == 0
    view.mailbox.reflag(2, [(30, 30)], Change.ADD, SEEN, naming=[], by=None)
    view.mailbox.reflag(3, [(10, 10)], Change.ADD, SEEN, naming=[], by=None)
    view.mailbox.arrive(4, [(40, 0, 1, 1)], [])
    assert highest_modseq(view, view.take(expunges=True)) == 3


def test_expunges_that_the_client_was_not_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.imap.updates.RANGES", 2)
    assert list(vanished_earlier([])) == []
    assert list(vanished_earlier([(1, 2), (4, 4), (6, 9)])) == [
        b"* VANISHED (EARLIER) 1:2,4\r\n",
        b"* VANISHED (EARLIER) 6:9\r\n",
    ]


def test_flags_that_may_be_changed() -> None:
    assert flags_line(opened(keywords=0).mailbox) == b"* FLAGS (%b)\r\n" % SYSTEM_NAMES
    assert permanent_flags(opened(read_only=True)) == b"* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n"
    for keywords, star in ((MAX_KEYWORDS - 1, b" \\*"), (MAX_KEYWORDS, b"")):
        names = b"".join(b" k%d" % slot for slot in range(keywords))
        expected = b"* OK [PERMANENTFLAGS (%b%b%b)] Flags permitted.\r\n" % (SYSTEM_NAMES, names, star)
        assert permanent_flags(opened(keywords=keywords)) == expected


@pytest.mark.parametrize(
    ("rights", "flags"),
    [
        ("", None),
        ("lrpi", None),
        ("lrs", rb"\Seen"),
        ("lrt", rb"\Deleted"),
        ("lrw", rb"\Answered \Flagged \Draft k0 \*"),
        ("lrst", rb"\Deleted \Seen"),
        ("lrswt", rb"\Answered \Flagged \Deleted \Seen \Draft k0 \*"),
    ],
)
def test_which_flags_may_be_changed(rights: str, flags: bytes | None) -> None:
    """RFC 4314 §4: s, t and w are of flags."""
    view = opened(1)
    view.rights = frozenset(rights)
    permitted = b"* OK [PERMANENTFLAGS (%b)] Flags permitted.\r\n"
    none = b"* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n"
    assert permanent_flags(view) == (none if flags is None else permitted % flags)
    view.read_only = True
    assert permanent_flags(view) == none
