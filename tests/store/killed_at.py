"""A store that kills itself (SIGKILL) where it would pass events of one kind to the journal.

    python tests/store/killed_at.py stored

With `retelling` it does so at its start, once it has told what an earlier one could not, and before it has noted that.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, cast

from postroad_store.__main__ import main
from postroad_store.mail import writer
from postroad_store.mail.news import News

if TYPE_CHECKING:
    from postroad_store.mail.database.commits.base import Commit

POINT = sys.argv.pop()


class Doomed:
    """A database of which nothing is deleted any more."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def execute(self, statement: str, *values: Any) -> Any:
        if statement.startswith("DELETE"):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._db.execute(statement, *values)


class Fatal(News):
    """Kills the process in place of telling."""

    def tell(self, work: Commit[Any, Any]) -> None:
        if any(b'"kind":"%b"' % POINT.encode() in line for _, line in work.lines):
            os.kill(os.getpid(), signal.SIGKILL)
        super().tell(work)

    def catch_up(self) -> None:
        if POINT == "retelling":
            self._boxes.db = cast("Any", Doomed(self._boxes.db))
        super().catch_up()


if __name__ == "__main__":
    vars(writer)["News"] = Fatal
    sys.exit(main())
