"""The app door as the API uses it: what is sent here takes the same road as the mail of an app under test."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.world.world import Role
from postroad_web.sending.transaction import Answer, AwayError, Server, envelope_of, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.world.world import World

HOSTNAME = "web.postroad.test"  # for EHLO: a record shows it as the client's
_QUEUED = re.compile(r"queued as ([A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the relay has taken: its queue ID, which is the record's, and what it said of each recipient."""

    id: str
    answers: tuple[Answer, ...]


async def submit(
    settings: Settings, world: World, clock: Clock, *, sender: str, recipients: Sequence[str], content: bytes
) -> Sent:
    """Send a message through the app door; an empty sender is the null reverse-path.

    Raises `EnvelopeError`, `AwayError` and `RefusedError` (`transaction`).
    """
    envelope = envelope_of(sender, recipients, content)
    answers = await send(_door(settings, world), envelope, content, hostname=HOSTNAME, clock=clock)
    for answer in answers:
        if answer.accepted and (match := _QUEUED.search(answer.reply)):
            return Sent(match[1], tuple(answers))
    raise AwayError("the app door took the message, and did not name its queue ID")


def _door(settings: Settings, world: World) -> Server:
    host = world.host_of(Role.RELAY)
    front = ipaddress.ip_address(settings.front)
    return Server(host.name, host.address if front.is_unspecified else front, settings.app_port)
