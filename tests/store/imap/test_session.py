"""What dialogues cannot show: slow clients, large messages, things that break, many commands at once."""

from __future__ import annotations

import asyncio
import errno
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from postroad.journal import Kind
from postroad.mail.content import SPILL_AT, Content
from postroad.world.guesses import TooManyGuesses
from postroad_store.imap import appends
from postroad_store.imap.commands.append import grammar
from postroad_store.imap.commands.append.building import take_octets, take_segment
from postroad_store.imap.commands.noop import Noop
from postroad_store.imap.events import Bad, Octets
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import StorageFull
from postroad_store.mail.model.flags import MAX_KEYWORDS, FlagSet
from postroad_store.mail.opened import OpenMessage
from postroad_store.protocol.contract import Farewell
from tests.harness.imap import NOW, Place, Wire
from tests.harness.wire import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN = "l LOGIN alice@alpha.test wonderland"


async def enter(wire: Wire, mailbox: str = "INBOX") -> Wire:
    await wire.say(LOGIN)
    await wire.say(f"s SELECT {mailbox}")
    return wire


async def deliver(place: Place, *contents: bytes) -> None:
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), content, int(NOW), FlagSet()) for content in contents])


def literal_append(tag: str, content: bytes) -> bytes:
    return f"{tag} APPEND INBOX {{{len(content)}+}}\r\n".encode() + content + b"\r\n"


@pytest.mark.parametrize("command", ["EXPUNGE", "CLOSE"])
async def test_only_what_the_client_knows_is_expunged(command: str, place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, b"1", b"2", b"3", b"4", b"5")
    wire, other = await enter(connect()), await enter(connect())
    await other.say("a STORE 3 +FLAGS.SILENT (\\Deleted)")
    await other.say("b EXPUNGE")
    await deliver(place, b"6", b"7")
    await other.say("c NOOP")
    await other.say("d UID STORE 2,4,7 +FLAGS.SILENT (\\Deleted)")  # `wire` has been told neither of 3 nor of 6 and 7
    await wire.say(f"e {command}")
    assert "* SEARCH 1 5 6 7\r\n" in await other.say("f UID SEARCH ALL")


LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (3 << 16)  # 3 MiB


async def test_a_large_message_goes_in_and_out_in_pieces(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    announced = f"a APPEND INBOX {{{len(LARGE)}}}\r\n".encode()
    wire.feed(announced)
    assert await wire.until(1) == b"+ OK\r\n"
    for start in range(0, len(LARGE), 65536):
        wire.feed(LARGE[start : start + 65536])
        if start > SPILL_AT:
            assert list(place.incoming.iterdir())  # not in memory
    wire.feed(b"\r\n")
    await wire.idle()
    assert b"a OK [APPENDUID" in await wire.until(0)
    assert not list(place.incoming.iterdir())
    answer = await wire.say("b FETCH 1 (BODY.PEEK[] UID)")
    assert answer.encode() == b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\nb OK Fetch completed.\r\n" % (len(LARGE), LARGE)
    answer = await wire.say("c FETCH 1 (BODY.PEEK[TEXT]<16.20> BODY.PEEK[HEADER.FIELDS (SUBJECT)] ENVELOPE)")
    assert "BODY[TEXT]<16> {20}\r\n0123456789abcdef0123 BODY[HEADER.FIELDS (SUBJECT)] {18}\r\nSubject: large" in answer


async def test_a_large_message_gets_its_crlf_wherever_it_is_cut(place: Place, connect: Callable[[], Wire]) -> None:
    chance = random.Random(5)
    line_ends = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"x"]
    for last in (b"\r", b"\n", b"x"):
        octets = b"a: b\r\n\r\n" + b"".join(chance.choices(line_ends, k=SPILL_AT)) + last
        wire = await enter(connect())
        wire.feed(literal_append("a", octets))
        wire.feed(b"b NOOP\r\n")
        await wire.idle()
        assert b"a OK [APPENDUID" in await wire.until(0)
        account = await place.storage.account("alice@alpha.test")
        stored = place.storage.content(account.inbox, account.inbox.uids[-1])
        assert stored == octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert not list(place.incoming.iterdir())


async def test_large_messages_are_pipelined(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    body = b"a: b\r\n\r\n" + b"x" * SPILL_AT
    wire.feed(b"".join(literal_append(tag, body) for tag in "abc") + b"d NOOP\r\n")
    await wire.idle()
    answer = await wire.until(0)
    assert re.findall(rb"^([abcd]) OK", answer, re.MULTILINE) == [b"a", b"b", b"c", b"d"]


async def test_a_slow_reader_costs_no_memory(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, *[LARGE] * 3)
    wire = await enter(connect())
    wire.feed(b"a FETCH 1:* BODY.PEEK[]\r\n")
    wire.may_write(writable=False)  # the client stops reading after the first pieces
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(wire.received) < 2 << 20
    wire.may_write(writable=True)
    await wire.idle()
    assert (await wire.until(0)).endswith(b"a OK Fetch completed.\r\n")


async def test_large_and_small_messages_together(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, b"x: y\r\n\r\n", LARGE, b"x: y\r\n\r\n")
    wire = await enter(connect())
    answer = (await wire.say("a FETCH 1:* BODY[]")).encode()
    sizes = [8, len(LARGE), 8]
    texts = [b"x: y\r\n\r\n", LARGE, b"x: y\r\n\r\n"]
    assert answer == b"".join(
        b"* %d FETCH (FLAGS (\\Seen \\Recent) BODY[] {%d}\r\n%b)\r\n" % row
        for row in zip(range(1, 4), sizes, texts, strict=True)
    ) + (b"a OK Fetch completed.\r\n")


async def test_a_slow_reader_from_the_first_octet(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, LARGE)
    wire = await enter(connect())
    wire.may_write(writable=True)
    wire.session.engine.receive_data(b"a FETCH 1 BODY.PEEK[]\r\n")
    event = wire.session.engine.next_event()
    assert event is not None
    wire.writable = False
    work = wire.session.handle(event)
    assert work is not None
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    assert 0 < len(wire.received) < 1 << 20
    wire.may_write(writable=True)
    await task
    wire.flush()
    assert (await wire.until(0)).endswith(b"a OK Fetch completed.\r\n")


async def in_the_midst(wire: Wire) -> asyncio.Future[None]:
    """Begin to fetch the large message, and stop reading; return what goes on with it."""
    wire.writable = True
    wire.session.engine.receive_data(b"a FETCH 1 BODY.PEEK[]\r\n")
    event = wire.session.engine.next_event()
    assert event is not None
    wire.writable = False
    work = wire.session.handle(event)
    assert work is not None
    return asyncio.ensure_future(work)


async def test_removed_in_the_midst_of_its_literal(place: Place, connect: Callable[[], Wire]) -> None:
    """RFC 2180 §4.1.1: it is available to satisfy the FETCH."""
    await deliver(place, LARGE)
    wire, other = await enter(connect()), await enter(connect())
    task = await in_the_midst(wire)
    await other.say("b STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.say("c EXPUNGE")
    wire.may_write(writable=True)
    await task
    wire.flush()
    assert await wire.until(0) == b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\na OK Fetch completed.\r\n" % (len(LARGE), LARGE)
    assert await wire.say("b FETCH 1 UID") == "b NO [EXPUNGEISSUED] Some of the requested messages no longer exist.\r\n"


async def test_octets_are_missing_in_the_midst_of_a_literal(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    await deliver(place, LARGE)
    wire = await enter(connect())
    task = await in_the_midst(wire)
    monkeypatch.setattr(OpenMessage, "octets", lambda *_: b"")
    wire.may_write(writable=True)
    await task
    assert wire.closed
    assert wire.session.in_literal
    got = await wire.until(0)
    assert b"a OK" not in got
    wire.session.farewell(Farewell.SHUTDOWN)  # nothing more may be said
    assert wire.session.engine.data_to_send() == b""


async def test_octets_are_missing_of_a_header(place: Place, connect: Callable[[], Wire], monkeypatch: Any) -> None:
    await deliver(place, LARGE)
    wire = await enter(connect())
    monkeypatch.setattr(OpenMessage, "octets", lambda *_: b"")
    wire.feed(b"a FETCH 1 BODY.PEEK[HEADER.FIELDS (X)]\r\n")
    assert wire.closed


async def test_messages_that_are_gone(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, *[b"Subject: %d\r\n\r\n" % number for number in range(6)], LARGE)
    wire, other = await enter(connect()), await enter(connect())
    await other.say("b STORE 2,4,7 +FLAGS.SILENT (\\Deleted)")
    await other.say("c EXPUNGE")
    answer = await wire.say("a FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER])")
    assert [int(number) for number in re.findall(r"\* (\d+) FETCH", answer)] == [1, 3, 5, 6]
    assert answer.endswith("a NO [EXPUNGEISSUED] Some of the requested messages no longer exist.\r\n")
    assert (await wire.say("b FETCH 2,4 ENVELOPE")).startswith("b NO [EXPUNGEISSUED]")
    assert (await wire.say("c FETCH 2 BODY[1]")).startswith("c NO [EXPUNGEISSUED]")
    answer = await wire.say("d FETCH 1,3:6 (INTERNALDATE RFC822.SIZE)")
    assert [int(number) for number in re.findall(r"\* (\d+) FETCH", answer)] == [1, 3, 5, 6]
    assert (await wire.say("e COPY 2,4 Sent")) == (
        "* 7 EXPUNGE\r\n* 4 EXPUNGE\r\n* 2 EXPUNGE\r\n* 4 RECENT\r\n"
        "e NO [EXPUNGEISSUED] Some of the requested messages no longer exist.\r\n"
    )


async def test_seen_is_set_for_those_that_lack_it(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, *[b"Subject: %d\r\n\r\n" % number for number in range(4)])
    wire = await enter(connect())
    await wire.say("a STORE 2 FLAGS.SILENT (\\Seen)")
    answer = await wire.say("b FETCH 1:3 BODY[TEXT]")
    seen = "FLAGS (\\Seen \\Recent) "
    assert answer == "".join(
        f"* {number} FETCH ({extra}BODY[TEXT] {{0}}\r\n)\r\n" for number, extra in ((1, seen), (2, ""), (3, seen))
    ) + ("b OK Fetch completed.\r\n")
    assert place.journal.entries == []  # no whole message was read
    await wire.say("c UID FETCH 1:4 RFC822")
    kind, detail = place.journal.entries[-1]
    assert (kind, detail["uid"], detail["mailbox"], detail["account"]) == (
        Kind.RETRIEVED,
        "1:4",
        "INBOX",
        "alice@alpha.test",
    )


async def test_many_pipelined_appends(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    count = appends.MAX_PENDING * 2 + 50
    wire.feed(b"".join(literal_append(f"a{number}", b"Subject: x\r\n\r\n") for number in range(count)))
    await wire.idle()
    answers = (await wire.until(0)).decode().splitlines()
    tagged = [line.split()[0] for line in answers if line.startswith("a")]
    assert tagged == [f"a{number}" for number in range(count)]
    assert await wire.say("z FETCH * UID") == f"* {count} FETCH (UID {count})\r\nz OK Fetch completed.\r\n"


async def test_many_octets_of_pipelined_appends(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    wire.feed(b"".join(literal_append(f"a{number}", b"x: y\r\n\r\n" + b"z" * 1500000) for number in range(4)))
    await wire.idle()
    answers = (await wire.until(0)).decode()
    assert re.findall(r"(a\d) OK", answers) == ["a0", "a1", "a2", "a3"]


async def test_an_append_waits_its_turn_to_be_refused(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    wire.feed(literal_append("a", b"x: y\r\n\r\n") + b"b APPEND nope {5}\r\nc NOOP x\r\n")
    await wire.idle()
    answers = (await wire.until(0)).decode().splitlines()
    assert [line[:6] for line in answers if line[0] != "*"] == ["a OK [", "b NO [", "c BAD "]


async def test_other_commands_wait_for_appends(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    wire.feed(literal_append("a", b"x: y\r\n\r\n") + b"b SEARCH ALL\r\nc NOOP\r\n")
    await wire.idle()
    answers = (await wire.until(0)).decode().splitlines()
    assert [line.partition(" [")[0] for line in answers[2:]] == [
        *("a OK", "* SEARCH 1", "b OK Search completed.", "c OK NOOP completed.")
    ]


async def test_append_to_a_mailbox_that_goes_away(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    await wire.say(LOGIN)
    await other.say(LOGIN)
    await wire.say("a CREATE box")
    await wire.say("b APPEND box {5}")
    await other.say("a DELETE box")
    assert (await wire.say("x: y\n")).startswith("b NO [TRYCREATE]")


async def test_append_to_a_full_disk(place: Place, connect: Callable[[], Wire], monkeypatch: Any) -> None:
    wire = await enter(connect())

    def full(self: Content, block: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Content, "write", full)
    assert await wire.say(literal_append("a", b"x" * 100)[:-2]) == (
        "a NO [UNAVAILABLE] Message can't be kept: No space left on device\r\n"
    )
    await wire.say("b APPEND INBOX {9}")
    wire.feed(b"one")
    wire.feed(b"two")
    assert (await wire.say("six")).startswith("b NO [UNAVAILABLE]")
    assert await wire.say("c NOOP") == "c OK NOOP completed.\r\n"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (StorageFull("the disk is full"), "a NO [UNAVAILABLE] The disk is full\r\n"),
        (RuntimeError("a bug"), "a NO [SERVERBUG] Internal error occurred.\r\n"),
    ],
)
async def test_append_fails(
    place: Place, connect: Callable[[], Wire], monkeypatch: Any, error: Exception, answer: str
) -> None:
    wire = await enter(connect())

    async def fail(arrivals: Any) -> None:
        raise error

    monkeypatch.setattr(place.storage, "append", fail)
    assert await wire.say(literal_append("a", b"x: y\r\n")[:-2]) == answer


async def test_the_client_goes_away_with_appends_under_way(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    wire.feed(literal_append("a", b"x: y\r\n") + b"b APPEND INBOX {10}\r\nabc")
    pending = [append.future for append in wire.session.appends.pending]
    assert pending
    wire.end()
    await asyncio.gather(*pending)
    await asyncio.sleep(0)
    assert not list(place.incoming.iterdir())
    other = await enter(connect())
    assert "* 1 FETCH" in await other.say("a FETCH 1 UID")


async def test_commands_fail_with_the_storage(place: Place, connect: Callable[[], Wire], monkeypatch: Any) -> None:
    await deliver(place, b"x: y\r\n\r\n")
    wire = await enter(connect())

    async def fail(*_: Any, **__: Any) -> None:
        raise StorageFull("the disk is full")

    def fail_at_once(*_: Any, **__: Any) -> None:
        raise StorageFull("the disk is full")

    monkeypatch.setattr(place.storage, "store", fail)
    monkeypatch.setattr(place.storage, "fetch", fail_at_once)
    monkeypatch.setattr(place.storage, "columns", fail_at_once)
    refusal = "NO [UNAVAILABLE] The disk is full\r\n"
    assert await wire.say("a STORE 1 FLAGS (\\Seen)") == "a " + refusal
    assert await wire.say("b FETCH 1 ENVELOPE") == "b " + refusal
    assert await wire.say("c FETCH 1 BODY[TEXT]") == "c " + refusal
    wire.feed(literal_append("d", b"x: y\r\n") + b"e FETCH 1 ENVELOPE\r\n")
    await wire.idle()
    assert (await wire.until(0)).decode().endswith("e " + refusal)


async def test_a_crash_is_answered(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    session = wire.session
    session.engine.receive_data(b"a NOOP\r\n")
    event = session.engine.next_event()
    assert event is not None
    session.failed(event)
    assert session.engine.data_to_send() == b"a NO [SERVERBUG] Internal error occurred.\r\n"
    assert await wire.say("b NOOP") == "b OK NOOP completed.\r\n"
    session.failed(Bad(None, "what has no tag can't be answered"))
    assert wire.closed


async def test_capabilities_after_login(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    answer = await wire.say("a CAPABILITY")
    assert answer.endswith("a OK Capability completed.\r\n")
    assert {"IMAP4rev1", "UIDPLUS", "MOVE", "SPECIAL-USE"} <= set(answer.split())
    assert "AUTH=PLAIN" not in answer


async def test_flags_of_a_message_that_has_gone_are_not_told(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, b"x: y\r\n\r\n", b"x: y\r\n\r\n")
    wire, other = await enter(connect()), await enter(connect())
    await other.say("a STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    await other.say("b UID EXPUNGE 1")
    assert await wire.say("a FETCH 2 UID") == (
        "* 2 FETCH (UID 2)\r\n* 2 FETCH (FLAGS (\\Deleted \\Recent))\r\na OK Fetch completed.\r\n"
    )
    await other.say("c STORE 1 -FLAGS.SILENT (\\Deleted)")
    assert await wire.say("b UID FETCH 2 UID") == (
        "* 2 FETCH (UID 2)\r\n* 1 EXPUNGE\r\n* 1 RECENT\r\n* 1 FETCH (UID 2 FLAGS (\\Recent))\r\n"
        "b OK Fetch completed.\r\n"
    )


async def test_the_storage_fails_in_a_literal(connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    wire.session.in_literal = True
    wire.session.refuse(Noop(b"a"), StorageFull("the disk is full"))
    assert wire.closed
    assert wire.received == b""


@pytest.mark.parametrize(
    ("reason", "text"),
    [(Farewell.IDLE, b"Disconnected for inactivity."), (Farewell.SHUTDOWN, b"Server shutting down.")],
)
async def test_farewell(connect: Callable[[], Wire], reason: Farewell, text: bytes) -> None:
    wire = connect()
    wire.session.farewell(reason)
    assert wire.session.engine.data_to_send() == b"* BYE " + text + b"\r\n"


async def test_idle_waits_for_a_slow_reader(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a IDLE")
    wire.may_write(writable=False)
    await deliver(place, b"x: y\r\n\r\n")
    await deliver(place, b"x: y\r\n\r\n")
    await asyncio.sleep(0)
    assert wire.received == b""
    wire.may_write(writable=True)
    assert await wire.until(1) == b"* 2 EXISTS\r\n* 2 RECENT\r\n"


async def test_a_slow_reader_is_cut_off_while_it_idles(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a IDLE")
    wire.may_write(writable=False)
    await deliver(place, b"x: y\r\n\r\n")
    await asyncio.sleep(0)
    telling = wire.session.watch.telling
    assert isinstance(telling, asyncio.Task)
    wire.close()  # as the adapter does when the service stops
    async with asyncio.timeout(PATIENCE):
        await telling  # raises nothing that asyncio would log
    assert wire.received == b""


async def test_the_client_goes_away_while_it_idles(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a IDLE")
    await deliver(place, b"x: y\r\n\r\n")
    assert await wire.until(1) == b"* 1 EXISTS\r\n* 1 RECENT\r\n"
    wire.session.current_account().inbox.tell()
    wire.end()
    await asyncio.sleep(0)
    assert wire.received == b""


async def test_idle_ends_just_before_it_would_tell(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a IDLE")
    account = wire.session.current_account()
    account.inbox.tell()  # news, which is told at the loop's next turn
    wire.feed(b"DONE\r\n")
    await asyncio.sleep(0)
    assert await wire.until(1) == b"a OK Idle completed.\r\n"


async def test_idle_on_what_is_new_already(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await deliver(place, b"x: y\r\n\r\n")
    assert await wire.say("a IDLE") == "+ idling\r\n* 1 EXISTS\r\n* 1 RECENT\r\n"


async def test_closing_a_mailbox_that_is_gone(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say(LOGIN)
    await wire.say("a CREATE box")
    await wire.say("b SELECT box")
    await place.storage.delete(wire.session.current_account(), "box")
    assert await wire.say("c CLOSE") == "c OK Close completed.\r\n"
    assert await wire.say("d CHECK") == "d BAD No mailbox selected\r\n"


async def test_idle_on_a_mailbox_that_is_gone(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say(LOGIN)
    await wire.say("a CREATE box")
    await wire.say("b SELECT box")
    await place.storage.delete(wire.session.current_account(), "box")
    assert (await wire.say("c IDLE")).endswith("* BYE Selected mailbox was deleted, have to disconnect.\r\n")
    assert wire.closed


@pytest.mark.parametrize("command", ["IDLE", "NOOP", "UID FETCH 1:* FLAGS"])
async def test_a_mailbox_that_a_snapshot_has_given_back(
    place: Place, connect: Callable[[], Wire], command: str
) -> None:
    """The client hears why it has to go, though its mailbox is told of first."""
    wire = connect()
    await wire.say(LOGIN)
    await wire.say("a SELECT INBOX")
    login = wire.session.current_account().login
    await place.storage.snapshots.take("default", "seeded", "t", [login], most=1)
    await place.storage.snapshots.restore("default", "seeded", "r", [login])
    said = await wire.say(f"c {command}")
    assert said.endswith("* BYE The mailboxes have been restored, have to disconnect.\r\n")
    assert wire.closed


async def test_as_many_keywords_as_there_may_be(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, b"x: y\r\n\r\n")
    wire = await enter(connect())
    words = " ".join(f"k{number}" for number in range(MAX_KEYWORDS))
    answer = await wire.say(f"a STORE 1 FLAGS.SILENT ({words})")
    assert f"[PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft {words})]" in answer  # and no \\*
    assert (await wire.say("b STORE 1 +FLAGS (more)")).startswith("b NO [LIMIT] ")


async def test_a_text_asked_for_again_and_again_costs_no_memory(place: Place, connect: Callable[[], Wire]) -> None:
    content = b"x: y\r\n\r\n" + b"z" * 500_000
    await deliver(place, *[content] * 2)
    wire = await enter(connect())
    wire.feed(b"a FETCH 1:2 (" + b" ".join(b"BODY.PEEK[]<%d.500000>" % number for number in range(50)) + b")\r\n")
    wire.may_write(writable=False)
    assert len(wire.received) < 4 << 20
    wire.may_write(writable=True)
    await wire.idle()
    assert len(await wire.until(0)) > 49_000_000


async def test_status_of_the_selected_mailbox(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await deliver(place, b"x: y\r\n\r\n")
    assert await wire.say("a STATUS INBOX (MESSAGES RECENT)") == (
        "* 1 EXISTS\r\n* 1 RECENT\r\n* STATUS INBOX (MESSAGES 1 RECENT 1)\r\n"
        "a OK [CLIENTBUG] Status on selected mailbox completed.\r\n"
    )


async def test_names_that_are_no_names(connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say(LOGIN)
    assert await wire.say('a SELECT "&AGE-"') == "a NO [CANNOT] Mailbox name is not valid mUTF-7\r\n"
    assert await wire.say('b RENAME "&AGE-" x') == "b NO [CANNOT] Mailbox name is not valid mUTF-7\r\n"
    await wire.say("s SELECT INBOX")
    await wire.say("a APPEND INBOX {4+}\r\na: b")
    for name in ('"&AGE-"', '""', "nope/", '"a%b"'):  # TRYCREATE would send the client round in circles
        for command in ("COPY 1", "MOVE 1", "UID COPY 1", "STATUS", "APPEND"):
            rest = {"STATUS": " (MESSAGES)", "APPEND": " {4}"}.get(command, "")
            assert (await wire.say(f"t {command} {name}{rest}")).startswith("t NO [CANNOT] ")
    long = "x" * 999
    assert await wire.say(f'c LIST "" {long}%%') == "c NO [LIMIT] Mailbox pattern is too long\r\n"
    assert await wire.say(f'd LSUB "" {long}%%') == "d NO [LIMIT] Mailbox pattern is too long\r\n"


async def test_what_the_engine_would_not_let_through(connect: Callable[[], Wire]) -> None:
    session = connect().session
    with pytest.raises(RuntimeError):
        session.current_account()
    with pytest.raises(RuntimeError):
        session.selected_view()
    with pytest.raises(RuntimeError):
        take_segment(session, grammar.More(b"a", None, False, (), grammar.Place.WHOLE, False))
    take_octets(session, Octets(b"a", b"octets"))  # of an APPEND that was refused


async def test_thousands_of_messages_are_told_in_turns(place: Place, connect: Callable[[], Wire]) -> None:
    count = 4000
    await deliver(place, *[b"x: y\r\n\r\n"] * count)
    wire = await enter(connect())
    answer = await wire.say("a FETCH 1:* FLAGS")
    assert answer.count("FETCH (FLAGS (\\Recent))") == count
    answer = await wire.say("b STORE 1:* +FLAGS (\\Seen)")
    assert answer.count("FETCH (FLAGS (\\Seen \\Recent))") == count
    assert await wire.say("c SEARCH SEEN 3999:*") == "* SEARCH 3999 4000\r\nc OK Search completed.\r\n"
    assert await wire.say("d SEARCH UNSEEN UID 1:*") == "* SEARCH\r\nd OK Search completed.\r\n"
    await wire.say("e STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await wire.say("f CLOSE")
    assert place.journal.entries[-1][1]["uid"] == "1:4000"
    await wire.say("g SELECT INBOX")
    assert await wire.say("h SEARCH 1:* UID 1") == "* SEARCH\r\nh OK Search completed.\r\n"
    assert await wire.say("i FETCH * UID") == "i BAD Error in IMAP command FETCH: Invalid messageset\r\n"
    assert await wire.say("j UID FETCH * UID") == "j OK Fetch completed.\r\n"


async def test_a_large_mailbox_is_opened_while_others_go_on(
    place: Place, connect: Callable[[], Wire], monkeypatch: Any
) -> None:
    await deliver(place, *[b"x: y\r\n\r\n"] * 3)
    monkeypatch.setattr("postroad_store.mail.loader.LARGE", 1)
    wire, other = connect(), connect()
    await wire.say(LOGIN)
    await other.say(LOGIN)
    wire.feed(b"a STATUS INBOX (MESSAGES)\r\nb SELECT INBOX\r\nc FETCH 3 UID\r\n")
    assert await other.say("a NOOP") == "a OK NOOP completed.\r\n"
    await wire.idle()
    answer = (await wire.until(0)).decode()
    assert answer.startswith("* STATUS INBOX (MESSAGES 3)\r\na OK Status completed.\r\n* FLAGS ")
    assert answer.endswith("b OK [READ-WRITE] Select completed.\r\n* 3 FETCH (UID 3)\r\nc OK Fetch completed.\r\n")


async def test_logins_leave_a_line_in_the_log(place: Place, connect: Callable[[], Wire], caplog: Any) -> None:
    caplog.set_level("INFO", logger="postroad_store.imap")
    wire = connect()
    await wire.say("a LOGIN alice@alpha.test wrong")
    await wire.say("b AUTHENTICATE NTLM")
    await wire.say(LOGIN)
    lines = [(record.getMessage(), record.command, getattr(record, "reply", "")) for record in caplog.records]
    assert lines == [
        ("imap login failed", "LOGIN", "NO [AUTHENTICATIONFAILED] Authentication failed."),
        ("imap login failed", "AUTHENTICATE NTLM", "NO [CANNOT] Unsupported authentication mechanism."),
        ("imap login", "LOGIN", ""),
    ]
    assert {record.peer for record in caplog.records} == {"192.0.2.1"}
    noted = [(kind, detail["command"], detail["peer"], detail["reply"]) for kind, detail in place.journal.entries]
    assert noted == [(Kind.REFUSED, "AUTH", "192.0.2.1", reply) for _, _, reply in lines[:2]]
    assert place.journal.entries[0][1]["login"] == "alice@alpha.test"


async def test_a_login_that_is_not_even_tried(place: Place, connect: Callable[[], Wire], monkeypatch: Any) -> None:
    async def too_many(*_: object) -> None:
        raise TooManyGuesses("alice")

    monkeypatch.setattr(place.accounts, "authenticate", too_many)
    wire = connect()
    assert (await wire.say(LOGIN)).endswith("l NO [UNAVAILABLE] Too many failed logins, try again later.\r\n")
    assert not wire.closed


async def test_flags_that_others_have_changed(place: Place, connect: Callable[[], Wire]) -> None:
    await deliver(place, *[b"x: y\r\n\r\n"] * 3)
    wire, other = await enter(connect()), await enter(connect())
    await other.say("a STORE 1,3 +FLAGS.SILENT (\\Seen)")
    assert await wire.say("a NOOP") == (
        "* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n* 3 FETCH (FLAGS (\\Seen \\Recent))\r\na OK NOOP completed.\r\n"
    )
    await other.say("b STORE 2:3 FLAGS.SILENT (\\Draft)")
    assert await wire.say("b NOOP") == (
        "* 2 FETCH (FLAGS (\\Draft \\Recent))\r\n* 3 FETCH (FLAGS (\\Draft \\Recent))\r\nb OK NOOP completed.\r\n"
    )
