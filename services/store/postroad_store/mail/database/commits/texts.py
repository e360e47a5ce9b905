"""The commit that makes texts for searches anew, after an earlier version has prepared them otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.texts import retext

if TYPE_CHECKING:
    from sqlite3 import Connection


class Retext(Commit[bool, bool]):
    """Make some texts; return whether there are more to make."""

    def write(self, db: Connection) -> bool:
        """Make them."""
        return retext(db)

    def show(self, written: bool) -> bool:
        """Do nothing: whoever searches reads them."""
        return written
