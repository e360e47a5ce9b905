"""The mark by which one service tells another to which world something belongs: its ID, and a MAC by the stack's key.

Nobody else can make one: to put mail into a world's capture box, or a question into its transcripts.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

_MAC = 32  # hexadecimal digits
LONGEST = 32 + 1 + _MAC  # octets of a mark
_REMEMBERED = 1024  # worlds


class Marks:
    """The marks of a stack's key (`control.token.find_key`)."""

    def __init__(self, key: bytes) -> None:
        @lru_cache(_REMEMBERED)
        def mark_of(world: str) -> str:
            return f"{world}.{hmac.digest(key, f'world {world}'.encode(), 'sha256').hex()[:_MAC]}"

        self.mark_of = mark_of

    def world_of(self, mark: str) -> str | None:
        """Return the ID of the world that a mark names; None if it is none."""
        world = mark.partition(".")[0]
        return world if world and hmac.compare_digest(self.mark_of(world).encode(), mark.encode()) else None
