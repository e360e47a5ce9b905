"""EXPUNGE where no message has \\Deleted (RFC 3501 §6.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import DELETED, FlagSet
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_nothing_is_committed_where_there_is_nothing_to_remove(place: Place, connect: Callable[[], Wire]) -> None:
    account = await place.storage.account("alice@alpha.test")
    wire, other = connect(), connect()
    for each in (wire, other):
        await each.say("l LOGIN alice@alpha.test wonderland")
        await each.say("s SELECT INBOX")
    await place.storage.append([Arrival((account.inbox,), b"x: y\r\n\r\n", int(NOW), FlagSet(DELETED))] * 2)
    for each in (wire, other):
        await each.say("n NOOP")
    gone = "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n* 0 RECENT\r\n"
    assert await wire.say("a EXPUNGE") == f"{gone}a OK Expunge completed.\r\n"
    await place.storage.subscribe(account, "INBOX")  # a commit after what an EXPUNGE leaves to be done
    before = place.storage.commit_times.count
    assert await other.say("b EXPUNGE") == "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nb OK Expunge completed.\r\n"
    assert await wire.say("c UID EXPUNGE 1:*") == "c OK Expunge completed.\r\n"
    assert await wire.say("d CLOSE") == "d OK Close completed.\r\n"
    assert place.storage.commit_times.count == before
