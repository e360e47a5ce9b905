"""Scripts of accounts in the mail's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.database.commits import outbox, scripts
from postroad_store.mail.model.errors import (
    NoSuchScript,
    ScriptActive,
    ScriptExists,
    ScriptsTooLarge,
    TooManyScripts,
)
from postroad_store.mail.model.letter import Memory
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "mail")
    yield storage
    storage.close()


async def test_scripts_are_put_listed_and_read(storage: Storage) -> None:
    bob = await storage.account("bob@beta.test")
    carol = await storage.account("carol@beta.test")
    assert storage.scripts.listed(bob) == []
    await storage.scripts.put(bob, "b", b"one")
    await storage.scripts.put(bob, "a", b"two")
    await storage.scripts.put(bob, "b", b"three")
    assert storage.scripts.listed(bob) == [("a", False), ("b", False)]
    assert storage.scripts.content(bob, "b") == b"three"
    assert storage.scripts.listed(carol) == []
    with pytest.raises(NoSuchScript):
        storage.scripts.content(carol, "b")


async def test_one_at_most_is_active(storage: Storage, tmp_path: Path) -> None:
    bob = await storage.account("bob@beta.test")
    assert not storage.scripts.has_active(bob)
    await storage.scripts.put(bob, "a", b"one")
    await storage.scripts.put(bob, "b", b"two")
    await storage.scripts.activate(bob, "a")
    await storage.scripts.activate(bob, "b")
    assert storage.scripts.listed(bob) == [("a", False), ("b", True)]
    assert storage.scripts.has_active(bob)
    await storage.scripts.put(bob, "b", b"three")
    assert storage.scripts.listed(bob) == [("a", False), ("b", True)]
    with pytest.raises(NoSuchScript):
        await storage.scripts.activate(bob, "c")
    assert storage.scripts.has_active(bob)
    storage.close()
    again = Storage(tmp_path / "mail")
    assert again.scripts.has_active(await again.account("bob@beta.test"))
    await again.scripts.activate(await again.account("bob@beta.test"), "")
    assert not again.scripts.has_active(await again.account("bob@beta.test"))
    again.close()


async def test_scripts_are_renamed_and_deleted(storage: Storage) -> None:
    bob = await storage.account("bob@beta.test")
    await storage.scripts.put(bob, "a", b"one")
    await storage.scripts.put(bob, "b", b"two")
    await storage.scripts.activate(bob, "a")
    with pytest.raises(ScriptActive):
        await storage.scripts.delete(bob, "a")
    with pytest.raises(ScriptExists):
        await storage.scripts.rename(bob, "a", "b")
    with pytest.raises(ScriptExists):
        await storage.scripts.rename(bob, "a", "a")
    with pytest.raises(NoSuchScript):
        await storage.scripts.rename(bob, "c", "d")
    await storage.scripts.rename(bob, "a", "c")
    await storage.scripts.delete(bob, "b")
    with pytest.raises(NoSuchScript):
        await storage.scripts.delete(bob, "b")
    assert storage.scripts.listed(bob) == [("c", True)]


async def test_scripts_have_room(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "MAX_SCRIPTS", 2)
    monkeypatch.setattr(scripts, "MAX_OCTETS", 100)
    bob = await storage.account("bob@beta.test")
    await storage.scripts.put(bob, "a", b"x" * 60)
    storage.scripts.check_space(bob, "b", 40)
    with pytest.raises(ScriptsTooLarge):
        storage.scripts.check_space(bob, "b", 41)
    with pytest.raises(ScriptsTooLarge):
        await storage.scripts.put(bob, "b", b"x" * 41)
    storage.scripts.check_space(bob, "a", 100)
    await storage.scripts.put(bob, "b", b"x" * 40)
    with pytest.raises(TooManyScripts):
        storage.scripts.check_space(bob, "c", 1)
    with pytest.raises(TooManyScripts):
        await storage.scripts.put(bob, "c", b"")
    storage.scripts.check_space(bob, "b", 1)


async def test_the_library_reads_from_a_thread_of_its_own(storage: Storage) -> None:
    bob = await storage.account("bob@beta.test")
    await storage.scripts.put(bob, "a", b"one")
    library = storage.scripts.library()
    assert library.active(bob.id) is None
    await storage.scripts.activate(bob, "a")
    first = library.active(bob.id)
    assert first == library.named(bob.id, "a")
    await storage.scripts.put(bob, "a", b"one")
    second = library.active(bob.id)
    assert first is not None
    assert second is not None
    assert first.number < second.number
    assert library.named(bob.id, "b") is None
    await storage.outbox.deliver([], [], [Memory(bob.id, "k", 10)], 1000.0)
    assert library.is_remembered(bob.id, "k", 1009)
    assert not library.is_remembered(bob.id, "k", 1010)
    library.close()


async def test_of_many_memories_the_oldest_go(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_REMEMBERED", 3)
    bob = await storage.account("bob@beta.test")
    await storage.outbox.deliver([], [], [Memory(bob.id, f"k{number}", 100 + number) for number in range(5)], 0.0)
    library = storage.scripts.library()
    assert [library.is_remembered(bob.id, f"k{number}", 0) for number in range(5)] == [False, False, True, True, True]
    library.close()
