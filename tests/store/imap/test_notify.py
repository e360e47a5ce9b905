"""NOTIFY at its limits: too much to tell, a client that does not read, large messages, what it costs others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap import newcomers, notify
from postroad_store.mail.model import view
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
async def wires(place: Place, connect: Callable[[], Wire]) -> tuple[Wire, Wire]:
    """Return two sessions that are logged in."""
    pair = connect(), connect()
    for wire in pair:
        await wire.say("l LOGIN alice@alpha.test wonderland")
    assert place.shared is not None
    return pair


async def heard(wire: Wire) -> str:
    for _ in range(20):
        await asyncio.sleep(0)
    return (await wire.until(0)).decode()


EVERYTHING = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"


async def test_too_much_to_tell_ends_it(wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "MAX_WAITING", 3)
    wire, other = wires
    await wire.say(EVERYTHING)
    wire.may_write(writable=False)
    for number in range(5):
        await other.say(f"b CREATE box{number}")
    assert await heard(wire) == ""
    wire.may_write(writable=True)
    assert await heard(wire) == notify.OVERFLOW.decode()
    account = wire.session.account
    assert account is not None
    assert account.observers == set()
    await other.say("c CREATE box6")
    assert await heard(wire) == ""
    await wire.say(EVERYTHING)
    await other.say("d CREATE box7")
    assert (
        await heard(wire) == '* LIST (\\HasNoChildren) "/" box7\r\n* STATUS box7 (UIDVALIDITY 1772366412 UNSEEN 0)\r\n'
    )


async def test_a_client_that_does_not_read_is_told_the_outcome_once(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await wire.say(EVERYTHING)
    wire.may_write(writable=False)
    for _ in range(3):
        await other.say("b SUBSCRIBE Nowhere")
        await other.say("c UNSUBSCRIBE Nowhere")
        other.feed(b"d APPEND Drafts {3+}\r\na:b\r\n")
        await other.idle()
    assert await heard(wire) == ""
    wire.may_write(writable=True)
    assert await heard(wire) == (
        '* LIST (\\NonExistent \\HasNoChildren) "/" Nowhere\r\n* STATUS Drafts (MESSAGES 3 UIDNEXT 4)\r\n'
    )


@pytest.mark.parametrize(
    "commands",
    [
        ("NOTIFY NONE", "STORE 1:* +FLAGS.SILENT (\\Seen)"),
        ("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))", "EXPUNGE"),
        ("UID SEARCH RETURN (UPDATE) FLAGGED", "NOTIFY NONE", "STORE 1:* +FLAGS.SILENT (\\Seen)"),
    ],
)
async def test_news_that_may_not_be_told_yet_are_not_tried_again_and_again(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch, commands: tuple[str, ...]
) -> None:
    monkeypatch.setattr(view, "PIECE", 2)  # four messages are much
    wire, other = wires
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"a: b\r\n", int(NOW), NO_FLAGS)] * 4)
    for each in wires:
        await each.say("s SELECT INBOX")
    await other.say("d STORE 1:* +FLAGS.SILENT (\\Deleted)")
    for command in commands[:-1]:
        await wire.say(f"n {command}")
    await other.say(f"c {commands[-1]}")
    await heard(wire)
    assert wire.session.watch.telling is None


async def test_many_new_messages_come_in_turns(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MAX_TOLD", 2)
    monkeypatch.setattr(newcomers, "MAX_OCTETS", 100)
    wire, _ = wires
    await wire.say("a SELECT INBOX")
    await wire.say("b NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[TEXT]) MessageExpunge))")
    account = await place.storage.account("alice@alpha.test")
    contents = [b"a: b\r\n\r\nx\r\n"] * 3 + [b"a: b\r\n\r\n" + b"x" * 101] + [b"a: b\r\n\r\ny\r\n"]
    await place.storage.append([Arrival((account.inbox,), content, int(NOW), NO_FLAGS) for content in contents])
    told = await heard(wire)
    assert told.startswith("* 5 EXISTS\r\n* 5 RECENT\r\n* 1 FETCH (UID 1 BODY[TEXT] {3}\r\nx\r\n)\r\n")
    assert [line.split()[1] for line in told.split("\r\n") if " FETCH " in line] == ["1", "2", "3", "4", "5"]
    assert "* 4 FETCH (UID 4)\r\n" in told


LARGE = (
    b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n\r\n%b\r\n"
    b"--b\r\n\r\nbye\r\n--b--\r\n" % (b"x" * 3000)
)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ("FLAGS ENVELOPE", 'FLAGS (\\Recent) ENVELOPE (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)'),
        ("BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: x\r\n\r\n"),
        ("PREVIEW", 'PREVIEW "hi"'),
        ("BODY.PEEK[1] FLAGS BODY.PEEK[9]", "FLAGS (\\Recent) BODY[1] {2}\r\nhi BODY[9] {0}\r\n"),
        ("BODY.PEEK[TEXT]<2.3>", "BODY[TEXT]<2> {3}\r\nb\r\n"),
        ("BODY.PEEK[TEXT]<0.2000>", "UID 1"),
        ("BODY.PEEK[3] BINARY.PEEK[3]", "BODY[3] {3}\r\nbye BINARY[3] {3}\r\nbye"),
        ("BODY.PEEK[3]<1.2000>", "BODY[3]<1> {2}\r\nye"),
        ("BODY.PEEK[TEXT]<9999.3>", "BODY[TEXT]<9999> {0}\r\n"),
        ("BINARY.PEEK[1] BINARY.SIZE[2] BINARY.SIZE[9]", "UID 1 BINARY.SIZE[9] 0 BINARY[1] {2}\r\nhi"),
        ("RFC822.SIZE BODY.PEEK[]", f"UID 1 RFC822.SIZE {len(LARGE)}"),
        ("BODY.PEEK[2]", "UID 1"),
    ],
)
async def test_of_a_large_message_all_is_told_but_long_texts(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch, items: str, told: str
) -> None:
    """RFC 5465 §5.2: a FETCH response with the information that the client has asked for."""
    monkeypatch.setattr(newcomers, "MAX_OCTETS", 1000)
    wire, _ = wires
    await wire.say("a SELECT INBOX")
    await wire.say(f"b NOTIFY SET (SELECTED (MessageNew ({items}) MessageExpunge))")
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), LARGE, int(NOW), NO_FLAGS)])
    assert await heard(wire) == f"* 1 EXISTS\r\n* 1 RECENT\r\n* 1 FETCH ({told})\r\n"


async def test_too_many_groups(wires: tuple[Wire, Wire]) -> None:
    wire, _ = wires
    groups = " (PERSONAL (MailboxName))" * 101
    assert await wire.say(f"a NOTIFY SET{groups}") == "a NO [NOTIFICATIONOVERFLOW] Too many groups of events.\r\n"


async def test_nobody_is_followed_after_the_end(place: Place, wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await wire.say(EVERYTHING)
    account = await place.storage.account("alice@alpha.test")
    assert len(account.observers) == 1
    wire.end()
    assert account.observers == set()
    assert "OK" in await other.say("a CREATE box")


async def test_status_of_many_mailboxes_lets_others_run(
    wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_store.imap.commands.notify.STEP", 2)
    wire, other = wires
    await wire.say("a SELECT Drafts")
    wire.feed(b"b NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))\r\n")
    assert await other.say("c NOOP") == "c OK NOOP completed.\r\n"
    await wire.idle()
    told = (await wire.until(0)).decode().split("\r\n")
    assert [line.split()[2] for line in told if "STATUS" in line] == ["Archive", "INBOX", "Junk", "Sent", "Trash"]


UUENCODED = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: x-uue\r\n\r\nabc"


async def test_what_cannot_be_given_is_left_out(place: Place, wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await wire.say("s SELECT INBOX")
    await wire.say("a NOTIFY SET (SELECTED (MessageNew (BINARY.PEEK[1]) MessageExpunge)) (INBOXES (MailboxName))")
    account = await place.storage.account("alice@alpha.test")
    arrivals = [Arrival((account.inbox,), each, int(NOW), NO_FLAGS) for each in (UUENCODED, b"A: b\r\n\r\nabc")]
    await other.say("b CREATE box")
    await place.storage.append(arrivals)
    told = await heard(wire)
    assert '* LIST (\\HasNoChildren) "/" box\r\n' in told
    assert "* 1 FETCH (UID 1)\r\n" in told
    assert told.endswith("* 2 FETCH (BINARY[1] {3}\r\nabc)\r\n")


async def test_items_are_not_of_the_mailbox_that_was_left(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MAX_TOLD", 1)
    wire, _ = wires
    account = await place.storage.account("alice@alpha.test")
    trash = account.find("Trash")
    assert trash is not None
    await wire.say("s SELECT INBOX")
    await wire.say("a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))")
    await place.storage.append([Arrival((trash,), b"A: b\r\n", int(NOW), NO_FLAGS)] * 3)
    await place.storage.append([Arrival((account.inbox,), b"A: b\r\n", int(NOW), NO_FLAGS)] * 3)
    first = b"* 3 EXISTS\r\n* 3 RECENT\r\n* 1 FETCH (UID 1)\r\n"
    assert await wire.until(len(first)) == first
    wire.feed(b"b SELECT Trash\r\n")
    assert (await heard(wire)).endswith("Select completed.\r\n")


async def test_without_message_numbers_there_is_always_something_to_tell(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9586 §3.3: the UID is in front already; a list of no items is no msg-att (RFC 3501 §9)."""
    monkeypatch.setattr(newcomers, "MAX_OCTETS", 1000)
    wire, _ = wires
    await wire.say("a ENABLE UIDONLY")
    await wire.say("b SELECT INBOX")
    await wire.say("c NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge))")
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), LARGE, int(NOW), NO_FLAGS)])
    assert await heard(wire) == "* 1 EXISTS\r\n* 1 RECENT\r\n* 1 UIDFETCH (UID 1)\r\n"


async def test_an_item_that_cannot_be_given_is_left_out_alone(place: Place, wires: tuple[Wire, Wire]) -> None:
    wire, _ = wires
    await wire.say("a SELECT INBOX")
    await wire.say("b NOTIFY SET (SELECTED (MessageNew (FLAGS BINARY.PEEK[1] ENVELOPE) MessageExpunge))")
    account = await place.storage.account("alice@alpha.test")
    content = b"Content-Transfer-Encoding: x-odd\r\n\r\nx\r\n"
    await place.storage.append([Arrival((account.inbox,), content, int(NOW), NO_FLAGS)])
    told = "* 1 FETCH (UID 1 FLAGS (\\Recent) ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"
    assert await heard(wire) == f"* 1 EXISTS\r\n* 1 RECENT\r\n{told}"
