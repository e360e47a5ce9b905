"""One thing that must hold in the mail's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection


@value
class Invariant:
    """One invariant: rows of `find` are the values of `sentence`; `mend` are statements."""

    name: str
    find: str
    sentence: str
    mend: tuple[str, ...]

    def faults(self, db: Connection) -> Iterator[str]:
        """Yield a sentence for each fault."""
        for row in db.execute(self.find):
            yield self.sentence.format(*row)
