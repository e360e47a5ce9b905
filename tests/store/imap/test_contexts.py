"""Searches that are kept up to date: a plain model and what a client would make of the responses (RFC 5267 §4.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad_store.imap import contexts, newcomers
from postroad_store.imap.contexts import Context
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.order.criteria import CRITERIA
from postroad_store.mail.order.ordering import Order
from postroad_store.mail.search.keys import And

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.imap import Place, Wire

SIZE = (Order(CRITERIA[4]()),)
LOGIN = "l LOGIN alice@alpha.test wonderland"


def applied(results: list[int], responses: bytes) -> list[int]:
    """Do what a client does with ADDTO and REMOVEFROM; position 0 keeps mailbox order."""
    results = results.copy()
    for word, pairs in re.findall(rb"(ADDTO|REMOVEFROM) \(([^)]*)\)", responses):
        words = pairs.split()
        for position, text in zip(map(int, words[::2]), words[1::2], strict=True):
            ranges = parse_sequence_set(text).ranges
            numbers = [number for low, high in ranges for number in range(low, high + 1)]
            if word == b"ADDTO" and position:
                results[position - 1 : position - 1] = numbers
            elif word == b"ADDTO":
                results = sorted(results + numbers)
            elif position:
                assert results[position - 1 : position - 1 + len(numbers)] == numbers
                del results[position - 1 : position - 1 + len(numbers)]
            else:
                results = [number for number in results if number not in numbers]
    return results


@given(st.permutations(range(1, 13)), st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)), st.booleans())
def test_a_client_that_follows_has_the_result(order: list[int], first: set[int], then: set[int], sort: bool) -> None:
    order = order if sort else list(range(1, 13))
    context = Context(b"a", And(()), SIZE if sort else None, uid=True)
    context.found = old = [uid for uid in order if uid in first]
    new = [uid for uid in order if uid in then]
    responses = context.remove(first - then, int) + context.add(new, int)
    assert context.found == new
    assert applied(old, responses) == new
    assert responses.count(b"\r\n") == (first - then != set()) + (then - first != set())


async def enter(place: Place, wire: Wire, messages: int) -> None:
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"From: a@b\r\n\r\nx", 0, NO_FLAGS)] * messages)
    await wire.say(LOGIN)
    await wire.say("s SELECT INBOX")


async def test_there_are_not_too_many(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "MAX_CONTEXTS", 1)
    wire = connect()
    await enter(place, wire, 2)
    await wire.say("a SEARCH RETURN (UPDATE COUNT) SEEN")
    assert await wire.say("b SEARCH RETURN (UPDATE COUNT) ALL") == (
        '* ESEARCH (TAG "b") COUNT 2\r\n* NO [NOUPDATE "b"] Too many contexts.\r\nb OK Search completed.\r\n'
    )
    await wire.say('c CANCELUPDATE "a"')
    assert "NOUPDATE" not in await wire.say("d SEARCH RETURN (UPDATE COUNT) ALL")


async def test_results_are_not_too_long(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "MAX_RESULTS", 1)
    wire = connect()
    await enter(place, wire, 2)
    assert "NOUPDATE" in await wire.say("a SEARCH RETURN (UPDATE COUNT) ALL")
    await wire.say("b SORT RETURN (UPDATE COUNT) (SIZE) UTF-8 SEEN")
    assert '* NO [NOUPDATE "b"]' in await wire.say("c STORE 1:2 +FLAGS.SILENT (\\Seen)")
    assert "ESEARCH" not in await wire.say("d STORE 1:2 -FLAGS.SILENT (\\Seen)")


async def test_a_saved_result_is_pinned(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    await enter(place, wire, 3)
    await wire.say("a SEARCH RETURN (SAVE) 2")
    await wire.say("b UID SEARCH RETURN (UPDATE) $ SEEN")
    await wire.say("c SEARCH RETURN (UPDATE) UID $ SEEN")
    await wire.say("d SEARCH RETURN (SAVE) 1")
    assert await wire.say("e STORE 1:3 +FLAGS.SILENT (\\Seen)") == (
        '* ESEARCH (TAG "b") UID ADDTO (0 2)\r\n* ESEARCH (TAG "c") ADDTO (0 2)\r\ne OK Store completed.\r\n'
    )


async def test_select_ends_them(place: Place, connect: Callable[[], Wire]) -> None:
    wire = connect()
    await enter(place, wire, 1)
    await wire.say("a SEARCH RETURN (UPDATE) SEEN")
    await wire.say("b SELECT INBOX")
    assert await wire.say("c STORE 1 +FLAGS.SILENT (\\Seen)") == "c OK Store completed.\r\n"
    assert "OK" in await wire.say("a SEARCH RETURN (UPDATE) SEEN")


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["+", "-", "expunge", "arrive", "noop", "fetch"]), st.sets(st.integers(1, 6), min_size=1)
    ),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(CHANGES)
async def test_what_a_client_follows_is_what_a_new_search_finds(
    place: Place, connect: Callable[[], Wire], changes: list[tuple[str, set[int]]]
) -> None:
    wire, other = connect(), connect()
    await enter(place, wire, 6)
    await enter(place, other, 0)
    following = {}
    searches = {"a": "UID SEARCH RETURN (UPDATE ALL) UNSEEN", "b": "UID SORT RETURN (UPDATE ALL) (SIZE) UTF-8 UNSEEN"}
    for tag, search in searches.items():
        following[tag] = numbers_in(await wire.say(f"{tag} {search}"))
    for change, numbers in changes:
        listed = ",".join(map(str, sorted(numbers)))
        match change:
            case "+" | "-":
                await other.say(f"x UID STORE {listed} {change}FLAGS.SILENT (\\Seen)")
            case "expunge":
                await other.say(f"x UID STORE {listed} +FLAGS.SILENT (\\Deleted)")
                await other.say(f"x UID EXPUNGE {listed}")
            case "arrive":
                await enter_more(place, len(numbers))
        answer = await wire.say("f UID FETCH 1 (UID)" if change == "fetch" else "n NOOP")
        follow(following, answer)
    follow(following, await wire.say("n NOOP"))
    for tag, search in searches.items():
        assert following[tag] == numbers_in(await wire.say(f"z {search.replace('UPDATE ', '')}"))
    wire.end()
    other.end()


async def enter_more(place: Place, octets: int) -> None:
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"A: b\r\n\r\n" + b"x" * octets, 0, NO_FLAGS)])


def numbers_in(answer: str) -> list[int]:
    match = re.search(r" ALL ([\d:,]+)", answer)
    ranges = parse_sequence_set(match[1].encode()).ranges if match else ()
    return [number for low, high in ranges for number in range(low, high + 1)]


def follow(following: dict[str, list[int]], answer: str) -> None:
    for line in answer.splitlines():
        if match := re.match(r'\* ESEARCH \(TAG "(\w)"\)', line):
            following[match[1]] = applied(following[match[1]], line.encode())


async def test_items_of_many_new_messages_come_in_turns(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MAX_TOLD", 2)
    wire = connect()
    await enter(place, wire, 1)
    await wire.say("a UID SEARCH RETURN (UPDATE (UID)) ALL")
    for octets in (1, 2, 3):
        await enter_more(place, octets)
    told = [f"* {number} FETCH (UID {number})\r\n" for number in (2, 3, 4)]
    rest = '* ESEARCH (TAG "a") UID ADDTO (0 2:4)\r\nn OK NOOP completed.\r\n'
    assert await wire.say("n NOOP") == f"* 4 EXISTS\r\n* 4 RECENT\r\n{''.join(told)}{rest}"
