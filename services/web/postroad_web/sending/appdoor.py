"""The app door as the API uses it: what is sent here takes the same road as the mail of an app under test."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from postroad.control import names
from postroad.smtp.client.login import with_login
from postroad.smtp.extensions import EXTENSIONS
from postroad.value import value
from postroad.world.world import DEFAULT_WORLD, Role
from postroad_web.sending.transaction import Answer, AwayError, Server, send, transaction_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.world.world import World

_QUEUED = re.compile(r"queued as ([A-Za-z0-9]+)")


@value
class Sent:
    """A message that the relay has taken: its queue ID, which is the record's, and what it said of each recipient."""

    id: str
    answers: tuple[Answer, ...]


async def submit(
    settings: Settings,
    world: World,
    clock: Clock,
    *,
    sender: str,
    recipients: Sequence[str],
    content: bytes,
    of: str = DEFAULT_WORLD,
    login: str = "",
) -> Sent:
    """Send a message through the app door; an empty sender is the null reverse-path.

    `of` is the ID of the world whose message it is: the relay knows it by its app user, which has this name. `login` is
    the name that the record gets in the default world. Raises `EnvelopeError`, `AwayError` and `RefusedError`
    (`transaction`).
    """
    transaction = transaction_of(sender, recipients, content)
    user = login if of == DEFAULT_WORLD else of
    answers = await send(_door(settings, world, user), transaction, content, hostname=names.WEB, clock=clock)
    for answer in answers:
        if answer.accepted and (match := _QUEUED.search(answer.reply)):
            return Sent(match[1], tuple(answers))
    raise AwayError("the app door took the message, and did not name its queue ID")


def _door(settings: Settings, world: World, login: str) -> Server:
    host = world.host_of(Role.RELAY)
    front = ipaddress.ip_address(settings.front)
    # The app door takes any AUTH at its word, so that the password is none.
    extensions = with_login(login, "-", plaintext=True) if login else EXTENSIONS
    address = host.address if front.is_unspecified else front
    return Server(host.name, address, settings.app_port, extensions=extensions)
