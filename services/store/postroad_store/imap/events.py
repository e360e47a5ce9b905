"""The events that every IMAP command shares: what the engine gives to the session (`protocol.contract`).

Each command's own event, a subclass of `Command`, is in the module of that command (`commands/`). All are frozen.
Strings in them are octets as the client sent them; the handler gives them a meaning (a mailbox name's UTF-7).
"""

from __future__ import annotations

from dataclasses import dataclass

from postroad_store.protocol.contract import Event


@dataclass(frozen=True, slots=True)
class Command(Event):
    """Any command; its completion result begins with `tag`."""

    tag: bytes


@dataclass(frozen=True, slots=True)
class Bad(Event):
    """Input that is not a valid command: the session answers BAD with `text`, untagged if the tag is unreadable.

    An APPEND, IDLE or AUTHENTICATE under way with this tag is over.
    """

    tag: bytes | None
    text: str
