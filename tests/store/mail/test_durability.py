"""A process that is killed with SIGKILL in the middle of its work loses nothing that it has acknowledged."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.model.flags import FLAGGED, SEEN
from postroad_store.mail.model.message import Column
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 12

# Appends messages, sets flags on them and moves them, many at a time; prints what has been acknowledged.
WORKER = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from postroad_store.mail.model.flags import NO_FLAGS, SEEN, FLAGGED, Change, FlagSet
    from postroad_store.mail.model.arrival import Arrival
    from postroad_store.mail.storage import Storage

    def say(*words):
        sys.stdout.write(" ".join(map(str, words)) + "\\n")
        sys.stdout.flush()

    async def client(storage, account, name):
        inbox, archive = account.inbox, account.selectable("Archive")
        number = 0
        while True:
            number += 1
            word = f"{name}-{number}"
            content = f"Subject: {word}\\r\\n\\r\\n".encode() + word.encode() * 200
            (stored,) = await storage.append([Arrival((inbox,), content, 0, NO_FLAGS)])
            say("stored", word)
            await storage.store(inbox, [stored.uid], Change.ADD, FlagSet(SEEN))
            say("seen", word)
            if number % 3 == 0:
                await storage.copy(inbox, [stored.uid], archive, move=True)
                say("moved", word)
            elif number % 3 == 1:
                await storage.expunge(inbox, [stored.uid], only_deleted=False)
                say("removed", word)
            else:
                await storage.store(inbox, [stored.uid], Change.REPLACE, FlagSet(FLAGGED))
                say("flagged", word)

    async def main():
        storage = Storage(Path(sys.argv[1]))
        account = await storage.account("alice@alpha.test")
        storage.view(account.inbox)
        await asyncio.gather(*(client(storage, account, f"{sys.argv[2]}-{n}") for n in range(8)))

    asyncio.run(main())
""")


def run_and_kill(folder: Path, name: str, lines: int) -> list[tuple[str, str]]:
    """Run the worker, kill it once it has acknowledged so much, and return what it acknowledged."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(folder), name], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    said = [worker.stdout.readline() for _ in range(lines)]
    worker.send_signal(signal.SIGKILL)
    said += worker.stdout.readlines()
    worker.wait()
    worker.stdout.close()
    return [(words[0], words[1]) for words in map(str.split, said) if len(words) == 2]


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    chance = random.Random(2026)
    state: dict[str, str] = {}  # word → the last thing that was acknowledged of it
    for round_ in range(ROUNDS):
        said = await asyncio.to_thread(run_and_kill, folder, f"r{round_}", chance.randint(1, 150))
        state |= {word: what for what, word in said}

    storage = Storage(folder)
    assert storage._writer._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    account = await storage.account("alice@alpha.test")
    places_by_word: dict[str, list[tuple[str, int]]] = {}
    for name in ("INBOX", "Archive"):
        box = account.selectable(name)
        view = storage.view(box)
        assert list(view.uids) == sorted(set(view.uids))
        read = storage.fetch(box, view.uids, [Column.CONTENT])
        for (_, (content,)), flags in zip(read, box.flags, strict=True):
            head, _, body = content.partition(b"\r\n\r\n")
            subject = head.removeprefix(b"Subject: ")
            assert body == subject * 200  # whole
            places_by_word.setdefault(subject.decode(), []).append((name, flags))
    assert len(state) > ROUNDS
    for word, what in state.items():
        places = places_by_word.pop(word, [])
        # What came next may have happened too, unacknowledged; nothing may be there twice.
        number = int(word.rpartition("-")[2])
        expected: dict[str, set[tuple[str, int] | None]] = {
            "stored": {("INBOX", 0), ("INBOX", SEEN)},
            "seen": {("INBOX", SEEN), (("Archive", SEEN), None, ("INBOX", FLAGGED))[number % 3]},
            "moved": {("Archive", SEEN)},
            "removed": {None},
            "flagged": {("INBOX", FLAGGED)},
        }
        if what == "stored":
            expected["stored"] |= expected["seen"]
        assert len(places) <= 1, f"{word} is there {len(places)} times"
        assert (places[0] if places else None) in expected[what], f"{word} was {what}, and is at {places}"
    # What is left was never acknowledged at all: it came last before a kill, one for each client at most.
    assert len(places_by_word) <= ROUNDS * 8
    storage.close()


# Stores a message; then kills itself at a step of the commit that flags it and stores another.
SUICIDE = textwrap.dedent("""
    import asyncio, os, signal, sys
    from pathlib import Path
    from postroad_store.mail.model.arrival import Arrival
    from postroad_store.mail.model.flags import FLAGGED, NO_FLAGS, Change, FlagSet
    from postroad_store.mail.storage import Storage
    from postroad_store.mail.writer import Writer

    step, armed = sys.argv[2], False

    def dies(name, *, before):
        method = getattr(Writer, name)
        def changed(self, batch):
            if armed and before:
                os.kill(os.getpid(), signal.SIGKILL)
            done = method(self, batch)
            if armed:
                assert name != "_begin" or self._begun is not None
                os.kill(os.getpid(), signal.SIGKILL)
            return done
        setattr(Writer, name, changed)

    dies("_begin" if step == "begun" else "_commit", before=step == "committing")

    async def main():
        global armed
        storage = Storage(Path(sys.argv[1]))
        inbox = (await storage.account("alice@alpha.test")).inbox
        storage.view(inbox)
        (stored,) = await storage.append([Arrival((inbox,), b"one", 0, NO_FLAGS)])
        armed = True
        flagged = storage.store(inbox, [stored.uid], Change.ADD, FlagSet(FLAGGED))
        await storage.append([Arrival((inbox,), b"two", 0, NO_FLAGS)])
        await flagged

    asyncio.run(main())
""")


@pytest.mark.parametrize(
    ("step", "kept"),
    [("begun", [(1, 0)]), ("committing", [(1, 0)]), ("committed", [(1, FLAGGED), (2, 0)])],
)
async def test_a_commit_that_the_event_loop_has_begun_is_there_whole_or_not_at_all(
    tmp_path: Path, step: str, kept: list[tuple[int, int]]
) -> None:
    folder = tmp_path / "mail"
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", SUICIDE, folder, step)
    assert await worker.wait() == -signal.SIGKILL
    storage = Storage(folder)
    assert storage._writer._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    view = storage.view((await storage.account("alice@alpha.test")).inbox)
    assert list(zip(view.uids, view.mailbox.flags, strict=True)) == kept
    assert view.mailbox.counts.messages == len(kept)
    storage.close()
