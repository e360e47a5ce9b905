"""A client that comes back: what it takes to learn 100 changes of a mailbox of 10,000 (RFC 7162).

Each round changes flags of 50 messages, removes 25 and adds 25, all over the mailbox. Then sessions that have just
logged in resynchronize from before that: by QRESYNC, which tells everything in one SELECT, and by CONDSTORE.
"""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

from bench.clients import ImapClient
from bench.rows_imap import MESSAGES, messages
from bench.table import Row, at_most, interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.rows_imap import Place, User

FLAGGED, REPLACED = 50, 25  # messages whose flags change, and messages that go while as many come
TIMES = 15  # sessions in a round, of which the median counts
FLOOR = 0.5


class _Mailbox:
    """An INBOX that changes, and the sessions that come back to it."""

    def __init__(self, place: Place, user: User) -> None:
        self._place, self._user = place, user
        self._client = ImapClient(place[0], place[1], *user)
        self._round = 0
        self._new = messages(REPLACED, 500, 9)
        self._client.empty()
        self._client.append(messages(MESSAGES, 500, 8))
        self._client.command("SELECT INBOX (CONDSTORE)")

    def close(self) -> None:
        self._client.empty()
        self._client.__exit__()

    def change(self) -> tuple[int, int]:
        """Change it; return UIDVALIDITY and HIGHESTMODSEQ from before."""
        answer = self._client.command("SELECT INBOX (CONDSTORE)")
        before = [int(re.search(rb"%b (\d+)" % word, answer)[1]) for word in (b"UIDVALIDITY", b"HIGHESTMODSEQ")]  # type: ignore[index]
        self._round += 1
        step = MESSAGES // FLAGGED
        chosen = ",".join(str(number) for number in range(1, MESSAGES - REPLACED, step))
        sign = "+" if self._round % 2 else "-"
        self._client.command(f"STORE {chosen} {sign}FLAGS.SILENT (\\Flagged)")
        gone = ",".join(str(number + 2) for number in range(1, MESSAGES - REPLACED, MESSAGES // REPLACED))
        self._client.command(f"STORE {gone} +FLAGS.SILENT (\\Deleted)")
        self._client.command("EXPUNGE")
        self._client.append(self._new)
        return before[0], before[1]

    def come_back(self, texts: tuple[str, ...], values: tuple[int, int]) -> float:
        """Return the milliseconds of commands in a session that has logged in and enabled QRESYNC."""
        with ImapClient(self._place[0], self._place[1], *self._user) as client:
            client.command("ENABLE QRESYNC")
            return sum(client.timed(text.format(*values)) for text in texts)


WAYS = (
    ("QRESYNC resync after 100 changes", ("SELECT INBOX (QRESYNC ({} {}))",)),
    ("CONDSTORE resync after them", ("SELECT INBOX", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE {1})", "UID SEARCH ALL")),
)


def rows(ours: tuple[Place, User], peer: tuple[Place, User], peer_name: str, rounds: int) -> Iterator[Row]:
    """Fill both INBOXes, then measure each way."""
    mine, theirs = _Mailbox(*ours), _Mailbox(*peer)

    def measured(mailbox: _Mailbox, texts: tuple[str, ...]) -> Callable[[], float]:
        def measure() -> float:
            values = mailbox.change()
            return statistics.median(mailbox.come_back(texts, values) for _ in range(TIMES))

        return measure

    for name, texts in WAYS:
        row = Row(f"IMAP {name}", "ms", at_most(FLOOR) if texts is WAYS[0][1] else None, peer_name=peer_name)
        yield interleave(row, rounds, measured(mine, texts), measured(theirs, texts))
    mine.close()
    theirs.close()
