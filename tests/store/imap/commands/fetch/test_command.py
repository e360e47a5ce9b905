"""FETCH: its common form is read as any other; of many messages it sets \\Seen, and lets others have their turn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch import answer, command
from postroad_store.imap.commands.fetch.command import SPECS
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import SEEN, FlagSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.imap.events import Command
    from tests.harness.imap import Place, Wire


@pytest.mark.parametrize("seen", [0, SEEN])
async def test_many_messages_are_marked(
    place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch, seen: int
) -> None:
    monkeypatch.setattr(answer, "MANY", 3)
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"A: b\r\n\r\nx", 0, FlagSet(seen))] * 20)
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("s SELECT INBOX")
    flags = "" if seen else "FLAGS (\\Seen \\Recent) "
    rows = [f"* {number} FETCH ({flags}BODY[TEXT] {{1}}\r\nx)\r\n" for number in range(1, 21)]
    assert await wire.say("a FETCH 1:* BODY[TEXT]") == "".join(rows) + "a OK Fetch completed.\r\n"
    assert [flags & SEEN for flags in account.inbox.flags] == [SEEN] * 20


NEVER = re.compile(rb"(?!)")


@pytest.mark.parametrize("uid", [False, True])
@pytest.mark.parametrize("numbers", [b"1", b"1:*", b"2:4,7", b"*", b"0", b"1:", b",", b"$", b"1,$", b"4294967296", b""])
@pytest.mark.parametrize(
    "items",
    [
        b"FLAGS",
        b"(FLAGS UID)",
        b"all",
        b"(BODY.PEEK[HEADER.FIELDS (To)])",
        b"BODY[]<0.5>",
        b"(FLAGS) (CHANGEDSINCE 5)",
        b"(FLAGS)(UID)",
        b"(FLAGS) ",
        b" FLAGS",
        b"(MODSEQ)",
        b"NOTHING",
        b"(FLAGS",
        b"",
    ],
)
def test_the_common_form_is_read_as_any_other(
    monkeypatch: pytest.MonkeyPatch, numbers: bytes, items: bytes, uid: bool
) -> None:
    offer = Offer(Registry(without=["CONDSTORE"]))

    def read() -> Command | str:
        parse = SPECS[uid].parse
        try:
            return parse(b"a", Reader([b"a FETCH " + numbers + b" " + items], 7, offer))
        except SyntaxFault as fault:
            return str(fault)

    quickly = read()
    monkeypatch.setattr(command, "_COMMON", NEVER)
    assert quickly == read()
