"""A storage of its own for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from postroad_store.mail.flags import NO_FLAGS, FlagSet
from postroad_store.mail.message import Arrival
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from postroad_store.mail.account import Account
    from postroad_store.mail.mailbox import Mailbox


class Put(Protocol):
    async def __call__(self, mailbox: Mailbox, *contents: bytes, flags: FlagSet = NO_FLAGS, date: int = 0) -> None: ...


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "mail", clock=lambda: 1000.0)
    yield storage
    storage.close()


@pytest.fixture
async def account(storage: Storage) -> AsyncIterator[Account]:
    yield await storage.account("alice@alpha.test")


@pytest.fixture
def inbox(account: Account) -> Mailbox:
    return account.inbox


@pytest.fixture
def put(storage: Storage) -> Put:
    async def put(mailbox: Mailbox, *contents: bytes, flags: FlagSet = NO_FLAGS, date: int = 0) -> None:
        await storage.append([Arrival((mailbox,), content, date, flags) for content in contents])

    return put
