"""What the names of filters stand for (RFC 5466 §3); what is answered is in tests/dialogues/imap/filters.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.search import filters

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.imap import Place, Wire

VALUES = "filters/values"


async def enter(place: Place, wire: Wire, values: dict[str, bytes]) -> None:
    await wire.say("l LOGIN alice@alpha.test wonderland")
    account = await place.storage.account("alice@alpha.test")
    await place.storage.metadata.set(account, None, dict(values))
    await wire.say("a APPEND INBOX {9+}\r\nA: b\r\n\r\nx")
    await wire.say("s SELECT INBOX")


async def test_a_private_filter_comes_first(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    values = {f"/shared/{VALUES}/a": b"ALL", f"/private/{VALUES}/a": b"NOT ALL", f"/shared/{VALUES}/b": b"ALL"}
    await enter(place, wire, values)
    assert await wire.say("b SEARCH FILTER a") == "* SEARCH\r\nb OK Search completed.\r\n"
    assert await wire.say("c SEARCH FILTER b") == "* SEARCH 1\r\nc OK Search completed.\r\n"


async def test_how_deep_and_how_many(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = connect()
    chain = {f"/private/{VALUES}/{number}": b"FILTER %d" % (number + 1) for number in range(10)}
    await enter(place, wire, {**chain, f"/private/{VALUES}/10": b"ALL"})
    assert "NO [UNDEFINED-FILTER 10]" in await wire.say("b SEARCH FILTER 0")
    assert await wire.say("c SEARCH FILTER 1") == "* SEARCH 1\r\nc OK Search completed.\r\n"
    monkeypatch.setattr(filters, "MAX_FILTERS", 2)
    assert "NO [UNDEFINED-FILTER 9]" in await wire.say("d SEARCH FILTER 8 FILTER 9")


async def test_what_is_no_search(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    values = {"a": b"", "b": b"OR SEEN", "c": b"CHARSET klingon ALL", "d": b"ALL)", "e": b"TEXT {3}"}
    await enter(place, wire, {f"/private/{VALUES}/{name}": value for name, value in values.items()})
    for name in values:
        assert f"b NO [UNDEFINED-FILTER {name}]" in await wire.say(f"b SEARCH FILTER {name}")
    await wire.say("c SEARCH RETURN (SAVE) ALL")
    await wire.say("d SEARCH RETURN (SAVE) FILTER none")
    assert await wire.say("e SEARCH $") == "* SEARCH\r\ne OK Search completed.\r\n"
