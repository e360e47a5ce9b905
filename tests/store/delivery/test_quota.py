"""Full mailboxes at delivery: 452 4.2.2 or 552 5.2.2 (RFC 5321 §4.2.3, RFC 3463 §3.3), and never too much."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from postroad.mail.address import parse_address
from postroad.mail.content import Content
from postroad.mail.envelope import Recipient
from postroad.smtp.server.service import Purpose
from postroad.world.quota import Quota
from tests.store.delivery.test_service import MAIL, SESSION, deliver, delivery, envelope, stored

if TYPE_CHECKING:
    from tests.harness.pop3 import Place

FULL = "452 4.2.2 The mailbox is full: try again later"
FULL_FOR_GOOD = "552 5.2.2 The mailbox is full"
ALICE, BOB = "alice@alpha.test", "bob@beta.test"


def limit(place: Place, **quotas: Quota) -> None:
    by_login = {ALICE: quotas.get("alice", Quota()), BOB: quotas.get("bob", Quota())}
    place.storage.quotas.allowed = lambda login: by_login.get(login, Quota())


@pytest.mark.parametrize(
    ("quota", "size", "answer"),
    [
        (Quota(), 1 << 40, "250 2.1.5 Recipient OK"),
        (Quota(1000), None, "250 2.1.5 Recipient OK"),
        (Quota(1000), 1000, "250 2.1.5 Recipient OK"),
        (Quota(1000), 1001, FULL),
        (Quota(1000, permanent=True), 1001, FULL_FOR_GOOD),
        (Quota(messages=0), None, FULL),
        (Quota(messages=1), None, "250 2.1.5 Recipient OK"),
    ],
)
def test_a_recipient_whose_mailbox_is_full(place: Place, quota: Quota, size: int | None, answer: str) -> None:
    limit(place, bob=quota)
    said = delivery(place).rcpt(SESSION, replace(envelope(), declared_size=size), Recipient(parse_address(BOB)))
    assert str(said) == answer


async def test_a_message_that_is_too_much(place: Place) -> None:
    limit(place, bob=Quota(messages=1))
    assert str(await deliver(place, MAIL, envelope(BOB))).startswith("250 ")
    assert str(await deliver(place, MAIL, envelope(BOB))) == FULL
    limit(place, bob=Quota(messages=1, permanent=True))
    assert str(await deliver(place, MAIL, envelope(BOB))) == FULL_FOR_GOOD
    assert len(await stored(place, BOB)) == 1


async def test_with_others_among_the_recipients_all_wait_and_rcpt_says_who_is_full(place: Place) -> None:
    limit(place, bob=Quota(messages=0, permanent=True))
    assert str(await deliver(place, MAIL, envelope(ALICE, BOB))) == FULL
    assert not await stored(place, ALICE)
    said = delivery(place).rcpt(SESSION, envelope(), Recipient(parse_address(BOB)))
    assert str(said) == FULL_FOR_GOOD
    assert str(await deliver(place, MAIL, envelope(ALICE))).startswith("250 ")


async def test_no_two_deliveries_share_the_last_place(place: Place) -> None:
    limit(place, bob=Quota(messages=3))
    answers = await asyncio.gather(*(deliver(place, MAIL, envelope(BOB)) for _ in range(10)))
    assert sorted(str(answer)[:3] for answer in answers) == ["250"] * 3 + ["452"] * 7
    usage = place.storage.quotas.usage(BOB)
    contents = await stored(place, BOB)
    assert (usage.messages, usage.octets) == (3, sum(map(len, contents)))


async def test_what_an_account_has_is_counted_through_all_that_happens_to_it(place: Place) -> None:
    storage = place.storage
    account = await storage.account(BOB)
    for _ in range(4):
        await deliver(place, MAIL, envelope(BOB))
    size = len((await stored(place, BOB))[0])
    assert storage.quotas.usage(BOB)[:2] == (4 * size, 4)
    await storage.copy(account.inbox, [1, 2], account.selectable("Sent"))
    assert storage.quotas.usage(BOB)[:2] == (6 * size, 6)
    await storage.copy(account.inbox, [3], account.selectable("Trash"), move=True)
    await storage.rename(account, "INBOX", "old")
    await storage.rename(account, "Sent", "sent")
    assert storage.quotas.usage(BOB)[:2] == (6 * size, 6)
    await storage.expunge(account.selectable("old"), [1], only_deleted=False)
    assert storage.quotas.usage(BOB)[:2] == (5 * size, 5)
    await storage.delete(account, "sent")
    assert storage.quotas.usage(BOB)[:2] == (3 * size, 3)


async def test_by_lmtp_each_recipient_has_a_reply(place: Place) -> None:
    limit(place, bob=Quota(messages=0, permanent=True))
    content = Content(place.folder)
    content.write(MAIL)
    session = replace(SESSION, purpose=Purpose.LMTP)
    replies = await delivery(place).message(session, envelope(BOB, ALICE, "bob+x@beta.test"), content)
    content.close()
    assert isinstance(replies, tuple)
    assert [str(reply)[:9] for reply in replies] == ["552 5.2.2", "250 2.0.0", "552 5.2.2"]
    assert len(await stored(place, ALICE)) == 1
    assert not await stored(place, BOB)


async def test_where_nothing_limits_anybody_no_commit_looks_until_somebody_is_limited(place: Place) -> None:
    quotas = place.storage.quotas
    quotas.allowed = place.accounts.quota
    quotas.limits = place.accounts.has_quotas
    assert [quotas.check] == [None]
    assert str(await deliver(place, MAIL, envelope(BOB))).startswith("250 ")
    await quotas.set(await place.storage.account(BOB), Quota(messages=1))
    assert [quotas.check] != [None]
    assert str(await deliver(place, MAIL, envelope(BOB))) == FULL
    await quotas.set(await place.storage.account(BOB), None)
    assert str(await deliver(place, MAIL, envelope(BOB))).startswith("250 ")


def test_a_world_with_a_quota(place: Place) -> None:
    assert not place.accounts.has_quotas()
    beta = place.accounts.world.domains["beta.test"]
    bob = replace(beta.accounts["bob"], quota=Quota(messages=1))
    domain = replace(beta, accounts={**beta.accounts, "bob": bob})
    place.accounts.world = replace(place.accounts.world, domains={"beta.test": domain})
    assert place.accounts.has_quotas()
    assert place.accounts.quota(BOB) == Quota(messages=1)
    assert place.accounts.quota(ALICE) == Quota()
