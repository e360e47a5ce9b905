"""XWORLD: by it the relay tells the store which world a transaction belongs to. It is private: no RFC has it.

    MAIL FROM:<bob@shop.test> SIZE=210 XWORLD=checkout.5f0c…

It is made for a stack's key, and is not in `EXTENSIONS`: the relay sends it, and the store alone offers it. The value
is the ID of the world and a MAC by that key, so nobody else who reaches the store can put mail into a world's capture
box. Without the parameter the domains of the recipients say which world it is.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError

if TYPE_CHECKING:
    from postroad.smtp.client.events import Transaction

KEYWORD = "XWORLD"
_MAC = 32  # hexadecimal digits
_LONGEST = 32 + 1 + _MAC  # octets of a value
_REMEMBERED = 1024  # worlds


def world_extension(key: bytes) -> Extension:
    """Return the extension for a stack's key (`control.token.find_key`)."""

    @lru_cache(_REMEMBERED)
    def value_of(world: str) -> str:
        return f"{world}.{hmac.digest(key, f'world {world}'.encode(), 'sha256').hex()[:_MAC]}"

    def parse(value: str | None) -> str:
        world = (value or "").partition(".")[0]
        if not world or not hmac.compare_digest(value_of(world).encode(), (value or "").encode()):
            raise CommandError(PARAMETER_SYNTAX)
        return world

    def with_mail(transaction: Transaction, _offered: str) -> str | None:
        world = transaction.envelope.world
        return None if world is None else f"{KEYWORD}={value_of(world)}"

    return Extension(
        keyword=KEYWORD,
        rfc="private",
        offer=lambda _profile, _session: KEYWORD,
        available=lambda profile: not profile.lmtp,
        mail=(Parameter(KEYWORD, parse, "world"),),
        mail_line=1 + len(KEYWORD) + 1 + _LONGEST,
        with_mail=with_mail,
    )
