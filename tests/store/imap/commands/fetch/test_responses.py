"""FETCH's two ways give the same octets, and what they give is what was stored."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch import SPECS, Fetch
from postroad_store.imap.commands.fetch.blocks import BODY_OCTETS, _gathered, response, responses
from postroad_store.imap.commands.fetch.fast import fast
from postroad_store.imap.commands.fetch.item import Gone, Message
from postroad_store.imap.commands.fetch.plain import Lost, plain
from postroad_store.imap.commands.fetch.section import Fields
from postroad_store.imap.commands.fetch.values import internal_date
from postroad_store.imap.grammar.reader import Reader
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet
from postroad_store.mail.opened import OpenMessage
from tests.harness.imap import NOW, Place

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.mail.model.view import View

MULTIPART = (
    b"From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\n\r\nfirst\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\nX-M: 1\r\n\r\nSubject: inner\r\nTo: c@d\r\n\r\ninner body\r\n--x--\r\n"
)
MESSAGES = [
    b"From: a@b\r\nSubject: one\r\n\tfolded\r\nTo: c@d\r\n\r\nbody\r\n",
    MULTIPART,
    b"\r\nno header\r\n",
    b"Subject: no body",
    b"Subject: no body either\r\n",
    b"Subject: empty body\r\n\r\n",
    b"not a header at all\r\n\r\n100% of it\r\n",
    b"X: \xff\x00\r\n\r\n\xc3\xa4\r\n" + b"z" * 5000,
    b"From: a@b\nSubject: bare\n\nlines\n",
]
LISTS = [
    b"FLAGS",
    b"ALL",
    b"FULL",
    b"(UID BODYSTRUCTURE)",
    b"(EMAILID THREADID SAVEDATE MODSEQ X-GM-MSGID X-GM-THRID)",
    b"(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Subject)])",
    b"(BODY[HEADER.FIELDS.NOT (From Subject)] BODY[HEADER.FIELDS (Nope)]<1.5>)",
    b"(BODY[] BODY[TEXT] BODY[HEADER] RFC822 RFC822.HEADER RFC822.TEXT)",
    b"(BODY[]<0.10> BODY[TEXT]<3.4> BODY[HEADER]<9999.1> INTERNALDATE)",
    b'BODY[HEADER.FIELDS ("100%s")]',
]
PARTS = (
    b"(BODY[1] BODY[2] BODY[2.HEADER] BODY[2.TEXT] BODY[2.MIME] BODY[2.1] BODY[1.HEADER] BODY[2.HEADER.FIELDS (To)])"
)


def plan(text: bytes, *, uid: bool, flags: bool = False) -> Plan:
    command = SPECS[0].parse(b"t", Reader([b" 1 " + text]))
    assert isinstance(command, Fetch)
    return command.items.plan(uid=uid, flags=flags)


async def view_with(place: Place, *contents: bytes) -> View:
    account = await place.storage.account("alice@alpha.test")
    for number, content in enumerate(contents):
        await place.storage.append([Arrival((account.inbox,), content, int(NOW) + number, FlagSet(number % 2, ("k",)))])
    return place.storage.view(account.inbox)


@pytest.mark.parametrize("text", LISTS)
@pytest.mark.parametrize("uid", [False, True])
async def test_both_ways_are_the_same(place: Place, text: bytes, uid: bool) -> None:
    view = await view_with(place, *MESSAGES)
    asked = plan(text, uid=uid, flags=uid)
    numbers = range(1, len(MESSAGES) + 1)
    slowly = [b"".join(plain(place.storage, view, number, asked)) for number in numbers]
    assert fast(place.storage, view, numbers, asked) == b"".join(slowly)
    assert fast(place.storage, view, [2, 5, 6], asked) == slowly[1] + slowly[4] + slowly[5]
    told = list(responses(place.storage, view, [range(1, 4), range(5, 6)], asked))
    assert b"".join(octets for octets, _ in told) == b"".join(slowly[:3]) + slowly[4]
    assert [within for _, within in told][-1] is False
    later = place.storage.view(view.mailbox)  # nothing is \\Recent in it
    slowly = [b"".join(plain(place.storage, later, number, asked)) for number in numbers]
    assert fast(place.storage, later, numbers, asked) == b"".join(slowly)
    inbox = (view.mailbox,)
    await place.storage.append([Arrival(inbox, MESSAGES[0], int(NOW), FlagSet(1)) for _ in range(2)])
    mixed = place.storage.view(view.mailbox)  # the last two are
    numbers = range(1, len(MESSAGES) + 3)
    slowly = [b"".join(plain(place.storage, mixed, number, asked)) for number in numbers]
    assert fast(place.storage, mixed, numbers, asked) == b"".join(slowly)
    assert fast(place.storage, mixed, [1, len(MESSAGES) + 1], asked) == slowly[0] + slowly[-2]


@pytest.mark.parametrize("text", [*LISTS, PARTS])
async def test_a_message_that_is_asked_for_alone(place: Place, text: bytes) -> None:
    view = await view_with(place, *MESSAGES, MESSAGES[0] + b"x" * BODY_OCTETS)
    asked = plan(text, uid=False)
    for number in range(1, len(MESSAGES) + 2):
        spans = [range(number, number + 1)]
        told = b"".join(octets for octets, _ in responses(place.storage, view, spans, asked))
        is_long = bool(asked.reads) and number > len(MESSAGES)
        assert response(place.storage, view, spans, asked) == (None if asked.alone or is_long else told)
    for spans in ([], [range(1, 3)], [range(1, 2), range(3, 4)]):
        assert response(place.storage, view, spans, asked) is None
    await place.storage.expunge(view.mailbox, [1], only_deleted=False)
    assert response(place.storage, view, [range(1, 2)], asked) == (None if asked.alone else b"")


async def test_some_messages_are_recent(place: Place) -> None:
    view = await view_with(place, *MESSAGES[:2])
    assert list(view.recent) == [1, 2]
    await place.storage.append([Arrival((view.mailbox,), MESSAGES[0], int(NOW), FlagSet(1))])
    mixed = place.storage.view(view.mailbox)
    assert fast(place.storage, mixed, [1, 2, 3], plan(b"FLAGS", uid=False)) == (
        b"* 1 FETCH (FLAGS (k))\r\n* 2 FETCH (FLAGS (\\Seen k))\r\n* 3 FETCH (FLAGS (\\Seen \\Recent))\r\n"
    )


@pytest.mark.parametrize(("first", "length"), [(0, 3), (2, 3), (3, 2), (1, 99), (12, 4), (99, 1)])
async def test_a_piece_of_header_fields(place: Place, first: int, length: int) -> None:
    view = await view_with(place, MESSAGES[0])
    asked = b"BODY.PEEK[HEADER.FIELDS (Subject)]<%d.%d>" % (first, length)
    piece = b"Subject: one\r\n\tfolded\r\n\r\n"[first : first + length]
    told = b"".join(plain(place.storage, view, 1, plan(asked, uid=False)))
    expected = b"* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<%d> {%d}\r\n%b)\r\n" % (first, len(piece), piece)
    assert told == expected
    assert fast(place.storage, view, [1], plan(asked, uid=False)) == expected


@pytest.mark.parametrize("text", LISTS)
async def test_blocks_are_told_in_order(place: Place, text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole blocks that are light, with some before them, one that is heavy, and what is left over."""
    for most in ("BLOCK", "IN_MEMORY"):
        monkeypatch.setattr(f"postroad_store.imap.commands.fetch.blocks.{most}", 2)
    for room in ("BLOCK_OCTETS", "BODY_OCTETS"):
        monkeypatch.setattr(f"postroad_store.imap.commands.fetch.blocks.{room}", 4000)
    view = await view_with(place, *MESSAGES)
    asked = plan(text, uid=True)
    spans = [range(1, 2), range(3, 10)]
    told = b"".join(octets for octets, _ in responses(place.storage, view, spans, asked))
    assert told == b"".join([b"".join(plain(place.storage, view, number, asked)) for span in spans for number in span])


async def test_many_spans_share_a_block_that_is_full_some_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.imap.commands.fetch.blocks.IN_MEMORY", 3)
    view = await view_with(place, *MESSAGES[:7])
    spans = [range(number, number + 1) for number in range(1, 8)]
    told = [octets.count(b"FETCH") for octets, _ in responses(place.storage, view, spans, plan(b"UID", uid=False))]
    assert told == [3, 3, 1]
    monkeypatch.setattr("postroad_store.imap.commands.fetch.blocks.BODY_OCTETS", 1)
    texts = plan(b"BODY.PEEK[]", uid=False)
    told = [octets.count(b"FETCH (") for octets, _ in responses(place.storage, view, spans, texts)]
    assert told == [1] * 7


@pytest.mark.parametrize("octets", [b"", b"x", b"xxx"])
async def test_no_literal_is_shorter_or_longer_than_announced(
    place: Place, octets: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a database that has lost something: such a message is as if gone."""
    view = await view_with(place, *MESSAGES[:1])
    message = Message(place.storage, view, view.uids[0])
    assert message.text(0, 2) == MESSAGES[0][:2]
    monkeypatch.setattr(OpenMessage, "octets", lambda *_: octets)
    with pytest.raises(Gone):
        message.text(0, 2)


async def test_a_message_that_has_gone_from_the_disk_before_the_memory_is_gone(place: Place) -> None:
    view = await view_with(place, *MESSAGES[:1])
    with sqlite3.connect(place.incoming.parent / "mail" / FILE) as db:
        db.execute("DELETE FROM entries")
    with pytest.raises(Gone):
        Message(place.storage, view, view.uids[0])


def test_pieces_are_gathered_to_so_many_octets_and_so_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.imap.commands.fetch.blocks.PIECE", 100)
    monkeypatch.setattr("postroad_store.imap.commands.fetch.blocks.PIECES", 3)
    for pieces, gathered in (
        ([40] * 5, [(80, True), (80, True), (40, False)]),
        ([50, 50, 1], [(100, True), (1, False)]),
        ([300, 1], [(300, True), (1, False)]),
        ([1] * 7, [(3, True), (3, True), (1, False)]),
    ):
        told = _gathered(iter([b"x" * size for size in pieces]))
        assert [(len(octets), within) for octets, within in told] == gathered


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (b"(FLAGS ENVELOPE BODY.PEEK[HEADER.FIELDS (From To)])", 1),
        (b"(" + b" ".join(b"BODY.PEEK[HEADER.FIELDS (X-%d)]" % number for number in range(1000)) + b")", 5),
        (b"BODY.PEEK[HEADER.FIELDS (" + b"x" * 60_000 + b")]", 2),  # each response repeats it
    ],
)
async def test_a_block_of_many_or_long_items_has_few_messages(place: Place, text: bytes, blocks: int) -> None:
    view = await view_with(place, *[b"A: b\r\n\r\n"] * 20)
    asked = plan(text, uid=False)
    pieces = list(responses(place.storage, view, [range(1, 21)], asked))
    assert len(pieces) == blocks
    assert b"".join(octets for octets, _ in pieces) == fast(place.storage, view, range(1, 21), asked)


async def test_texts_are_what_was_stored(place: Place) -> None:
    view = await view_with(place, *MESSAGES)
    asked = plan(b"BODY.PEEK[]", uid=False)
    for number, content in enumerate(MESSAGES, 1):
        assert fast(place.storage, view, [number], asked) == b"* %d FETCH (BODY[] {%d}\r\n%b)\r\n" % (
            number,
            len(content),
            content,
        )


async def test_parts(place: Place) -> None:
    view = await view_with(place, MULTIPART)
    got = b"".join(octets for octets, _ in responses(place.storage, view, [range(1, 2)], plan(PARTS, uid=False)))
    inner = b"Subject: inner\r\nTo: c@d\r\n\r\ninner body"
    expected = [
        (b"1", b"first"),
        (b"2", inner),
        (b"2.HEADER", b"Subject: inner\r\nTo: c@d\r\n\r\n"),
        (b"2.TEXT", b"inner body"),
        (b"2.MIME", b"Content-Type: message/rfc822\r\nX-M: 1\r\n\r\n"),
        (b"2.1", b"inner body"),
        (b"1.HEADER", b""),
        (b"2.HEADER.FIELDS (TO)", b"To: c@d\r\n\r\n"),
    ]
    texts = b" ".join(b"BODY[%b] {%d}\r\n%b" % (name, len(text), text) for name, text in expected)
    assert got == b"* 1 FETCH (" + texts + b")\r\n"


async def test_gone_messages_are_left_out(place: Place) -> None:
    view = await view_with(place, *MESSAGES)
    await place.storage.expunge(view.mailbox, [2, 3], only_deleted=False)
    for text in LISTS:
        asked = plan(text, uid=False)
        slowly = [b"".join(plain(place.storage, view, number, asked)) for number in range(1, 6)]
        assert slowly[1:3] == [b"", b""]
        assert fast(place.storage, view, range(1, 6), asked) == b"".join(slowly)
        assert fast(place.storage, view, [2, 3], asked) == b""
        assert fast(place.storage, view, [2, 4], asked) == slowly[3]


async def test_gone_between_two_reads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    view = await view_with(place, *MESSAGES)
    monkeypatch.setattr(place.storage, "fetch", lambda *_: iter(()))
    assert list(plain(place.storage, view, 1, plan(b"ENVELOPE", uid=False))) == []


HEADER = b"Subject: a\r\n b\r\n\tc\r\nsubject : again\r\nX-Subject: no\r\nTO: x\r\nFrom nobody\r\nTo:\r\n\r\n"


@pytest.mark.parametrize(
    ("header", "names", "others", "expected"),
    [
        (HEADER, (b"SUBJECT",), False, b"Subject: a\r\n b\r\n\tc\r\nsubject : again\r\n\r\n"),
        (HEADER, (b"TO", b"NOPE"), False, b"TO: x\r\nTo:\r\n\r\n"),
        (HEADER, (b"SUBJECT", b"TO"), True, b"X-Subject: no\r\nFrom nobody\r\n\r\n"),
        (HEADER, (b"NOPE",), False, b"\r\n"),
        (HEADER, (b"NOPE",), True, HEADER),
        (b"To: x", (b"TO",), False, b"To: x"),
        (b"To: x\r\nA: b", (b"TO",), True, b"A: b"),
        (b"\r\n", (b"TO",), True, b"\r\n"),
        (b"", (b"TO",), False, b""),
        (b"X-Max : 1\r\nX-Ma: 2\r\n\r\n", (b"X-MAX",), False, b"X-Max : 1\r\n\r\n"),
        (b"To: x\nA: b\n\n", (b"TO",), False, b"To: x\n\r\n"),
        (b"A: To: x\r\n To: y\r\n\r\n", (b"TO",), False, b"\r\n"),
        (b"A.B: 1\r\nAxB: 2\r\n\r\n", (b"A.B",), False, b"A.B: 1\r\n\r\n"),
        (b"To\r\nA: b\r\nTo", (b"TO",), False, b""),
        (b"To\r\nA: b\r\nTo", (b"TO",), True, b"To\r\nA: b\r\nTo"),
        (b" To: a\nTo: b\n", (b" TO", b"TO"), False, b"To: b\n"),
        (b" To: a\nTo: b\nA: c", (b" TO", b"TO"), True, b"A: c"),
        (
            b"To: " + b"x" * 1000 + b"\n " + b"y" * 1000 + b":\n",
            (b"TO",),
            False,
            b"To: " + b"x" * 1000 + b"\n " + b"y" * 1000 + b":\n",
        ),
        (b"X" * 100 + b": a\r\n\r\n", (b"X" * 100,), False, b"X" * 100 + b": a\r\n\r\n"),
    ],
)
def test_header_fields(header: bytes, names: tuple[bytes, ...], others: bool, expected: bytes) -> None:
    assert Fields(names, others=others).of([header]) == [expected]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, b"01-Jan-1970 00:00:00 +0000"),
        (NOW, b"01-Mar-2026 12:00:00 +0000"),
        (-1, b"31-Dec-1969 23:59:59 +0000"),
        (951782399, b"28-Feb-2000 23:59:59 +0000"),
        (951782400, b"29-Feb-2000 00:00:00 +0000"),
    ],
)
def test_internal_date(seconds: float, text: bytes) -> None:
    assert internal_date(int(seconds)) == text


async def test_gone_before_its_text(place: Place) -> None:
    """RFC 2180 §4.1.1: a response that has begun ends, though the message is expunged."""
    view = await view_with(place, *MESSAGES)
    asked = plan(b"(UID BODY.PEEK[] BINARY.PEEK[1])", uid=False)
    whole = list(plain(place.storage, view, 1, asked))
    pieces = plain(place.storage, view, 1, asked)
    first = next(pieces)
    await place.storage.expunge(view.mailbox, [1], only_deleted=False)
    await place.storage.append([Arrival((view.mailbox,), b"A: b\r\n", 0, NO_FLAGS)])
    assert [first, *pieces] == whole
    assert list(plain(place.storage, view, 1, asked)) == []


async def test_where_octets_are_missing_a_response_cannot_end(place: Place) -> None:
    view = await view_with(place, *MESSAGES)
    pieces = plain(place.storage, view, 1, plan(b"(UID BODY.PEEK[])", uid=False))
    assert next(pieces) == b"* 1 FETCH (UID 1"
    with sqlite3.connect(place.incoming.parent / "mail" / FILE) as database:
        database.execute("DELETE FROM octets")
    database.close()
    with pytest.raises(Lost):
        list(pieces)


async def test_scattered_messages(place: Place) -> None:
    view = await view_with(place, *[b"A: b\r\n\r\n" + b"x" * number for number in range(40)])
    asked = plan(b"(FLAGS RFC822.SIZE)", uid=True)
    expected = [b"".join(plain(place.storage, view, number, asked)) for number in (1, 20, 40)]
    assert fast(place.storage, view, [1, 20, 40], asked) == b"".join(expected)
    await place.storage.expunge(view.mailbox, [20], only_deleted=False)
    assert fast(place.storage, view, [1, 20, 40], asked) == expected[0] + expected[2]


async def test_a_response_of_many_small_pieces_pauses(place: Place) -> None:
    view = await view_with(place, MULTIPART)
    asked = plan(b"(" + b" ".join(b"BODY.PEEK[%d]" % number for number in range(1, 1000)) + b")", uid=False)
    pieces = list(responses(place.storage, view, [range(1, 2)], asked))
    assert len(pieces) > 5
    assert [within for _, within in pieces] == [True] * (len(pieces) - 1) + [False]
    assert b"".join(octets for octets, _ in pieces) == b"".join(plain(place.storage, view, 1, asked))
