"""XWORLD: by it the relay tells the store which world a transaction belongs to. It is private: no RFC has it.

    MAIL FROM:<bob@shop.test> SIZE=210 XWORLD=checkout.5f0c…

It is made for a stack's key, and is not in `EXTENSIONS`: the relay sends it, and the store alone offers it. The value
is a mark of the world (`postroad.world.mark`), so nobody else who reaches the store can put mail into a world's capture
box. Without the parameter the domains of the recipients say which world it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError
from postroad.world.mark import LONGEST, Marks

if TYPE_CHECKING:
    from postroad.smtp.client.events import Transaction

KEYWORD = "XWORLD"


def world_extension(key: bytes) -> Extension:
    """Return the extension for a stack's key (`control.token.find_key`)."""
    marks = Marks(key)

    def parse(value: str | None) -> str:
        world = marks.world_of(value or "")
        if world is None:
            raise CommandError(PARAMETER_SYNTAX)
        return world

    def with_mail(transaction: Transaction, _offered: str) -> str | None:
        world = transaction.envelope.world
        return None if world is None else f"{KEYWORD}={marks.mark_of(world)}"

    return Extension(
        keyword=KEYWORD,
        rfc="private",
        offer=lambda _profile, _session: KEYWORD,
        available=lambda profile: not profile.lmtp,
        mail=(Parameter(KEYWORD, parse, "world"),),
        mail_line=1 + len(KEYWORD) + 1 + LONGEST,
        with_mail=with_mail,
    )
