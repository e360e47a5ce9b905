"""The SMTP client (RFC 5321), without I/O.

    GREETING ─220─▶ EHLO ─250─▶ READY ◀───────────────────────────────┐
                     │  ▲         │ send()                            │
                5yz: HELO │ tls   ▼                                   │
                     STARTTLS   ENVELOPE ─354─▶ CONTENT ─end_content()─▶ FINAL ─reply─┘

Octets go in by `receive_data`, events come out of `next_event`, octets to write out of `data_to_send`. Every
command that was sent waits in a queue for its reply, so pipelining (RFC 2920) is only a matter of how many are
sent at once; a reply that nobody asked for ends the session. `_LEGAL` says what the adapter may do when.

Extensions used where offered: PIPELINING, SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), STARTTLS
(RFC 3207), enhanced status codes (RFC 2034).
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from postroad.engine import NEED_DATA, PAUSED, LocalProtocolError, Wait
from postroad.mail.address import Address, domain_key
from postroad.mail.envelope import BodyType
from postroad.smtp.client.events import Event, Finished, Ready, Refused, SendContent, StartTls, Transaction
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome, deferred, failed, from_reply
from postroad.smtp.client.reply import ReplyError, ReplyReader
from postroad.smtp.client.transparency import DotStuffer

if TYPE_CHECKING:
    from postroad.mail.reply import Reply


class State(Enum):
    """Where the session stands."""

    GREETING = auto()
    HELLO = auto()
    STARTTLS = auto()
    HANDSHAKE = auto()
    READY = auto()
    ENVELOPE = auto()
    CONTENT = auto()
    FINAL = auto()
    QUIT = auto()
    CLOSED = auto()


class Verb(Enum):
    """What a reply may be waited for; the values are how DSNs name them."""

    GREETING = "the connection"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    RSET = "RSET"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    DOT = "end of DATA"
    QUIT = "QUIT"


# What the adapter may do, and in which state alone.
_LEGAL = {
    "send": State.READY,
    "quit": State.READY,
    "tls_started": State.HANDSHAKE,
    "content": State.CONTENT,
    "end_content": State.CONTENT,
}

_OUR_TURN = frozenset({*_LEGAL.values(), State.CLOSED})

# RFC 5321 §4.5.3.2: how long to wait, in seconds.
_TIMEOUTS = {
    Verb.GREETING: 300.0,  # §4.5.3.2.1
    Verb.EHLO: 300.0,
    Verb.HELO: 300.0,
    Verb.STARTTLS: 300.0,
    Verb.RSET: 300.0,
    Verb.MAIL: 300.0,  # §4.5.3.2.2
    Verb.RCPT: 300.0,  # §4.5.3.2.3
    Verb.DATA: 120.0,  # §4.5.3.2.4
    Verb.DOT: 600.0,  # §4.5.3.2.6
    Verb.QUIT: 5.0,  # nothing depends on it
}
BLOCK_TIMEOUT = 180.0  # §4.5.3.2.5, between blocks of content


class _Command(NamedTuple):
    verb: Verb
    line: bytes
    recipient: int = -1  # index, for RCPT


_DOT = _Command(Verb.DOT, b"")
_DATA = _Command(Verb.DATA, b"DATA\r\n")


class Client:
    """One session with one server, over which transactions go one after the other.

    `hostname` is the name for EHLO, `server` the server's for outcomes; `starttls` says whether to use TLS where
    it is offered.
    """

    def __init__(self, hostname: str, server: str, *, starttls: bool = True) -> None:
        self._hostname = hostname
        self._server = server
        self._starttls = starttls
        self._state = State.GREETING
        self._reader = ReplyReader()
        self._events: deque[Event] = deque()
        self._out: list[bytes] = []
        self._awaited: deque[_Command] = deque([_Command(Verb.GREETING, b"")])
        self._unsent: deque[_Command] = deque()
        self._extensions: dict[str, str] = {}
        self._transaction: Transaction | None = None
        self._outcomes: list[Outcome | None] = []
        self._accepted: list[int] = []
        self._stuffer = DotStuffer()
        self._must_reset = False
        self.secure = False

    # -- the adapter's side -----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the session stands; READY means that `send` may be called."""
        return self._state

    @property
    def extensions(self) -> dict[str, str]:
        """The EHLO keywords, in capitals, with their parameters."""
        return self._extensions

    @property
    def timeout(self) -> float:
        """How long to wait for the server now, in seconds (RFC 5321 §4.5.3.2)."""
        return _TIMEOUTS[self._awaited[0].verb] if self._awaited else BLOCK_TIMEOUT

    def data_to_send(self) -> bytes:
        """Return octets to write, and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_event(self) -> Event | Wait:
        """Return the next event; NEED_DATA where the server must speak first, PAUSED where the adapter must act."""
        if self._events:
            return self._events.popleft()
        return PAUSED if self._state in _OUR_TURN else NEED_DATA

    def receive_data(self, data: bytes) -> None:
        """Take what the server sent."""
        self._reader.feed(data)
        try:
            while self._state is not State.CLOSED and (reply := self._reader.next()) is not None:
                self._on_reply(reply)
        except ReplyError as error:
            self._break(f"it sent {error}")

    def receive_eof(self, reason: str = "lost connection") -> None:
        """Take notice that the connection has ended, or that the adapter has given up on it (a timeout, say)."""
        self._break(reason)

    def tls_started(self) -> None:
        """Start over inside TLS (RFC 3207 §4.2: what was learned before it is discarded)."""
        self._require("tls_started")
        self.secure = True
        self._reader.clear()
        self._hello(Verb.EHLO)

    def send(self, transaction: Transaction) -> None:
        """Begin a transaction; only when READY."""
        self._require("send")
        self._transaction = transaction
        self._accepted = []
        outcomes = self._outcomes = self._unsendable(transaction)
        if None not in outcomes:
            self._finish()
            return
        commands = self._unsent
        if self._must_reset:
            commands.append(_Command(Verb.RSET, b"RSET\r\n"))
            self._must_reset = False
        commands.append(_Command(Verb.MAIL, self._mail_line(transaction)))
        for index, recipient in enumerate(transaction.envelope.recipients):
            if outcomes[index] is None:
                line = f"RCPT TO:<{self._path(recipient.address)}>\r\n".encode()
                commands.append(_Command(Verb.RCPT, line, index))
        commands.append(_DATA)
        self._state = State.ENVELOPE
        self._send_more()

    def content(self, block: bytes) -> None:
        """Send a block of content; only after SendContent."""
        self._require("content")
        self._out.append(self._stuffer.block(block))

    def end_content(self) -> None:
        """Send the final dot; only after SendContent."""
        self._require("end_content")
        self._final_dot()

    def _require(self, action: str) -> None:
        if self._state is not _LEGAL[action]:
            raise LocalProtocolError(f"{action} does not go in state {self._state.name}")

    def _final_dot(self) -> None:
        self._out.append(self._stuffer.end())
        self._state = State.FINAL
        self._awaited.append(_DOT)

    def quit(self) -> None:
        """Take leave; only when READY."""
        self._require("quit")
        self._state = State.QUIT
        self._command(_Command(Verb.QUIT, b"QUIT\r\n"))

    # -- what is sent -----------------------------------------------------------------------------------------

    def _command(self, command: _Command) -> None:
        self._out.append(command.line)
        self._awaited.append(command)

    def _send_more(self) -> None:
        """Send what is to be sent: all of it (RFC 2920 §3.1: DATA only as the last of a group), or one command."""
        if "PIPELINING" in self._extensions:
            while self._unsent:
                self._command(self._unsent.popleft())
        else:
            self._command(self._unsent.popleft())

    def _hello(self, verb: Verb) -> None:
        self._state = State.HELLO
        self._extensions = {}
        self._command(_Command(verb, f"{verb.value} {self._hostname}\r\n".encode()))

    def _mail_line(self, transaction: Transaction) -> bytes:
        envelope = transaction.envelope
        path = envelope.reverse_path
        line = f"MAIL FROM:<{self._path(path) if path is not None else ''}>"
        if "SIZE" in self._extensions:
            line += f" SIZE={transaction.size}"
        if "8BITMIME" in self._extensions and (envelope.body is not None or transaction.eight_bit):
            body = BodyType.EIGHT_BIT_MIME if transaction.eight_bit else envelope.body
            line += f" BODY={body}"
        if self._sends_utf8(transaction):
            line += " SMTPUTF8"
        return f"{line}\r\n".encode()

    def _sends_utf8(self, transaction: Transaction) -> bool:
        # RFC 6531 §3.4: the parameter MUST be there when the message needs it, and SHOULD NOT when it does not.
        envelope = transaction.envelope
        if not envelope.smtputf8 or "SMTPUTF8" not in self._extensions:
            return False
        addresses = (envelope.reverse_path, *(recipient.address for recipient in envelope.recipients))
        return transaction.utf8_header or any(one is not None and not one.is_ascii for one in addresses)

    def _path(self, address: Address) -> str:
        # RFC 6531 §3.7: U-labels where SMTPUTF8 is supported, otherwise A-labels.
        if address.domain.isascii() or "SMTPUTF8" in self._extensions:
            return str(address)
        return str(Address(address.local_part, domain_key(address.domain)))

    def _unsendable(self, transaction: Transaction) -> list[Outcome | None]:
        """Return the outcomes that are clear from the server's extensions alone; None: it must be asked."""
        envelope = transaction.envelope
        everyone = len(envelope.recipients)
        size = self._extensions.get("SIZE", "")
        if size.isdigit() and 0 < int(size) < transaction.size:
            # RFC 1870 §6.1 leaves it to the client; the server would answer 552.
            why = f"size {transaction.size} exceeds the limit {size} of {self._server}"
            return [failed("5.3.4", why, self._server)] * everyone
        if transaction.eight_bit and envelope.body is BodyType.EIGHT_BIT_MIME and "8BITMIME" not in self._extensions:
            # RFC 6152 §3: convert it, or treat it as a permanent error. We never change a message.
            why = f"{self._server} does not take 8-bit content (no 8BITMIME)"
            return [failed("5.6.3", why, self._server)] * everyone
        if not envelope.smtputf8 or "SMTPUTF8" in self._extensions:
            return [None] * everyone
        # RFC 6531 §3.5: an internationalized message MUST NOT go to a server without SMTPUTF8.
        if transaction.utf8_header:
            why = f"{self._server} does not take internationalized header fields (no SMTPUTF8)"
            return [failed("5.6.9", why, self._server)] * everyone
        no_path = failed("5.6.7", f"{self._server} does not take non-ASCII addresses (no SMTPUTF8)", self._server)
        path = envelope.reverse_path
        if path is not None and not path.local_part.isascii():
            return [no_path] * everyone
        return [None if recipient.address.local_part.isascii() else no_path for recipient in envelope.recipients]

    # -- what comes back --------------------------------------------------------------------------------------

    def _on_reply(self, reply: Reply) -> None:
        command = self._awaited[0] if self._awaited else None
        if command is None:
            self._break(f"it said unasked: {reply}", None if reply.code != 421 else reply)
            return
        if reply.code == 421 and command.verb is not Verb.QUIT:
            # RFC 5321 §3.8: the server is about to close the channel, whatever it was asked.
            self._break("", reply)
            return
        self._awaited.popleft()
        self._ON_REPLY[command.verb](self, command, reply)
        if self._state is State.ENVELOPE:
            self._send_more()

    def _on_greeting(self, _command: _Command, reply: Reply) -> None:
        # RFC 5321 §3.1: 220, or 554; RFC 7504 §3: 521.
        if reply.code == 220:
            self._hello(Verb.EHLO)
        else:
            self._refuse(reply, Verb.GREETING)

    def _on_hello(self, command: _Command, reply: Reply) -> None:
        verb = command.verb
        if reply.code == 250:
            for line in reply.lines[1:] if verb is Verb.EHLO else ():
                keyword, _, parameters = line.partition(" ")
                self._extensions[keyword.upper()] = parameters
            if self._starttls and not self.secure and "STARTTLS" in self._extensions:
                self._state = State.STARTTLS
                self._command(_Command(Verb.STARTTLS, b"STARTTLS\r\n"))
            else:
                self._ready()
        elif verb is Verb.EHLO and reply.code >= 500:
            # RFC 5321 §3.2: a server that does not know EHLO is greeted with HELO.
            self._hello(Verb.HELO)
        else:
            self._refuse(reply, verb)

    def _on_starttls(self, _command: _Command, reply: Reply) -> None:
        if reply.code != 220:
            self._ready()  # RFC 3207 §4: 454 or 5yz; opportunistic TLS goes on without it
        elif self._reader.is_empty:
            self._state = State.HANDSHAKE
            self._events.append(StartTls())
        else:
            # Plaintext that would be taken for an answer inside TLS: somebody is between us.
            self._break("it sent more after agreeing to STARTTLS")

    def _on_reset(self, _command: _Command, reply: Reply) -> None:
        if not reply.is_success:
            self._break(f"it said {reply} to RSET")

    def _on_mail(self, _command: _Command, reply: Reply) -> None:
        if reply.code < 300:
            return
        refusal = self._refusal(reply, Verb.MAIL)
        self._outcomes = [refusal if outcome is None else outcome for outcome in self._outcomes]
        self._abandon()

    def _on_recipient(self, command: _Command, reply: Reply) -> None:
        index = command.recipient
        if self._outcomes[index] is not None:
            return  # MAIL was refused: this only follows from it
        if reply.code < 300:
            self._accepted.append(index)
        else:
            self._outcomes[index] = self._recipient_refusal(reply)
        waiting = bool(self._awaited) and self._awaited[0].verb is Verb.RCPT
        asked = bool(self._unsent) and self._unsent[0].verb is Verb.RCPT
        if not self._accepted and not waiting and not asked:
            self._abandon()

    def _recipient_refusal(self, reply: Reply) -> Deferred | Failed:
        refusal = self._refusal(reply, Verb.RCPT)
        if reply.code == 552 and (reply.status is None or reply.status.subject == 5):
            # RFC 5321 §4.5.3.1.10: 552 for too many recipients is an old mistake for 452, and means it.
            return Deferred(deferred("4.5.3", "").status, refusal.reason, refusal.host, reply, refusal.command)
        return refusal

    def _abandon(self) -> None:
        """Nobody is left to send to: without pipelining, DATA and the rest need not be asked."""
        if not self._unsent and self._awaited:
            return  # pipelined: their replies are on the way
        self._unsent.clear()
        self._must_reset = True
        self._finish()

    def _on_data(self, _command: _Command, reply: Reply) -> None:
        if reply.code == 354:
            self._stuffer = DotStuffer()
            if self._accepted:
                self._state = State.CONTENT
                self._events.append(SendContent())
            else:
                # RFC 2920 §3.1: a client that sent DATA ahead and has no recipients left sends a lone dot.
                self._final_dot()
            return
        refusal = self._refusal(reply, Verb.DATA)
        for index in self._accepted:
            self._outcomes[index] = refusal
        self._must_reset = True
        self._finish()

    def _on_dot(self, _command: _Command, reply: Reply) -> None:
        outcome = Delivered(self._server, reply) if reply.code < 300 else self._refusal(reply, Verb.DOT)
        for index in self._accepted:
            self._outcomes[index] = outcome
        self._finish()

    def _on_quit(self, _command: _Command, _reply: Reply) -> None:
        self._close()

    def _refusal(self, reply: Reply, verb: Verb) -> Deferred | Failed:
        """Return what a reply comes to that is no success where one was asked for."""
        if reply.code >= 400:
            return from_reply(reply, host=self._server, command=verb.value)
        return deferred("4.5.0", f"host {self._server} said {reply} to {verb.value}", self._server)

    # -- endings ----------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        self._state = State.READY
        self._events.append(Ready())

    def _finish(self) -> None:
        """End the transaction."""
        self._events.append(Finished(tuple(outcome for outcome in self._outcomes if outcome is not None)))
        self._transaction = None
        self._state = State.READY

    def _refuse(self, reply: Reply, verb: Verb) -> None:
        self._events.append(Refused(self._refusal(reply, verb)))
        self._close()

    def _break(self, reason: str, reply: Reply | None = None) -> None:
        """End the session where it stands; who has no outcome yet is deferred."""
        if self._state is State.CLOSED:
            return
        verb = self._awaited[0].verb if self._awaited else None
        where = f"in reply to {verb.value}" if verb is not None else f"while {_DOING[self._state]}"
        if reply is not None:
            end: Deferred | Failed = from_reply(reply, host=self._server, command=verb.value if verb else "nothing")
        else:
            # RFC 3463 §3.5: X.4.2, the connection was made and could not be used to the end.
            end = deferred("4.4.2", f"host {self._server}: {reason} ({where})", self._server)
        if self._transaction is not None:
            uncertain = self._state is State.FINAL and bool(self._accepted) and reply is None
            self._events.append(Finished(tuple(outcome or end for outcome in self._outcomes), uncertain, lost=True))
            self._transaction = None
        elif self._state not in {State.QUIT, State.READY}:
            self._events.append(Refused(end))
        self._close()

    def _close(self) -> None:
        self._state = State.CLOSED
        self._awaited.clear()
        self._unsent.clear()

    # Which reply goes where.
    _ON_REPLY: ClassVar = {
        Verb.GREETING: _on_greeting,
        Verb.EHLO: _on_hello,
        Verb.HELO: _on_hello,
        Verb.STARTTLS: _on_starttls,
        Verb.RSET: _on_reset,
        Verb.MAIL: _on_mail,
        Verb.RCPT: _on_recipient,
        Verb.DATA: _on_data,
        Verb.DOT: _on_dot,
        Verb.QUIT: _on_quit,
    }


_DOING = {
    State.STARTTLS: "starting TLS",
    State.HANDSHAKE: "starting TLS",
    State.READY: "idle",
    State.ENVELOPE: "sending the envelope",
    State.CONTENT: "sending the content",
}
