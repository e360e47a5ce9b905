"""A new data item takes one file (toy.py) and one entry in the list of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch.blocks import responses
from postroad_store.imap.commands.fetch.command import Fetch, specs
from postroad_store.imap.commands.fetch.fast import fast
from postroad_store.imap.commands.fetch.item import Item
from postroad_store.imap.commands.fetch.items import ITEMS, ItemReader
from postroad_store.imap.commands.fetch.plain import plain
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.store.imap.commands.fetch import toy

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.plan import Plan
    from tests.harness.imap import Place

SPECS = specs(ItemReader((*ITEMS, toy.SPEC)))


def plan(text: bytes) -> Plan:
    command = SPECS[0].parse(b"t", Reader([b" 1 " + text]))
    assert isinstance(command, Fetch)
    return command.items.plan(uid=False)


async def test_a_toy_item_goes_both_ways(place: Place) -> None:
    account = await place.storage.account("alice@alpha.test")
    for content in (b"A: b\r\n\r\nx", b"Subject: longer\r\n\r\ny" * 3):
        await place.storage.append([Arrival((account.inbox,), content, 0, NO_FLAGS)])
    view = place.storage.view(account.inbox)
    asked = plan(b"(UID X-TOY<2> BODY.PEEK[TEXT] x-toy<1>)")
    expected = [
        b"* 1 FETCH (UID 1 X-TOY 16 X-TOY 8 BODY[TEXT] {1}\r\nx)\r\n",
        b"* 2 FETCH (UID 2 X-TOY 38 X-TOY 19 BODY[TEXT] {41}\r\n" + b"ySubject: longer\r\n\r\n" * 2 + b"y)\r\n",
    ]
    assert fast(place.storage, view, [1, 2], asked) == b"".join(expected)
    assert [b"".join(plain(place.storage, view, number, asked)) for number in (1, 2)] == expected
    answer = responses(place.storage, view, [range(1, 3)], asked)
    assert b"".join(octets for octets, _ in answer) == b"".join(expected)


def test_the_server_does_not_know_it() -> None:
    with pytest.raises(SyntaxFault, match="Unknown parameter: X-TOY"):
        specs(ItemReader(ITEMS))[0].parse(b"t", Reader([b" 1 X-TOY<2>"]))


def test_an_item_that_cannot_be_written_cannot_be_made() -> None:
    @dataclass(frozen=True, slots=True)
    class Half(Item):
        template = b"X-HALF %d"

    with pytest.raises(TypeError, match="columns"):
        Half()  # type: ignore[abstract]
