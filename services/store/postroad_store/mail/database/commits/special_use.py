"""Who has a special use (RFC 6154): see `model.special_use`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from sqlite3 import Connection

Uses: TypeAlias = "list[tuple[str, str | None]]"  # names of mailboxes, and the uses that they have now


def take_uses(db: Connection, account: int, uses: str, *, but: str = "") -> Uses:
    """Take uses from the mailboxes that have them, for another one (RFC 6154 §3), whose name is `but`."""
    taken = set(uses.split())
    left: Uses = []
    for number, name, has in db.execute(_USED, (account,)).fetchall():
        stays = [use for use in has.split() if use not in taken]
        if name != but and len(stays) < len(has.split()):
            left.append((name, " ".join(stays) or None))
            db.execute("UPDATE mailboxes SET special_use = ? WHERE id = ?", (left[-1][1], number))
    return left


_USED = "SELECT id, name, special_use FROM mailboxes WHERE account = ? AND special_use IS NOT NULL"
