"""Which right each command needs (RFC 4314 §4): without it the command is refused, with it alone it is not."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.database.commits.sharing import Change
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.model.flags import DELETED, SEEN, FlagSet
from postroad_store.mail.model.rights import ALL, MAX_IDENTIFIER, MAX_IDENTIFIERS
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BOX = b'"Other Users/alice@alpha.test/box"'
REFUSED = b"x NO [NOPERM] "


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    alice = await place.storage.account("alice@alpha.test")
    box = await place.storage.create(alice, "box")
    for flags in (FlagSet(DELETED), FlagSet(SEEN)):
        await place.storage.append([Arrival((box,), b"Subject: x\r\n\r\nx\r\n", int(NOW), flags)])
    bob = await place.storage.account("bob@alpha.test")
    await place.storage.append([Arrival((bob.inbox,), b"Subject: y\r\n\r\ny\r\n", int(NOW), FlagSet(SEEN))])
    yield place
    place.close()


async def share(place: Place, rights: str) -> None:
    alice = await place.storage.account("alice@alpha.test")
    await place.storage.sharing.set(alice, alice.selectable("box"), "bob@alpha.test", Change(frozenset(rights)))


async def answer(place: Place, *lines: bytes) -> bytes:
    """What bob is answered to the last line."""
    wire = Wire(place)
    for line in (b"l LOGIN bob@alpha.test builder", *lines):
        await wire.idle()
        wire.received.clear()
        wire.feed(line + b"\r\n")
    await wire.idle()
    wire.end()
    return bytes(wire.received)


# command, the rights that it needs, and what comes before it; those behind SELECT need "r" to get there
NEEDS = [
    (b"SELECT " + BOX, "r", ()),
    (b"EXAMINE " + BOX, "r", ()),
    (b"STATUS " + BOX + b" (MESSAGES)", "r", ()),
    (b"GETQUOTAROOT " + BOX, "r", ()),
    (b"APPEND " + BOX + b" {1+}\r\nx", "i", ()),
    (b"COPY 1 " + BOX, "i", (b"s SELECT INBOX",)),
    (b"UID COPY 1 " + BOX, "i", (b"s SELECT INBOX",)),
    (b"MOVE 1 " + BOX, "i", (b"s SELECT INBOX",)),
    (b"CREATE " + BOX[:-1] + b'/new"', "k", ()),
    (b"DELETE " + BOX, "x", ()),
    (b"RENAME " + BOX + b" " + BOX[:-1] + b'/new"', "xk", ()),
    (b"SETACL " + BOX + b" fred lr", "a", ()),
    (b"DELETEACL " + BOX + b" fred", "a", ()),
    (b"GETACL " + BOX, "a", ()),
    (b"LISTRIGHTS " + BOX + b" fred", "a", ()),
    (b"EXPUNGE", "e", (b"s SELECT " + BOX,)),
    (b"UID EXPUNGE 1", "e", (b"s SELECT " + BOX,)),
    (b"MOVE 2 INBOX", "te", (b"s SELECT " + BOX,)),
    (b"STORE 2 +FLAGS (\\Flagged)", "w", (b"s SELECT " + BOX,)),
    (b"STORE 2 +FLAGS ($Work)", "w", (b"s SELECT " + BOX,)),
    (b"STORE 2 -FLAGS (\\Seen)", "s", (b"s SELECT " + BOX,)),
    (b"STORE 2 +FLAGS (\\Deleted)", "t", (b"s SELECT " + BOX,)),
    (b"STORE 2 FLAGS (\\Deleted)", "t", (b"s SELECT " + BOX,)),
]


@pytest.mark.parametrize(("command", "needs", "before"), NEEDS, ids=lambda each: each if isinstance(each, str) else "")
async def test_without_the_right_it_is_refused_and_with_it_alone_it_is_not(
    place: Place, command: bytes, needs: str, before: tuple[bytes, ...]
) -> None:
    for missing in needs:
        await share(place, "".join(ALL - {missing}))
        assert REFUSED in await answer(place, *before, b"x " + command), missing
    await share(place, needs + ("r" if before and BOX in before[0] else ""))
    said = await answer(place, *before, b"x " + command)
    # a mailbox cannot become its own inferior: but then rights were not what was missing
    assert b"x OK" in said or b"x NO [CANNOT] A mailbox cannot become" in said


@pytest.mark.parametrize(("command", "needs", "before"), [row for row in NEEDS if not row[2]])
async def test_without_l_nobody_learns_that_there_is_a_mailbox(
    place: Place, command: bytes, needs: str, before: tuple[bytes, ...]
) -> None:
    await share(place, "".join(ALL - {*needs, "l"}))
    said = await answer(place, b"x " + command)
    if command.startswith(b"CREATE"):  # the name is of the client's own making
        assert REFUSED in said
    else:
        assert b"x NO [" in said
        assert b"Mailbox doesn't exist: Other Users/alice@alpha.test/box" in said


@pytest.mark.parametrize("right", sorted(ALL))
async def test_myrights_needs_one_of_lrikxa(place: Place, right: str) -> None:
    await share(place, right)
    said = await answer(place, b"x MYRIGHTS " + BOX)
    assert (b"x OK" in said) == (right in "lrikxa")


async def test_close_without_e_expunges_nothing_and_is_ok(place: Place) -> None:
    await share(place, "lrt")
    assert await answer(place, b"s SELECT " + BOX, b"x CLOSE") == b"x OK Close completed.\r\n"
    await share(place, "lre")
    assert b"(MESSAGES 2)" in await answer(place, b"x STATUS " + BOX + b" (MESSAGES)")
    await answer(place, b"s SELECT " + BOX, b"x CLOSE")
    assert b"(MESSAGES 1)" in await answer(place, b"x STATUS " + BOX + b" (MESSAGES)")


async def test_fetch_sets_seen_with_s_alone(place: Place) -> None:
    await share(place, "lr")
    fetch = (b"s SELECT " + BOX, b"x FETCH 1 BODY[TEXT]")
    assert b"\\Seen" not in await answer(place, *fetch)
    await share(place, "lrs")
    assert b"\\Seen" in await answer(place, *fetch)


async def test_flags_that_may_not_be_set_are_left_out_of_copies(place: Place) -> None:
    await share(place, "lri")
    await answer(place, b"s SELECT INBOX", b"x COPY 1 " + BOX)
    assert b"FETCH (FLAGS (\\Recent))" in await answer(place, b"s SELECT " + BOX, b"x FETCH 3 FLAGS")


async def test_identifiers_are_bounded(place: Place) -> None:
    alice = await place.storage.account("alice@alpha.test")
    box = alice.selectable("box")
    for number in range(MAX_IDENTIFIERS):
        await place.storage.sharing.set(alice, box, f"user{number}", Change(frozenset("l")))
    with pytest.raises(LimitReached, match="at most 100 identifiers"):
        await place.storage.sharing.set(alice, box, "one more", Change(frozenset("l")))


async def test_an_identifier_too_long_is_beyond_a_limit(place: Place) -> None:
    said = await answer(place, b"x SETACL INBOX " + b"u" * (MAX_IDENTIFIER + 1) + b" l")
    assert said == b"x NO [LIMIT] Error in IMAP command SETACL: Identifier too long\r\n"


async def test_rights_outlive_the_account_in_memory(place: Place) -> None:
    await share(place, "lr")
    place.storage._accounts._recent.clear()
    assert b"x OK" in await answer(place, b"x SELECT " + BOX)
    assert BOX in await answer(place, b'x LIST "" *')


async def test_a_selected_mailbox_is_renamed_though_its_owner_was_forgotten(place: Place) -> None:
    await share(place, "lr")
    bob = Wire(place)
    bob.feed(b"l LOGIN bob@alpha.test builder\r\n")
    await bob.idle()
    bob.feed(b"s SELECT " + BOX + b"\r\n")
    await bob.idle()
    place.storage._accounts._recent.clear()
    gc.collect()
    alice = await place.storage.account("alice@alpha.test")
    await place.storage.rename(alice, "box", "tin")
    assert bob.session.directory.name_of(bob.session.selected_view().mailbox) == "Other Users/alice@alpha.test/tin"
    bob.end()
