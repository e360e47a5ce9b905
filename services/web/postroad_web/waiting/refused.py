"""The latest refusals of the relay: mail for which a test waits in vain, because it was not accepted. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_web.catalog.worlds import world_of_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_web.catalog.worlds import Worlds

KEPT = 20  # of a world
WORLDS = 1000


class Refusal(NamedTuple):
    """A command or a content that the relay has refused."""

    number: int  # of the journal's event, so that it compares with those of messages
    time: str  # as in RFC 3339
    at: float  # the same in seconds since the epoch
    command: str  # RCPT, "content" after DATA, ...
    sender: str | None
    recipients: tuple[str, ...]
    reply: str
    client: str


class Refusals:
    """The latest of each world."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._latest: OrderedDict[str, deque[Refusal]] = OrderedDict()  # by world, the one refused last at the end

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take note of an event of the relay's journal, if a command was refused, and not a TLS handshake."""
        if "reply" not in event:
            return
        recipients = event.get("recipients") or filter(None, [event.get("recipient")])
        world = world_of_refusal(self._worlds, event)
        latest = self._latest.setdefault(world, deque(maxlen=KEPT))
        self._latest.move_to_end(world)
        if len(self._latest) > WORLDS:
            self._latest.popitem(last=False)
        latest.append(
            Refusal(
                event["n"],
                event["time"],
                datetime.fromisoformat(event["time"]).timestamp(),
                event.get("command", ""),
                event.get("sender"),
                tuple(recipients),
                event["reply"],
                event.get("client", ""),
            )
        )

    def forget(self, world: str) -> None:
        """Forget a world that is no more."""
        self._latest.pop(world, None)

    def after(self, number: int, world: str) -> list[Refusal]:
        """Return those of a world after a number, the oldest first."""
        return [refusal for refusal in self._latest.get(world, ()) if refusal.number > number]
