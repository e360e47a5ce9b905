"""Load with accounting: many messages from several sessions, and what became of each, told apart by the final dot.

acknowledged: the server said 250, so it must arrive. unanswered: the final dot was sent and the connection was lost
before a reply, so nobody can know; it may arrive or not. The clients never send a message twice.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from tests.harness.mailboxes import idle_until_told, imap
from tests.harness.smtp import SMTP, Refused, transparent
from tests.harness.stack import WAIT, Port, Service, Stack, User
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from types import TracebackType

AT_ONCE = 20  # deliveries to one domain that the relay has under way at a time, at most
_PAUSE = 0.02  # seconds before a client that was turned away comes again
_FIELDS = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
_IDENTITY = re.compile(rb"<(load\.\d+)@client\.example>")


class Load:
    """Sessions to the relay's port 25 that send to one user until the end of the `with` block."""

    def __init__(self, stack: Stack, user: User, *, sessions: int = 4) -> None:
        self._stack = stack
        self._user = user
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self.acknowledged: set[str] = set()
        self.unanswered: set[str] = set()
        self._threads = [threading.Thread(target=self._run, name=f"load {number}") for number in range(sessions)]
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(2 * WAIT)
        if self._failure is not None and error is None:
            raise self._failure

    def wait_for_more(self, count: int) -> None:
        """Wait until `count` more messages were acknowledged."""
        with self._changed:
            goal = len(self.acknowledged) + count
            done = self._changed.wait_for(lambda: len(self.acknowledged) >= goal or self._failure is not None, WAIT)
            assert done, f"no {count} messages were acknowledged within {WAIT:g} s"

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                try:
                    self._session()
                except (OSError, Refused):
                    self._ending.wait(_PAUSE)
        except BaseException as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()
            raise

    def _session(self) -> None:
        with SMTP(self._stack.endpoint(Port.SMTP)) as session:
            session.ehlo()
            while not self._ending.is_set():
                identity = f"load.{next(self._numbers)}"
                session.envelope("load@client.example", [self._user.address])
                session.must("DATA", 354)
                content = simple(identity, b"x" * 70 + b"\r\n", message_id=f"{identity}@client.example")
                try:
                    session.send(transparent(content))
                    reply = session.read()
                except OSError:
                    with self._changed:
                        self.unanswered.add(identity)
                    raise
                if reply.code != 250:
                    raise Refused("the final dot", reply)
                with self._changed:
                    self.acknowledged.add(identity)
                    self._changed.notify_all()


def arrivals(stack: Stack, user: User, expected: set[str], *, timeout: float = 2 * WAIT) -> Counter[str]:
    """Return how often each message of a load is in the user's INBOX, as soon as all the expected ones are."""
    arrived: Counter[str] = Counter()
    seen = 0
    deadline = time.monotonic() + timeout
    with imap(stack, user) as client:
        client.select_folder("INBOX", readonly=True)
        while True:
            uids = [uid for uid in client.search(["UID", f"{seen + 1}:*"]) if uid > seen]
            for start in range(0, len(uids), 500):  # thousands of numbers don't fit into a command's line
                for item in client.fetch(uids[start : start + 500], [_FIELDS]).values():
                    match = _IDENTITY.search(item[_FIELDS.replace(".PEEK", "").encode()])
                    assert match, item
                    arrived[match[1].decode()] += 1
            seen = max([seen, *uids])
            if expected <= arrived.keys():
                return arrived
            left = deadline - time.monotonic()
            missing = expected - arrived.keys()
            assert left > 0, f"{len(missing)} of {len(expected)} have not arrived: {sorted(missing)[:10]}"
            announced = client._imap.response("EXISTS")[1][-1]
            if announced is not None and int(announced) > arrived.total():
                continue
            idle_until_told(client, left)


def check_accounts(stack: Stack, load: Load, arrived: Counter[str], *, kills: int) -> int:
    """Assert that nothing was lost or made up, and return how many came twice.

    A message may come twice only where the reply to the relay's final dot was lost in flight: of the deliveries that
    were under way at a kill. The relay writes in its journal what it knows to be delivered; that never comes again.
    """
    lost = load.acknowledged - arrived.keys()
    assert not lost, f"{len(lost)} acknowledged messages were lost: {sorted(lost)[:10]}"
    made_up = arrived.keys() - load.acknowledged - load.unanswered
    assert not made_up, f"these were never sent whole: {sorted(made_up)[:10]}"
    twice = {identity: count for identity, count in arrived.items() if count > 1}
    assert len(twice) <= kills * AT_ONCE, f"{len(twice)} came more than once after {kills} kills"
    known = Counter(
        (event["queue_id"], event["recipient"])
        for event in stack.journal(Service.RELAY)
        if event["kind"] == "delivered"
    )
    again = [delivery for delivery, count in known.items() if count > 1]
    assert not again, f"these were known to be delivered, and delivered again: {again[:10]}"
    return len(twice)
