"""Accounts that are dropped: all that names them goes, what others share stays, and nobody makes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.world.quota import Quota
from postroad_store.mail.database.commits.sharing import Change
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import NoSuchMailbox
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet
from postroad_store.mail.model.letter import Letter, Memory
from tests.store.mail.test_storage import rows, settled

if TYPE_CHECKING:
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

TABLES = (
    "accounts", "mailboxes", "subscriptions", "entries", "expunged", "packs", "keywords", "quotas", "remembered",
    "scripts", "metadata", "hidden", "threads", "message_ids", "contents", "octets", "texts", "garbage", "outbox",
)  # fmt: skip


async def test_nothing_is_left_of_an_account_that_is_dropped(storage: Storage, put: Put) -> None:
    bystander = await storage.account("bystander@alpha.test")
    await storage.subscribe(bystander, "x")
    before = {table: rows(storage, table) for table in TABLES}
    bob = await storage.account("bob@shop.test")
    await storage.create(bob, "lists/post")
    mail = b"Message-ID: <%d@x>\r\nSubject: %d\r\n\r\nbody\r\n"
    await put(bob.inbox, *(mail % (number, number) for number in range(5000)), flags=FlagSet(0, ("Work",)))
    await storage.expunge(bob.inbox, [3, 4], only_deleted=False)
    await storage.quotas.set(bob, Quota(1000, 10))
    await storage.scripts.put(bob, "s", b"keep;")
    await storage.hidden.set(bob.login, frozenset({"IDLE"}))
    letter = Letter("", "x@y.test", b"Away.\r\n", unless=Memory(bob.id, "k", 100), world="shop")
    await storage.outbox.deliver([], [letter], [], 1000.0)
    view = storage.view(bob.inbox)
    assert rows(storage, "entries") == 4998

    await storage.drop_accounts(["bob@shop.test", "never@shop.test"])
    await storage.outbox.drop("shop")
    assert bob.inbox.deleted
    assert view.take(expunges=True).expunged
    await settled(storage)
    assert {table: rows(storage, table) for table in TABLES} == before
    assert storage.known_account("bob@shop.test") is None
    assert (await storage.account("bob@shop.test")).id != bob.id


async def test_what_others_have_too_stays(storage: Storage) -> None:
    bob, ann = await storage.account("bob@shop.test"), await storage.account("ann@alpha.test")
    await storage.append([Arrival((bob.inbox, ann.inbox), b"Subject: x\r\n\r\nbody\r\n", 0, NO_FLAGS)])
    await storage.drop_accounts([bob.login])
    await settled(storage)
    assert storage.content(ann.inbox, 1) == b"Subject: x\r\n\r\nbody\r\n"


async def test_an_account_that_may_not_exist_is_not_made(storage: Storage) -> None:
    bob = await storage.account("bob@shop.test")
    storage.may_exist = lambda login: not login.endswith("@shop.test")
    assert await storage.account("bob@shop.test") is bob
    await storage.drop_accounts([bob.login])
    with pytest.raises(NoSuchMailbox):
        await storage.account("bob@shop.test")
    assert (await storage.account("ann@alpha.test")).inbox


async def test_letters_keep_their_world(storage: Storage) -> None:
    await storage.outbox.deliver(
        [], [Letter("", "a@b.test", b"x", world="shop"), Letter("", "a@b.test", b"y")], [], 5.0
    )
    posted = storage.outbox.due(5.0)
    assert posted is not None
    assert posted.letter.world == "shop"
    await storage.outbox.drop("shop")
    posted = storage.outbox.due(5.0)
    assert posted is not None
    assert (posted.letter.content, posted.letter.world) == (b"y", "")


async def test_accounts_share_with_fellows_alone(storage: Storage) -> None:
    bob, ann, eve = [await storage.account(f"{name}@shop.test") for name in ("bob", "ann", "eve")]
    await storage.sharing.set(bob, bob.inbox, "anyone", Change(frozenset("lr")))
    storage.sharing.fellows = lambda login, other: "eve@shop.test" not in {login, other}
    assert [owner.login for owner in storage.sharing.others(ann)] == ["bob@shop.test"]
    assert list(storage.sharing.others(eve)) == []
    assert storage.sharing.owner(bob.login, ann) is bob
    assert storage.sharing.owner(bob.login, eve) is None
