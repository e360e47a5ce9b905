"""The events that IMAP's engine gives to the session, apart from the commands themselves (`protocol.contract`).

Each command's own event, a subclass of `Command`, is in the module of that command (`commands/`). All are frozen.
Strings in them are octets as the client sent them; the handler decodes them (a mailbox name's UTF-7).
"""

from __future__ import annotations

from postroad.value import value
from postroad_store.protocol.contract import Event


@value
class Command(Event):
    """Any command; its completion result begins with `tag`."""

    tag: bytes


@value
class Announcing(Command):
    """A command, or what follows in it, as far as the literal that it streams next (`Spec.resume`)."""

    size: int | None  # octets of the literal; None: the command has ended
    binary: bool  # the literal may hold NULs: literal8 (RFC 3516 §7)


@value
class Bad(Event):
    """Input that is not a valid command: the session answers BAD with `text`, untagged if the tag is unreadable.

    A command under way with this tag (APPEND, AUTHENTICATE, IDLE) is over. A command that is well-formed and exceeds a
    `limit` of the server is no fault of the client: it is answered NO with this response code, such as LIMIT
    (RFC 5530 §3).
    """

    tag: bytes | None
    text: str
    limit: str = ""


@value
class Octets(Command):
    """A piece of the literal that a command streams (`Spec.resume`); it is not answered."""

    octets: bytes


@value
class Response(Command):
    """The client's decoded answer to a challenge (`Engine.challenge`)."""

    response: bytes


@value
class Done(Command):
    """The client ends IDLE (`Engine.begin_idle`)."""
