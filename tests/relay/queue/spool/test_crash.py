"""kill -9 at any moment: nothing that was promised is lost, nothing that was done comes back."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import zlib
from pathlib import Path

from postroad_relay.queue.spool import QueueId, Spool

WRITER = Path(__file__).with_name("spool_writer.py")
ROUNDS = 12


class Promises:
    """What the writer said, over all its lives."""

    def __init__(self) -> None:
        self.there: dict[str, int] = {}  # queue ID → checksum
        self.attempts: dict[str, int] = {}
        self.perhaps: dict[str, int] = {}  # it was being finished when it was killed
        self.gone: set[str] = set()

    def hear(self, line: str) -> None:
        match line.split():
            case ["added", ident, checksum]:
                self.there[ident] = int(checksum)
            case ["updated", ident, attempts]:
                self.attempts[ident] = int(attempts)
            case ["finishing", ident]:
                self.perhaps[ident] = self.there.pop(ident)
            case ["finished", ident]:
                del self.perhaps[ident]
                self.gone.add(ident)


def test_nothing_promised_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    dice = random.Random(4)
    promises = Promises()
    for seed in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, WRITER, tmp_path, str(seed)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for _ in range(dice.randrange(400)):
                promises.hear(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            for line in process.stdout.read().splitlines(keepends=True):
                promises.hear(line)
        check(tmp_path, promises)
    assert len(promises.gone) > 100


def check(directory: Path, promises: Promises) -> None:
    spool = Spool(directory)
    entries = {entry.queue_id: entry for entry in spool.entries()}
    assert promises.there.keys() <= entries.keys()
    assert not promises.gone & entries.keys()
    for ident, checksum in (promises.there | promises.perhaps).items():
        entry = entries.get(QueueId(ident))
        if entry is None:
            promises.gone.add(ident)
            continue
        assert zlib.crc32(b"".join(spool.read(entry).blocks())) == checksum
        assert entry.attempts >= promises.attempts.get(ident, 0)
        promises.there[ident] = checksum
    promises.perhaps.clear()
    spool.close()
