"""The `Spec` of a command: all that the server knows of it, written in the command's own module (`commands/`).

The registry derives everything else from the Specs: the parser and the handler of each command, the states that it is
legal in, what CAPABILITY says, and which capabilities an operator can hide.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.value import value
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from postroad_store.imap.events import Announcing, Command
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.protocol.contract import Event

# Any: each handler takes the events of its own command alone.
Handler: TypeAlias = "Callable[[Session, Any], Awaitable[None] | None]"
Resumer: TypeAlias = "Callable[[Any, Reader], Announcing]"  # what was read before, and the text after the literal
Parser: TypeAlias = "Callable[[bytes, Reader], Command]"


@value
class Conditions:
    """The conditions for what CAPABILITY lists, besides the capabilities that are offered (RFC 3501 §6.1.1)."""

    state: State
    secure: bool  # TLS is in use
    tls: bool  # STARTTLS may be offered
    plaintext_auth: bool  # passwords are taken without TLS
    message_size: int | None  # octets; None: each mailbox has its own limit
    mechanisms: tuple[str, ...] = ()  # of SASL, that can be used now
    message_limit: int = 0  # messages of one command, where there is a limit


def _always(_: Conditions) -> bool:
    return True


def after_login(conditions: Conditions) -> bool:
    """Show a capability once the client has logged in, because its commands are refused before."""
    return conditions.state is not State.NOT_AUTHENTICATED


@value
class Capability:
    """An extension as CAPABILITY announces it and as an operator hides it: by `name`.

    A capability that is a command is that command's `Spec.capability`: without it the command is unknown. A capability
    that changes a command is in its `Spec.extensions`: the parser asks `reader.offers`, so that what is hidden is
    refused as by a server that lacks it, and a handler whose answer is another asks `session.offers`.
    """

    name: bytes
    rfc: str
    shown: Callable[[Conditions], bool] = _always
    # Returns the text after "=" in the announcement, None if there is none
    value: Callable[[Conditions], bytes | None] | None = None
    kept: str = ""  # why it cannot be hidden, as a sentence without its full stop
    enables: bool = False  # ENABLE may name it (RFC 5161 §3.1)
    requires: tuple[bytes, ...] = ()  # names of those without which it is not offered
    covered_by: bytes = b""  # the name of one that includes it: where that is offered, this is not listed
    on_request: bool = False  # not offered unless the operator asks for it

    def text(self, conditions: Conditions) -> bytes:
        """Return the text that CAPABILITY lists."""
        value = None if self.value is None else self.value(conditions)
        return self.name if value is None else b"%b=%b" % (self.name, value)


@value
class Spec:
    """One command.

    `parse` is pure: it reads the arguments, up to the end of the command, and raises `SyntaxFault`. `handle` carries
    the event out, at once or awaited; it may raise `MailError` and, before it awaits, `SyntaxFault`.
    """

    name: bytes  # in upper case; a UID form is a command of its own: b"UID FETCH"
    states: frozenset[State]
    event: type[Command]
    parse: Parser
    handle: Handler
    rfc: str
    capability: Capability | None = None
    extensions: tuple[Capability, ...] = ()
    # Handlers of events that come later, with the client's next octets
    follow: Mapping[type[Event], Handler] = field(default_factory=lambda: MappingProxyType({}))
    too_large: str = ""  # the response code of the NO for a literal that is too large; "": it is BAD
    # With this, literals of any size are handed on in pieces: `parse` ends at the announcement of one, and `resume`
    # reads on after it, as far as the next one or the end of the command.
    resume: Resumer | None = None
