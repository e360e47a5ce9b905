"""A relay that kills itself (SIGKILL) where the spool would pass events of one kind to the journal.

    python tests/relay/killed_at.py delivered

With `retold` it does so at its start, once it has told what an earlier one could not.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from postroad_relay.__main__ import main
from postroad_relay.queue.spool import spool
from postroad_relay.queue.spool.news import News

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.journal import Note

POINT = sys.argv.pop()


class Fatal(News):
    """Kills the process in place of telling."""

    def tell(self, notes: Sequence[Note]) -> None:
        if any(note.kind == POINT for note in notes):
            os.kill(os.getpid(), signal.SIGKILL)
        super().tell(notes)

    def catch_up(self) -> None:
        super().catch_up()
        if POINT == "retold":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    vars(spool)["News"] = Fatal
    main()
