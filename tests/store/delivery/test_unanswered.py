"""Deliveries that a killed process has not answered: sent again, they get their answer, and no second copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.mail.content import Content
from postroad.mail.reply import Reply
from postroad_store.delivery.unanswered import Unanswered
from tests.store.delivery.test_service import MAIL, SESSION, deliver, delivery, envelope, stored

if TYPE_CHECKING:
    from tests.harness.pop3 import Place

BOB, DAVE = "bob@beta.test", "dave@beta.test"


async def left(place: Place, *recipients: str) -> tuple[str, list[bytes]]:
    """Deliver a message; return its queue ID and what a killed process has left of it."""
    answer = await deliver(place, MAIL, envelope(*recipients))
    assert isinstance(answer, Reply)
    place.journal.flush()
    lines = list(place.journal.ends_after(0))
    return answer.lines[0].split("stored as ")[1], lines


async def test_the_same_message_is_known_once(place: Place) -> None:
    ident, lines = await left(place, BOB, DAVE)
    unanswered = Unanswered(place.storage, lines)
    assert await unanswered.take(envelope(DAVE, BOB), MAIL) == ident
    assert not unanswered
    assert await unanswered.take(envelope(BOB, DAVE), MAIL) is None


async def test_another_message_is_not(place: Place) -> None:
    _, lines = await left(place, BOB, DAVE)
    unanswered = Unanswered(place.storage, lines)
    assert await unanswered.take(envelope(BOB), MAIL) is None
    assert await unanswered.take(envelope(BOB, DAVE, sender=None), MAIL) is None
    assert await unanswered.take(envelope(BOB, DAVE), MAIL + b"more\r\n") is None
    assert await unanswered.take(replace(envelope(BOB, DAVE), smtputf8=True), MAIL) is not None


async def test_a_message_that_has_gone_since_is_not(place: Place) -> None:
    _, lines = await left(place, BOB, DAVE)
    unanswered = Unanswered(place.storage, lines)
    inbox = await place.inbox(DAVE)
    await place.storage.expunge(inbox, only_deleted=False)
    assert await unanswered.take(envelope(BOB, DAVE), MAIL) is None


async def test_a_mailbox_that_has_gone_since_has_none(place: Place) -> None:
    _, lines = await left(place, BOB)
    account = await place.storage.account(BOB)
    await place.storage.rename(account, "INBOX", "old")
    for name in ("old", "nowhere"):
        moved = [line.replace(b'"mailbox":"INBOX"', b'"mailbox":"%b"' % name.encode()) for line in lines]
        assert await Unanswered(place.storage, moved).take(envelope(BOB), MAIL) is None


async def test_the_service_answers_as_it_would_have(place: Place) -> None:
    ident, lines = await left(place, BOB)
    place.storage.outbox.left = lines
    service = delivery(place)
    content = Content(place.folder)
    content.write(MAIL)
    answer = await service.message(SESSION, envelope(BOB), content)
    assert isinstance(answer, Reply)
    assert answer.lines == (f"OK stored as {ident}",)
    assert len(await stored(place, BOB)) == 1
    await service.message(SESSION, envelope(BOB), content)
    assert len(await stored(place, BOB)) == 2
    content.close()
