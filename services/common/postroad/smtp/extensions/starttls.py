"""STARTTLS (RFC 3207): a session goes over to TLS.

The client asks for TLS if it wants it, and goes on in plaintext if that is refused: its TLS is opportunistic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mail.reply import reply
from postroad.smtp.client import events as client_events
from postroad.smtp.client.transitions import Cause
from postroad.smtp.client.verbs import Command
from postroad.smtp.client.verbs import Verb as ClientVerb
from postroad.smtp.extensions.extension import Extension
from postroad.smtp.server.commands import CommandError, no_argument
from postroad.smtp.server.events import StartTls
from postroad.smtp.server.sequence import OUTSIDE_TRANSACTION, Verb
from postroad.smtp.server.verbs import IMPROPER_PIPELINING

if TYPE_CHECKING:
    from postroad.mail.reply import Reply
    from postroad.smtp.client.engine import Client
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.events import Event

_READY = reply(220, "2.0.0", "Ready to start TLS")
_TLS_ACTIVE = reply(503, "5.5.1", "Bad sequence of commands: TLS is active")


def _run(engine: Engine, argument: bytes) -> Event | None:
    no_argument(argument)
    if engine.session.tls_version is not None:
        raise CommandError(_TLS_ACTIVE)
    # RFC 3207 §4: the last command of its group. Plaintext behind it is an attack, on the client or by it.
    if engine.buffered:
        engine.shut_down(IMPROPER_PIPELINING)
        return None
    engine.say(_READY)
    return engine.ask(StartTls())


def _begin(client: Client) -> bool:
    if not client.starttls or client.secure:
        return False
    client.move(Cause.ASK_TLS)
    client.command(Command(_ASKED, b"STARTTLS\r\n"))
    return True


def _answered(client: Client, _command: Command, reply: Reply) -> None:
    if reply.code != 220:
        client.proceed()  # RFC 3207 §4: 454 or 5yz
    elif client.heard_more:
        # Plaintext that would count as an answer inside TLS: somebody is between client and server.
        client.break_off("it sent more after agreeing to STARTTLS")
    else:
        client.move(Cause.GO_AHEAD)
        client.tell(client_events.StartTls())


_ASKED = ClientVerb("STARTTLS", 300.0, _answered)

STARTTLS = Extension(
    keyword="STARTTLS",
    rfc="RFC 3207",
    # RFC 3207 §4.2: not while TLS is active
    offer=lambda _profile, session: None if session.channel.secure else "STARTTLS",
    available=lambda profile: profile.starttls,
    verb=Verb("STARTTLS", _run, OUTSIDE_TRANSACTION, applies=lambda _profile, session: session.tls_version is None),
    begin=_begin,
)
