"""A typed client of Postroad for tests: worlds of their own, waits without polling, mail with everything decoded.

    from postroad_kit import Postroad

    with Postroad("http://localhost:8025").world() as world:
        bob = world.account("bob")
        app.register(bob.address)                    # sends through world.smtp_url
        mail = bob.wait(subject="Welcome")
        assert mail.link("Confirm").startswith("https://")
        world.quiet()

`AsyncPostroad` is the same for asyncio. The pytest plugin (`pytest_postroad`) has fixtures for both.
"""

from __future__ import annotations

from postroad_kit.account import Account
from postroad_kit.aio import AsyncAccount, AsyncMail, AsyncPostroad, AsyncWorld
from postroad_kit.errors import (
    Away,
    CannotStart,
    MailError,
    NotArrived,
    NotOne,
    NotQuiet,
    PostroadError,
    Refused,
    TooMany,
)
from postroad_kit.letter import Attachment, Letter
from postroad_kit.mail import Mail
from postroad_kit.postroad import Postroad
from postroad_kit.stack import Stack, find_or_start
from postroad_kit.world import World

__all__ = [
    "Account",
    "AsyncAccount",
    "AsyncMail",
    "AsyncPostroad",
    "AsyncWorld",
    "Attachment",
    "Away",
    "CannotStart",
    "Letter",
    "Mail",
    "MailError",
    "NotArrived",
    "NotOne",
    "NotQuiet",
    "Postroad",
    "PostroadError",
    "Refused",
    "Stack",
    "TooMany",
    "World",
    "find_or_start",
]
