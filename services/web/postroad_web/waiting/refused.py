"""The latest refusals of the relay: mail for which a test waits in vain, because it was not accepted. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 20


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
    """The latest of them."""

    def __init__(self) -> None:
        self._latest: deque[Refusal] = deque(maxlen=KEPT)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take note of an event of the relay's journal, if a command was refused, and not a TLS handshake."""
        if "reply" not in event:
            return
        recipients = event.get("recipients") or filter(None, [event.get("recipient")])
        self._latest.append(
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

    def after(self, number: int) -> list[Refusal]:
        """Return those after a number, the oldest first."""
        return [refusal for refusal in self._latest if refusal.number > number]
