"""Commands that wait for a reply: the name in DSNs, how long to wait, and the method that takes the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.mail.reply import Reply
    from postroad.smtp.client.engine import Client


@dataclass(frozen=True, slots=True, eq=False)
class Verb:
    """A command, or another thing that the server answers: the connection, the end of the content."""

    name: str
    timeout: float  # seconds (RFC 5321 §4.5.3.2)
    take: Callable[[Client, Command, Reply], None]


class Command(NamedTuple):
    """One command that was sent or is to be sent."""

    verb: Verb
    line: bytes
    recipient: int = -1  # index, for RCPT
