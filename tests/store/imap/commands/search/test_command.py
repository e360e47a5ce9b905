"""How SEARCH is answered, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.search import command
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.imap import Place, Wire

LOGIN = "l LOGIN alice@alpha.test wonderland"


async def enter(place: Place, wire: Wire, messages: int) -> None:
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"From: a@b\r\n\r\nx", 0, NO_FLAGS)] * messages)
    await wire.say(LOGIN)
    await wire.say("s SELECT INBOX")


async def test_a_long_answer_is_one_response(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STEP", 3)
    wire = connect()
    await enter(place, wire, 10)
    await wire.say("a STORE 4 +FLAGS.SILENT (\\Deleted)")
    await wire.say("b EXPUNGE")
    assert await wire.say("c SEARCH ALL") == "* SEARCH 1 2 3 4 5 6 7 8 9\r\nc OK Search completed.\r\n"
    assert await wire.say("d UID SEARCH ALL") == "* SEARCH 1 2 3 5 6 7 8 9 10\r\nd OK Search completed.\r\n"
    assert await wire.say("e UID SEARCH 4") == "* SEARCH 5\r\ne OK Search completed.\r\n"
    assert await wire.say("f SEARCH UID 4") == "* SEARCH\r\nf OK Search completed.\r\n"


async def test_a_search_ends_with_its_client(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_store.mail.search.pacer.PAUSE_AFTER", 0.0)
    wire, other = connect(), connect()
    await enter(place, wire, 3)
    await enter(place, other, 0)
    wire.feed(b"a SEARCH " + b"TEXT x " * 5000 + b"ALL\r\n")
    wire.close()
    assert await other.say("b SEARCH FROM a@b") == "* SEARCH 1 2 3\r\nb OK Search completed.\r\n"
    await wire.idle()
    assert b"a OK" not in wire.received


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NOT " * 15000 + "1", "1"),
        ("OR 9 " * 12000 + "2", "2"),
        ("OR " * 8000 + "1 " * 8000 + "2", "1 2"),
        ("(" * 30000 + "1" + ")" * 30000, "1"),
        ("1 " * 20000 + "ALL", "1"),
    ],
)
async def test_terms_nested_thousands_deep(place: Place, connect: Callable[[], Wire], text: str, found: str) -> None:
    """Jakarta Mail's OrTerm nests one level per term."""
    wire = connect()
    await enter(place, wire, 3)
    assert await wire.say(f"a SEARCH {text}") == f"* SEARCH {found}\r\na OK Search completed.\r\n"
