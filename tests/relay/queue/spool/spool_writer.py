"""Writes to a spool until it is killed, and says on standard output what it was promised (test_crash)."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import zlib
from pathlib import Path

from postroad.mail.address import Address
from postroad.mail.content import SPILL_AT, Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client.outcome import deferred
from postroad_relay.queue.spool import Entry, Message, Progress, Spool

ENVELOPE = Envelope(Address("alice", "alpha.test"), (Recipient(Address("bob", "beta.test")),))


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def write(spool: Spool, dice: random.Random) -> None:
    kept: list[Entry] = []
    while True:
        octets = dice.randbytes(dice.randrange(3000))
        ident = spool.new_id()
        if dice.random() < 0.02:
            content = Content(spool.incoming)
            octets = dice.randbytes(SPILL_AT + 1)
            content.write(octets)
            message = Message(ident, 0.0, ENVELOPE, None, len(octets))
            entry, durable = await spool.add_spilled(message, b"", content)
            await durable
            content.close()
        else:
            entry, durable = spool.add(Message(ident, 0.0, ENVELOPE, None, len(octets)), (octets,))
            await durable
        say("added", ident, zlib.crc32(octets))
        kept.append(entry)
        if dice.random() < 0.3:
            entry = dice.choice(kept)
            attempts = entry.attempts + 1
            await spool.update(entry, Progress(1.0, attempts, deferred={0: deferred("4.4.1", "refused")}))
            say("updated", entry.queue_id, attempts)
        while len(kept) > 5:
            entry = kept.pop(dice.randrange(len(kept)))
            say("finishing", entry.queue_id)
            await spool.finish(entry)
            say("finished", entry.queue_id)


async def main() -> None:
    spool = Spool(Path(sys.argv[1]), segment_size=20_000)
    dice = random.Random(int(sys.argv[2]))
    say("ready")
    await asyncio.gather(*(write(spool, dice) for _ in range(8)))


asyncio.run(main())
