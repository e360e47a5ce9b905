"""A storage of its own for every test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from postroad.clock import Clock
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


class Put(Protocol):
    async def __call__(self, mailbox: Mailbox, *contents: bytes, flags: FlagSet = NO_FLAGS, date: int = 0) -> None: ...


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "mail", clock=Clock(wall=lambda: 1000.0))
    yield storage
    storage.close()


@pytest.fixture
async def account(storage: Storage) -> Account:
    return await storage.account("alice@alpha.test")


@pytest.fixture
def inbox(account: Account) -> Mailbox:
    return account.inbox


@pytest.fixture
def stand_still(storage: Storage) -> Callable[[], None]:
    """Wait, without letting the event loop run, until all that was handed over is on disk: nothing of it is shown."""
    commits = storage._writer._commits
    left: set[Any] = set()
    condition = threading.Condition()
    submit, commit = commits.submit, commits._commit
    commits._begin = None  # the thread alone writes: both would, were it woken while the loop begins the next batch

    def handed_over(work: Any, *rest: Any, **manner: Any) -> None:
        with condition:
            left.add(work)
        submit(work, *rest, **manner)

    def committed(batch: Sequence[Any]) -> Sequence[Any]:
        outcomes = commit(batch)
        with condition:
            left.difference_update(batch)
            condition.notify()
        return outcomes

    commits.submit = handed_over  # type: ignore[method-assign]
    commits._commit = committed

    def wait() -> None:
        commits._bell.put(None)  # as the loop does at the end of its turn
        with condition:
            assert condition.wait_for(lambda: not left, 10)

    return wait


@pytest.fixture
def put(storage: Storage) -> Put:
    async def put(mailbox: Mailbox, *contents: bytes, flags: FlagSet = NO_FLAGS, date: int = 0) -> None:
        await storage.append([Arrival((mailbox,), content, date, flags) for content in contents])

    return put
