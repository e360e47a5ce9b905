"""SELECT and STATUS of a mailbox that takes long to read say what they say of any other, and others go on meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail import loader
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import SEEN, FlagSet
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postroad_store.mail.model.contents import Contents
    from postroad_store.mail.model.mailbox import Mailbox


async def deliver(place: Place, *flags: int) -> None:
    inbox = (await place.storage.account("alice@alpha.test")).inbox
    for system in flags:
        await place.storage.append([Arrival((inbox,), b"a: b\r\n\r\nc", int(NOW), FlagSet(system))])


async def asked(place: Place, command: str) -> str:
    wire = Wire(place)
    await wire.say("l LOGIN alice@alpha.test wonderland")
    answer = await wire.say(command)
    wire.end()
    (await place.storage.account("alice@alpha.test")).inbox.unload()
    return answer


@pytest.mark.parametrize(
    "command", ["a STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)", "a EXAMINE INBOX", "a SELECT INBOX"]
)
async def test_the_answer_is_the_same(place: Place, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await deliver(place, SEEN, SEEN, 0, SEEN, 0)
    seen = await asked(place, "a EXAMINE INBOX")
    assert "* OK [UNSEEN 3]" in seen
    await asked(place, "a SELECT INBOX")  # \Recent no longer, whoever looks next
    small = await asked(place, command)
    monkeypatch.setattr(loader, "LARGE", 2)
    assert await asked(place, command) == small


@pytest.fixture
def reading(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every mailbox is large, and the thread that reads waits until this is set."""
    go_on = threading.Event()
    reader = place.storage._loader._reader_apart
    contents = reader.contents

    def wait(mailbox: Mailbox) -> Contents | None:
        assert go_on.wait(10)
        return contents(mailbox)

    monkeypatch.setattr(loader, "LARGE", 0)
    monkeypatch.setattr(reader, "contents", wait)
    yield go_on
    go_on.set()


async def test_others_go_on_meanwhile(place: Place, reading: threading.Event, connect: Callable[[], Wire]) -> None:
    await deliver(place, 0, 0, 0)
    waiting, other = connect(), connect()
    for wire in (waiting, other):
        await wire.say("l LOGIN alice@alpha.test wonderland")
    waiting.feed(b"a SELECT INBOX\r\nb FETCH 4 FLAGS\r\n")
    await deliver(place, SEEN)
    assert await other.say("a NOOP") == "a OK NOOP completed.\r\n"
    reading.set()
    await waiting.idle()
    answer = (await waiting.until(0)).decode()
    assert "* 4 EXISTS\r\n" in answer
    assert "* 4 FETCH (FLAGS (\\Seen \\Recent))\r\n" in answer


async def test_a_mailbox_that_goes_meanwhile(
    place: Place, reading: threading.Event, connect: Callable[[], Wire]
) -> None:
    account = await place.storage.account("alice@alpha.test")
    await place.storage.create(account, "box")
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    wire.feed(b"a SELECT box\r\n")
    await place.storage.delete(account, "box")
    reading.set()
    await wire.idle()
    assert (await wire.until(0)).startswith(b"a NO [NONEXISTENT] ")
