"""How SEARCH is answered, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.search import answer, found
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
    monkeypatch.setattr(found, "STEP", 3)
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
    ("text", "numbers"),
    [
        ("NOT " * 15000 + "1", "1"),
        ("OR 9 " * 12000 + "2", "2"),
        ("OR " * 8000 + "1 " * 8000 + "2", "1 2"),
        ("(" * 30000 + "1" + ")" * 30000, "1"),
        ("1 " * 20000 + "ALL", "1"),
    ],
)
async def test_terms_nested_thousands_deep(place: Place, connect: Callable[[], Wire], text: str, numbers: str) -> None:
    """Jakarta Mail's OrTerm nests one level per term."""
    wire = connect()
    await enter(place, wire, 3)
    assert await wire.say(f"a SEARCH {text}") == f"* SEARCH {numbers}\r\na OK Search completed.\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 100])
async def test_a_compact_answer_is_one_set(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(found, "STEP", step)
    wire = connect()
    await enter(place, wire, 12)
    await wire.say("a STORE 4,8 +FLAGS.SILENT (\\Deleted)")
    await wire.say("b EXPUNGE")
    for number, (keys, numbers, uids) in enumerate(
        [
            ("ALL", "1:10", "1:3,5:7,9:12"),
            ("1", "1", "1"),
            ("OR 1:2 OR 4 10", "1:2,4,10", "1:2,5,12"),
            ("OR 1 OR 3 OR 5 OR 7 9", "1,3,5,7,9", "1,3,6,9,11"),
        ]
    ):
        tag = f"c{number}"
        assert await wire.say(f"{tag} SEARCH RETURN () {keys}") == (
            f'* ESEARCH (TAG "{tag}") ALL {numbers}\r\n{tag} OK Search completed.\r\n'
        )
        tag = f"d{number}"
        assert await wire.say(f"{tag} UID SEARCH RETURN () {keys}") == (
            f'* ESEARCH (TAG "{tag}") UID ALL {uids}\r\n{tag} OK Search completed.\r\n'
        )
        await wire.say(f"e SEARCH RETURN (SAVE) {keys}")
        tag = f"f{number}"
        assert await wire.say(f"{tag} SEARCH RETURN () $") == (
            f'* ESEARCH (TAG "{tag}") ALL {numbers}\r\n{tag} OK Search completed.\r\n'
        )


async def test_a_result_that_is_too_large_is_not_saved(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "MAX_SAVED", 2)
    wire = connect()
    await enter(place, wire, 6)
    assert await wire.say("a SEARCH RETURN (SAVE) OR 1 3") == "a OK Search completed.\r\n"
    assert await wire.say("b SEARCH $") == "* SEARCH 1 3\r\nb OK Search completed.\r\n"
    assert await wire.say("c SEARCH RETURN (SAVE COUNT) OR 1 OR 3 5") == (
        '* ESEARCH (TAG "c") COUNT 3\r\nc NO [NOTSAVED] The result has too many parts to be saved.\r\n'
    )
    assert await wire.say("d SEARCH $") == "* SEARCH\r\nd OK Search completed.\r\n"


async def test_all_is_saved_with_all(place: Place, connect: Callable[[], Wire]) -> None:
    """RFC 5182 §2.4: MIN and MAX pick out what is saved, unless ALL or COUNT is there."""
    wire = connect()
    await enter(place, wire, 6)
    for returned, saved in (("MIN", "1"), ("MIN MAX", "1 5"), ("MIN ALL", "1 3 5"), ("MAX COUNT", "1 3 5")):
        await wire.say(f"a SEARCH RETURN (SAVE {returned}) OR 1 OR 3 5")
        assert await wire.say("b SEARCH $") == f"* SEARCH {saved}\r\nb OK Search completed.\r\n"


async def test_the_saved_result_has_no_numbers(place: Place, connect: Callable[[], Wire]) -> None:
    """RFC 9586 §3: `$` may be searched for once UIDONLY is enabled."""
    wire = connect()
    await enter(place, wire, 3)
    await wire.say("a ENABLE UIDONLY")
    await wire.say("b UID SEARCH RETURN (SAVE) UID 2:3")
    assert await wire.say("c UID SEARCH $") == "* SEARCH 2 3\r\nc OK Search completed.\r\n"
    assert "d BAD [UIDREQUIRED]" in await wire.say("d UID SEARCH 2")


async def test_what_empties_the_saved_result(place: Place, connect: Callable[[], Wire]) -> None:
    """RFC 5182 §2.1: SELECT and EXAMINE, and a search that fails."""
    wire = connect()
    await enter(place, wire, 2)
    for command in ("SELECT INBOX", "EXAMINE INBOX"):
        await wire.say("a SEARCH RETURN (SAVE) ALL")
        await wire.say(f"b {command}")
        assert await wire.say("c SEARCH $") == "* SEARCH\r\nc OK Search completed.\r\n"
    await wire.say("d SEARCH RETURN (SAVE) ALL")
    place.storage.close()
    assert "e NO [UNAVAILABLE]" in await wire.say("e SEARCH RETURN (SAVE) TEXT x")
    assert await wire.say("f SEARCH $") == "* SEARCH\r\nf OK Search completed.\r\n"
