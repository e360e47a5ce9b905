"""FETCH of many messages at once sets \\Seen, and lets others have their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch import answer
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import SEEN, FlagSet

if TYPE_CHECKING:
    from collections.abc import Callable

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
