"""Deliveries that a killed process has stored and not answered: their events were not in the journal yet.

The journal is written before a reply leaves. So the client has no 250, and sends the message again (RFC 5321
§4.5.4.1). It gets the answer that it has missed, and no second copy: the same message is one from the same sender for
the same recipients, octet by octet. The relay's own Received field has the queue ID, so no two that it sends are alike.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad.mail.envelope import Envelope
    from postroad_store.mail.storage import Storage


class Unanswered:
    """The last deliveries of the process before, by what it would have said of them in its journal."""

    def __init__(self, storage: Storage, left: Iterable[bytes]) -> None:
        self._storage = storage
        self._events: dict[str, list[dict[str, Any]]] = {}  # by queue ID
        for line in left:
            event = json.loads(b"{" + line.removeprefix(b","))
            if event["kind"] == Kind.STORED:
                self._events.setdefault(event["queue_id"], []).append(event)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._events)

    async def take(self, envelope: Envelope, octets: bytes) -> str | None:
        """Return the queue ID under which this message has been stored, for this time; None if it has not."""
        sender = str(envelope.reverse_path or "")
        recipients = {str(recipient.address) for recipient in envelope.recipients}
        for ident, events in self._events.items():
            if (
                events[0]["reverse_path"] == sender
                and {name for event in events for name in event["recipients"]} == recipients
                and all([await self._is_there(event, octets) for event in events])
            ):
                del self._events[ident]
                return ident
        return None

    async def _is_there(self, event: dict[str, Any], octets: bytes) -> bool:
        """Whether the message is still where it was stored, with nothing but trace fields in front."""
        account = await self._storage.account(event["account"])
        mailbox = account.find(event["mailbox"])
        if mailbox is None or mailbox.uid_validity != event["uid_validity"]:
            return False
        return (self._storage.content(mailbox, event["uid"]) or b"").endswith(octets)
