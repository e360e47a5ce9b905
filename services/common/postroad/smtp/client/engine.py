"""The SMTP client (RFC 5321), without I/O.

Octets go in by `receive_data`, events come out of `next_event`, octets to write out of `data_to_send`. Every command
that was sent waits in a queue for its reply, so pipelining (RFC 2920) is only a matter of how many are sent at once. An
unexpected reply ends the session. `transitions.py` has the states, and says which calls of the adapter are legal in
each.

`postroad.smtp.extensions` has the extensions: what they add to MAIL and RCPT, and which messages cannot be sent without
them. They use the part of the client under "for extensions".
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from postroad.engine import NEED_DATA, PAUSED, Wait
from postroad.smtp.client.events import Event, Finished, Ready, Refused, SendContent, Transaction
from postroad.smtp.client.offer import Offer
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome, deferred, from_reply
from postroad.smtp.client.reply import ReplyError, ReplyReader
from postroad.smtp.client.transitions import OUR_TURN, TRANSITIONS, Cause, State, after
from postroad.smtp.client.transparency import DotStuffer
from postroad.smtp.client.verbs import Command, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad.mail.reply import Reply
    from postroad.smtp.extensions.extension import Extension

BLOCK_TIMEOUT = 180.0  # seconds between blocks of content (RFC 5321 §4.5.3.2.5)


class Client:
    """One session with one server, over which transactions go one after the other.

    `hostname` is the name for EHLO, and `server` names the server in outcomes. `extensions` are used if the server
    offers them; `starttls` says whether TLS is wanted.
    """

    def __init__(self, hostname: str, server: str, extensions: tuple[Extension, ...], *, starttls: bool = True) -> None:
        self.server = server
        self.starttls = starttls
        self.secure = False  # TLS is active
        self._hostname = hostname
        self._known = extensions
        self._offer = Offer({}, extensions)
        self._state = State.GREETING
        self._reader = ReplyReader()
        self._events: deque[Event] = deque()
        self._out: list[bytes] = []
        self._awaited: deque[Command] = deque([Command(_GREETING, b"")])
        self._unsent: deque[Command] = deque()
        self._transaction: Transaction | None = None
        self._outcomes: list[Outcome | None] = []
        self._accepted: list[int] = []
        self._stuffer = DotStuffer()
        self._must_reset = False

    # -- the adapter's side -----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How far the session has come; READY means that `send` may be called."""
        return self._state

    @property
    def extensions(self) -> Mapping[str, str]:
        """The keywords of the server's reply to EHLO, in capitals, with their parameters."""
        return self._offer.keywords

    @property
    def timeout(self) -> float:
        """How long to wait for the server now, in seconds (RFC 5321 §4.5.3.2)."""
        return self._awaited[0].verb.timeout if self._awaited else BLOCK_TIMEOUT

    def data_to_send(self) -> bytes:
        """Return octets to write, and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_event(self) -> Event | Wait:
        """Return the next event; NEED_DATA if the server must speak first, PAUSED if the adapter must act."""
        if self._events:
            return self._events.popleft()
        return PAUSED if self._state in OUR_TURN else NEED_DATA

    def receive_data(self, data: bytes) -> None:
        """Take octets from the server."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.next()) is not None:
                self._on_reply(reply)
        except ReplyError as error:
            self.break_off(f"it sent {error}")

    def receive_eof(self, reason: str = "lost connection") -> None:
        """Note that the connection has ended, or that the adapter has given it up, for example after a timeout."""
        self.break_off(reason)

    def tls_started(self) -> None:
        """Start over in TLS (RFC 3207 §4.2: knowledge from before is discarded)."""
        self.move(Cause.TLS_STARTED)
        self.secure = True
        self._reader.clear()
        self._say_hello(_EHLO)

    def send(self, transaction: Transaction) -> None:
        """Begin a transaction; only when READY."""
        self.move(Cause.SEND)
        self._transaction = transaction
        self._accepted = []
        offer = self._offer
        outcomes: list[Outcome | None] = [*offer.unsendable(transaction, self.server)]
        self._outcomes = outcomes
        if None not in outcomes:
            self._finish()
            return
        commands = self._unsent
        if self._must_reset:
            commands.append(Command(_RSET, b"RSET\r\n"))
            self._must_reset = False
        commands.append(Command(_MAIL, offer.mail_line(transaction)))
        for index, recipient in enumerate(transaction.envelope.recipients):
            if outcomes[index] is None:
                commands.append(Command(_RCPT, offer.rcpt_line(recipient, transaction), index))
        commands.append(_THE_DATA)
        self._send_more()

    def content(self, block: bytes) -> None:
        """Send a block of content; only after SendContent."""
        self.move(Cause.CONTENT)
        self._out.append(self._stuffer.block(block))

    def end_content(self) -> None:
        """Send the final dot; only after SendContent."""
        self.move(Cause.END_CONTENT)
        self._final_dot()

    def quit(self) -> None:
        """Send QUIT; only when READY."""
        self.move(Cause.QUIT)
        self.command(Command(_QUIT, b"QUIT\r\n"))

    # -- for extensions ---------------------------------------------------------------------------------------

    def move(self, cause: Cause) -> None:
        """Go to the next state; raises `LocalProtocolError` if the cause is not legal in this one."""
        following = TRANSITIONS[self._state].get(cause)
        self._state = following if following is not None else after(self._state, cause)

    def command(self, command: Command) -> None:
        """Send a command, and wait for its reply."""
        self._out.append(command.line)
        self._awaited.append(command)

    def tell(self, event: Event) -> None:
        """Give an event to the adapter."""
        self._events.append(event)

    def proceed(self) -> None:
        """Take the next step on the way to READY, if a step is left."""
        if not any(begin(self) for begin in self._offer.steps):
            self.move(Cause.READY)
            self.tell(Ready())

    @property
    def heard_more(self) -> bool:
        """Whether the server has sent more than the reply that was read last."""
        return not self._reader.is_empty

    def break_off(self, reason: str, reply: Reply | None = None) -> None:
        """End the session at this point; recipients without an outcome are deferred."""
        if self._state is State.CLOSED:
            return
        verb = self._awaited[0].verb if self._awaited else None
        where = f"in reply to {verb.name}" if verb is not None else f"while {_DOING[self._state]}"
        if reply is not None:
            end: Deferred | Failed = from_reply(reply, host=self.server, command=verb.name if verb else "nothing")
        else:
            # RFC 3463 §3.5: X.4.2, the connection was made, and broke.
            end = deferred("4.4.2", f"host {self.server}: {reason} ({where})", self.server)
        if self._transaction is not None:
            uncertain = self._state is State.FINAL and bool(self._accepted) and reply is None
            self.tell(Finished(tuple(outcome or end for outcome in self._outcomes), uncertain, lost=True))
            self._transaction = None
        elif self._state not in {State.QUIT, State.READY}:
            self.tell(Refused(end))
        self._close()

    def refuse(self, reply: Reply, verb: Verb) -> None:
        """End the session before its first transaction, for a reply that refuses it."""
        self.tell(Refused(self._refusal(reply, verb)))
        self._close()

    # -- sending ----------------------------------------------------------------------------------------------

    def _send_more(self) -> None:
        """Send the waiting commands: all of them (RFC 2920 §3.1: DATA only as the last of a group), or one."""
        if self._offer.pipelines:
            while self._unsent:
                self.command(self._unsent.popleft())
        else:
            self.command(self._unsent.popleft())

    def _final_dot(self) -> None:
        self._out.append(self._stuffer.end())
        self._awaited.append(_THE_DOT)

    def _say_hello(self, verb: Verb) -> None:
        self._offer = Offer({}, self._known)
        self.command(Command(verb, f"{verb.name} {self._hostname}\r\n".encode()))

    # -- receiving --------------------------------------------------------------------------------------------

    def _on_reply(self, reply: Reply) -> None:
        command = self._awaited[0] if self._awaited else None
        if command is None:
            self.break_off(f"it said unasked: {reply}", None if reply.code != 421 else reply)
            return
        verb = command.verb
        if reply.code == 421:
            # RFC 5321 §3.8: 421 may answer any command, and the server then closes.
            self.break_off("", reply)
            return
        self._awaited.popleft()
        verb.take(self, command, reply)
        if self._unsent:
            self._send_more()

    def _on_greeting(self, command: Command, reply: Reply) -> None:
        # RFC 5321 §3.1: 220, or 554; RFC 7504 §3: 521.
        if reply.code == 220:
            self.move(Cause.GREETED)
            self._say_hello(_EHLO)
        else:
            self.refuse(reply, command.verb)

    def _on_hello(self, command: Command, reply: Reply) -> None:
        if reply.code == 250:
            lines = [line.partition(" ") for line in reply.lines[1:]] if command.verb is _EHLO else []
            self._offer = Offer({keyword.upper(): parameters for keyword, _, parameters in lines}, self._known)
            self.proceed()
        elif command.verb is _EHLO and reply.code >= 500:
            # RFC 5321 §3.2: a server that does not know EHLO is greeted with HELO.
            self.move(Cause.NO_EHLO)
            self._say_hello(_HELO)
        else:
            self.refuse(reply, command.verb)

    def _on_reset(self, _command: Command, reply: Reply) -> None:
        if not reply.is_success:
            self.break_off(f"it said {reply} to RSET")

    def _on_mail(self, command: Command, reply: Reply) -> None:
        if reply.code < 300:
            return
        refusal = self._refusal(reply, command.verb)
        self._outcomes = [refusal if outcome is None else outcome for outcome in self._outcomes]
        self._abandon()

    def _on_recipient(self, command: Command, reply: Reply) -> None:
        index = command.recipient
        if self._outcomes[index] is not None:
            return  # a consequence of the refusal of MAIL
        if reply.code < 300:
            self._accepted.append(index)
        else:
            self._outcomes[index] = self._recipient_refusal(reply)
        if not self._accepted and self._unsent and self._unsent[0].verb is _DATA:
            self._abandon()

    def _recipient_refusal(self, reply: Reply) -> Deferred | Failed:
        refusal = self._refusal(reply, _RCPT)
        if reply.code == 552 and (reply.status is None or reply.status.subject == 5):
            # RFC 5321 §4.5.3.1.10: for too many recipients, 552 means 452, by an old mistake.
            return Deferred(deferred("4.5.3", "").status, refusal.reason, refusal.host, reply, refusal.command)
        return refusal

    def _abandon(self) -> None:
        """End the transaction, as no recipient is left; a reply to DATA that has been sent ahead is waited for."""
        if not self._unsent:
            return
        self._unsent.clear()
        self._must_reset = True
        self._finish()

    def _on_data(self, command: Command, reply: Reply) -> None:
        if reply.code == 354:
            self._stuffer = DotStuffer()
            if self._accepted:
                self.move(Cause.GO_ON)
                self.tell(SendContent())
            else:
                # RFC 2920 §3.1: a client that sent DATA ahead and has no recipients left sends a lone dot.
                self.move(Cause.LONE_DOT)
                self._final_dot()
            return
        refusal = self._refusal(reply, command.verb)
        for index in self._accepted:
            self._outcomes[index] = refusal
        self._must_reset = True
        self._finish()

    def _on_dot(self, command: Command, reply: Reply) -> None:
        outcome = Delivered(self.server, reply) if reply.code < 300 else self._refusal(reply, command.verb)
        for index in self._accepted:
            self._outcomes[index] = outcome
        self._finish()

    def _on_quit(self, _command: Command, _reply: Reply) -> None:
        self._close()

    def _refusal(self, reply: Reply, verb: Verb) -> Deferred | Failed:
        """Return the outcome of a reply that is not the expected success."""
        if reply.code >= 400:
            return from_reply(reply, host=self.server, command=verb.name)
        return deferred("4.5.0", f"host {self.server} said {reply} to {verb.name}", self.server)

    # -- endings ----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """End the transaction."""
        self.move(Cause.FINISHED)
        self.tell(Finished(tuple([outcome for outcome in self._outcomes if outcome is not None])))
        self._transaction = None

    def _close(self) -> None:
        self.move(Cause.CLOSE)
        self._awaited.clear()
        self._unsent.clear()


# RFC 5321 §4.5.3.2 has the times.
_GREETING = Verb("the connection", 300.0, Client._on_greeting)  # noqa: SLF001 - parts of the class, here and below
_EHLO = Verb("EHLO", 300.0, Client._on_hello)  # noqa: SLF001
_HELO = Verb("HELO", 300.0, Client._on_hello)  # noqa: SLF001
_RSET = Verb("RSET", 300.0, Client._on_reset)  # noqa: SLF001
_MAIL = Verb("MAIL FROM", 300.0, Client._on_mail)  # noqa: SLF001 - RFC 5321 §4.5.3.2.2
_RCPT = Verb("RCPT TO", 300.0, Client._on_recipient)  # noqa: SLF001 - RFC 5321 §4.5.3.2.3
_DATA = Verb("DATA", 120.0, Client._on_data)  # noqa: SLF001 - RFC 5321 §4.5.3.2.4
_DOT = Verb("end of DATA", 600.0, Client._on_dot)  # noqa: SLF001 - RFC 5321 §4.5.3.2.6
_QUIT = Verb("QUIT", 5.0, Client._on_quit)  # noqa: SLF001 - nothing depends on it

_THE_DATA = Command(_DATA, b"DATA\r\n")
_THE_DOT = Command(_DOT, b"")

_DOING = {
    State.HELLO: "logging in",
    State.STARTTLS: "starting TLS",
    State.HANDSHAKE: "starting TLS",
    State.READY: "idle",
    State.ENVELOPE: "sending the envelope",
    State.CONTENT: "sending the content",
}
