"""The SMTP receiver's protocol (RFC 5321) as a state machine without I/O: octets in, events and octets out.

Theory of operation. The caller feeds `receive_data` and takes events from `next_event` until that gives NEED_DATA
or PAUSED, then writes `data_to_send`. Some events ask something, and the engine then waits for the answer, keeping what
the client has pipelined behind (RFC 2920 §3.2): no reply overtakes another, and no 250 the commit it promises.

    event           asks                 answered by
    Connected       whether to greet     answer(reply): `Profile.greeting`, or the 4yz or 554 that turns away
    Authenticate    whose password       answer_authentication(account), or answer(454 reply)
    Mail, Rcpt      whether to accept    answer(reply)
    Block           nothing              (refuse_content(reply) if it cannot be kept)
    Discard         nothing              the content is refused: forget its blocks
    Message         to take the message  answer(reply), when it is durable
    StartTls        the handshake        tls_started(...); stop reading first, then send the octets to send:
                                         whatever is fed from here on must have come through TLS
    Flush           nothing              much is to be sent: send it before taking the next event
    Close           nothing              to close the connection, after the octets to send were sent

The order of commands (§4.1.4) is the table `sequence.SEQUENCE`, which `sequence_table()` prints.

Standards: RFC 5321, RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8),
RFC 2034 and RFC 3463 (ENHANCEDSTATUSCODES), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from postroad.engine import NEED_DATA, PAUSED, LocalProtocolError, Wait
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import AUTH_FAILED, ENCRYPTION_REQUIRED, OK, START_DATA, TOO_MANY_RECIPIENTS, Reply, reply
from postroad.sasl import MECHANISMS, Credentials, Mechanism
from postroad.smtp.server.auth import (
    AUTHENTICATED,
    EXCHANGE_TOO_LONG,
    decode_response,
    encode_challenge,
    parse_auth,
    step,
)
from postroad.smtp.server.commands import (
    COMMAND_LINES,
    COMMAND_NOT_IMPLEMENTED,
    COMMANDS,
    LINE_TOO_LONG,
    NOT_ASCII,
    NOT_IMPLEMENTED,
    NOT_RECOGNIZED,
    Command,
    CommandError,
    no_argument,
    parse_hello,
    parse_mail,
    parse_rcpt,
)
from postroad.smtp.server.data import MailData
from postroad.smtp.server.events import (
    Authenticate,
    Block,
    Close,
    Connected,
    Discard,
    Event,
    Flush,
    Mail,
    Message,
    Rcpt,
    StartTls,
)
from postroad.smtp.server.lines import LineReader
from postroad.smtp.server.sequence import NEED_HELLO, SEQUENCE, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session
    from postroad.world.world import Account

_HELP = reply(214, "2.0.0", "Commands: " + " ".join(Command), "RFC 5321 says what they mean")
_NOT_VERIFIED = reply(252, "2.5.0", "Cannot VRFY user, but will accept message and attempt delivery")
_VRFY_SYNTAX = reply(501, "5.5.4", "Syntax error: VRFY user")
_READY_FOR_TLS = reply(220, "2.0.0", "Ready to start TLS")
_TLS_ACTIVE = reply(503, "5.5.1", "Bad sequence of commands: TLS is active")
_AUTHENTICATED_ALREADY = reply(503, "5.5.1", "Bad sequence of commands: already authenticated")
_IMPROPER_PIPELINING = reply(554, "5.5.0", "Improper pipelining: a reply has to be awaited here")
_TOO_MANY_ERRORS = reply(421, "4.7.0", "Too many errors")

_MANY_REPLIES = 256  # replies to send at once: who pipelines HELP without reading must not cost memory


class Engine:
    """One session's protocol. It writes what it learns into `session`."""

    __slots__ = (
        "_awaiting",
        "_close_told",
        "_data",
        "_data_ended",
        "_discard_told",
        "_envelope",
        "_errors",
        "_limits",
        "_lines",
        "_mechanism",
        "_output",
        "_profile",
        "_recipients",
        "_recipients_refused",
        "_session",
        "state",
    )

    def __init__(self, profile: Profile, session: Session) -> None:
        self._profile = profile
        self._limits = profile.limits
        self._session = session
        self.state = State.CONNECTED
        self._awaiting: Event | None = None  # the event whose answer the engine waits for
        self._lines = LineReader()
        self._output: list[bytes] = []
        self._errors = 0
        self._recipients_refused = 0
        self._mechanism: Mechanism | None = None
        self._envelope: Envelope = _NO_ENVELOPE
        self._recipients: list[Recipient] = []
        self._data: MailData | None = None
        self._data_ended = False
        self._discard_told = False
        self._close_told = False

    # ---- in and out

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client."""
        if self.state is not State.CLOSED:
            self._lines.receive(data)

    @property
    def buffered(self) -> int:
        """How many octets wait to be looked at: the caller stops reading when they are many."""
        return self._lines.buffered

    def data_to_send(self) -> bytes:
        """Return the octets to write, and forget them."""
        octets = b"".join(self._output)
        self._output.clear()
        return octets

    def next_event(self) -> Event | Wait:
        """Return the next event; PAUSED while an answer is due and after Close, else NEED_DATA."""
        while self._awaiting is None:
            if len(self._output) >= _MANY_REPLIES:
                return Flush()
            if self.state is State.DATA:
                event = self._mail_data()
                if event is None and self.state is State.DATA:
                    return NEED_DATA
            elif self.state is State.CONNECTED:
                event = self._ask(Connected())
            elif self.state is State.CLOSED:
                if self._close_told:
                    return PAUSED
                self._close_told = True
                return Close()
            else:
                line = self._lines.next_line()
                if line is None:
                    return NEED_DATA
                event = self._take(line)
            if event is not None:
                return event
        return PAUSED

    # ---- answers

    def answer(self, answer: Reply) -> None:
        """Answer the last event that asked for a reply."""
        event, self._awaiting = self._awaiting, None
        match event:
            case Connected():
                self.state = State.GREETED if answer.is_success else State.REFUSED
            case Mail():
                if answer.is_success:
                    self._envelope = event.envelope
                    self.state = State.MAIL
            case Rcpt():
                if answer.is_success:
                    self._recipients.append(event.recipient)
                    self.state = State.RCPT
                else:
                    self._recipients_refused += 1
                    # A harvest of addresses ends here; a mailing with some bad recipients does not.
                    if self._recipients_refused > self._limits.recipients:
                        answer = _TOO_MANY_ERRORS
            case Message():
                self._reset()
                if answer.is_success:
                    self._errors = 0
            case Authenticate():
                self._error(answer)
                return
            case _:
                raise LocalProtocolError("no event waits for a reply")
        if answer.code == 421:  # §4.2.2: closing transmission channel
            self.shut_down(answer)
        else:
            self._output.append(answer.encode())

    def answer_authentication(self, account: Account | None) -> None:
        """Answer Authenticate: whose credentials they are, or None."""
        if account is None:
            self.answer(AUTH_FAILED)
            return
        self._awaiting = None
        self._session.account = account
        self._output.append(AUTHENTICATED.encode())

    def tls_started(self, version: str | None, cipher: str | None) -> None:
        """Answer StartTls: the handshake is done (RFC 3207 §4.2: all knowledge of the client is discarded).

        Nothing is buffered when StartTls is told, so what is buffered now came through TLS.
        """
        self._awaiting = None
        self._session.tls_version = version
        self._session.tls_cipher = cipher
        self._session.client_name = None
        self._session.extended = False
        self._session.account = None
        self.state = State.GREETED

    def refuse_content(self, refusal: Reply) -> None:
        """Refuse the content that is coming, for the caller's own reason; the end of data gets `refusal`.

        No Discard follows: the caller knows.
        """
        if self._data is not None:
            self._data.refuse(refusal)
            self._discard_told = True

    def shut_down(self, farewell: Reply) -> None:
        """End the session with a last reply, such as the 421 that answers whatever comes (§3.8); Close follows."""
        if self.state is not State.CLOSED:
            if farewell.code == 421:
                farewell = self._profile.farewell(farewell)
            self._output.append(farewell.encode())
            self.state = State.CLOSED
            self._awaiting = None
            self._lines.clear()

    @property
    def in_transaction(self) -> bool:
        """Whether a mail transaction is open."""
        return self.state in (State.MAIL, State.RCPT, State.DATA)

    # ---- commands

    def _take(self, line: bytes | Reply) -> Event | None:
        """Carry out one line: a command, or a response of an AUTH exchange; or refuse it."""
        in_exchange = self.state is State.SASL
        try:
            if not isinstance(line, bytes):
                raise CommandError(EXCHANGE_TOO_LONG if in_exchange and line is LINE_TOO_LONG else line)
            if in_exchange:
                return self._sasl(decode_response(line))
            # §2.4: verbs are not case sensitive. §4.1.1: trailing white space is tolerated.
            verb, _, argument = line.rstrip(b" \t").partition(b" ")
            command = COMMANDS.get(verb.upper())
            if command is None:
                self._error(_unknown(verb, line))
            elif len(line) + 2 > COMMAND_LINES[command]:
                self._error(LINE_TOO_LONG)
            elif (refusal := SEQUENCE[self.state].get(command)) is not None:
                self._error(refusal)
            else:
                return self._COMMANDS[command](self, argument)
        except CommandError as error:
            if in_exchange:  # it fails with its first bad line
                self.state = State.READY
            self._error(error.reply)
        return None

    def _ehlo(self, argument: bytes) -> None:
        self._hello(argument, extended=True)
        self._output.append(self._profile.extended_hello(secure=self._session.tls_version is not None).encode())

    def _helo(self, argument: bytes) -> None:
        self._hello(argument, extended=False)
        self._output.append(self._profile.hello.encode())

    def _hello(self, argument: bytes, *, extended: bool) -> None:
        self._session.client_name = parse_hello(argument)
        self._session.extended = extended
        self._reset()  # §4.1.4: exactly as if a RSET command had been issued
        self.state = State.READY

    def _mail(self, argument: bytes) -> Event:
        envelope = parse_mail(
            argument,
            extended=self._session.extended,
            auth=self._profile.auth,
            size_limit=self._limits.message_size,
        )
        return self._ask(Mail(envelope))

    def _rcpt(self, argument: bytes) -> Event | None:
        recipient = parse_rcpt(argument, smtputf8=self._envelope.smtputf8, postmaster=self._profile.postmaster)
        if len(self._recipients) >= self._limits.recipients:
            self._output.append(TOO_MANY_RECIPIENTS.encode())  # §4.5.3.1.10
            return None
        return self._ask(Rcpt(self._whole_envelope(), recipient))

    def _start_data(self, argument: bytes) -> None:
        no_argument(argument)
        # RFC 2920 §3.1: DATA is the last command of its group. What came before the 354 may be content or
        # commands, and to guess is to be smuggled through.
        if self.buffered:
            self.shut_down(_IMPROPER_PIPELINING)
            return
        self._data = MailData(self._limits, self._envelope.body)
        self._data_ended = self._discard_told = False
        self.state = State.DATA
        self._output.append(START_DATA.encode())

    def _rset(self, argument: bytes) -> None:
        no_argument(argument)
        self._reset()
        self._output.append(OK.encode())

    def _noop(self, argument: bytes) -> None:
        del argument  # §4.1.1.9: a parameter is ignored
        self._output.append(OK.encode())

    def _quit(self, argument: bytes) -> None:
        no_argument(argument)
        self.shut_down(self._profile.goodbye)

    def _vrfy(self, argument: bytes) -> None:
        if not argument:
            raise CommandError(_VRFY_SYNTAX)
        self._output.append(_NOT_VERIFIED.encode())  # §3.5.3, §7.3

    def _expn(self, argument: bytes) -> None:
        del argument
        self._error(COMMAND_NOT_IMPLEMENTED)  # §3.5.2, §7.3

    def _help(self, argument: bytes) -> None:
        del argument
        self._output.append(_HELP.encode())

    def _starttls(self, argument: bytes) -> Event | None:
        if not self._profile.starttls:
            raise CommandError(COMMAND_NOT_IMPLEMENTED)
        no_argument(argument)
        if self._session.tls_version is not None:
            raise CommandError(_TLS_ACTIVE)
        # RFC 3207 §4: the last command of its group. Who puts plaintext behind it is attacked or attacks.
        if self.buffered:
            self.shut_down(_IMPROPER_PIPELINING)
            return None
        self._output.append(_READY_FOR_TLS.encode())
        return self._ask(StartTls())

    def _auth(self, argument: bytes) -> Event | None:
        if not self._profile.auth:
            raise CommandError(COMMAND_NOT_IMPLEMENTED)
        if not self._session.extended:
            raise CommandError(NEED_HELLO)
        if self._session.account is not None:
            raise CommandError(_AUTHENTICATED_ALREADY)
        name, response = parse_auth(argument)
        if self._session.tls_version is None and not self._profile.plaintext_auth:
            raise CommandError(ENCRYPTION_REQUIRED)
        self._mechanism = MECHANISMS[name]()
        return self._sasl(response)

    _COMMANDS: ClassVar[Mapping[Command, Callable[[Engine, bytes], Event | None]]] = {
        Command.EHLO: _ehlo,
        Command.HELO: _helo,
        Command.MAIL: _mail,
        Command.RCPT: _rcpt,
        Command.DATA: _start_data,
        Command.RSET: _rset,
        Command.NOOP: _noop,
        Command.QUIT: _quit,
        Command.VRFY: _vrfy,
        Command.EXPN: _expn,
        Command.HELP: _help,
        Command.STARTTLS: _starttls,
        Command.AUTH: _auth,
    }

    # ---- inside commands

    def _sasl(self, response: bytes | None) -> Event | None:
        assert self._mechanism is not None  # noqa: S101 - set by AUTH, which alone leads here
        answer = step(self._mechanism, response)
        if isinstance(answer, Credentials):
            self.state = State.READY
            self._mechanism = None
            return self._ask(Authenticate(answer.login, answer.password))
        self.state = State.SASL
        self._output.append(encode_challenge(answer))
        return None

    def _mail_data(self) -> Event | None:
        data = self._data
        assert data is not None  # noqa: S101 - set by DATA, which alone leads here
        block = b""
        if not self._data_ended:
            if not self.buffered:
                return None
            block, rest = data.receive(self._lines.take_all())
            if rest is not None:
                self._data_ended = True
                self._lines.receive(rest)
        if block:
            return Block(block)
        if data.refusal is not None and not self._discard_told:
            self._discard_told = True
            return Discard()
        if not self._data_ended:
            return None
        return self._end_of_data(data)

    def _end_of_data(self, data: MailData) -> Event | None:
        if data.refusal is not None:
            self._reset()
            self._errors += 1  # too many end the session at the next command: this reply must say what is wrong
            self._output.append(data.refusal.encode())
            return None
        return self._ask(Message(self._whole_envelope(eight_bit=data.eight_bit)))

    def _whole_envelope(self, *, eight_bit: bool = False) -> Envelope:
        opened = self._envelope
        # What no BODY parameter labelled is labelled by what it is, so that the next hop is told the truth.
        body = BodyType.EIGHT_BIT_MIME if eight_bit and opened.body is None else opened.body
        return Envelope(opened.reverse_path, tuple(self._recipients), body, opened.smtputf8, opened.declared_size)

    def _ask(self, event: Event) -> Event:
        self._awaiting = event
        return event

    def _reset(self) -> None:
        """Clear the buffers of the mail transaction (§4.1.1.5)."""
        self._envelope = _NO_ENVELOPE
        self._recipients = []
        self._data = None
        if self.state in (State.MAIL, State.RCPT, State.DATA):
            self.state = State.READY

    def _error(self, refusal: Reply) -> None:
        self._errors += 1
        if self._errors > self._limits.errors:
            self.shut_down(_TOO_MANY_ERRORS)
        else:
            self._output.append(refusal.encode())


_NO_ENVELOPE = Envelope(None)


def _unknown(verb: bytes, line: bytes) -> Reply:
    if not line.isascii():  # §2.4: normally "500 syntax error - invalid character"
        return NOT_ASCII
    if len(line) + 2 > COMMAND_LINES[Command.NOOP]:
        return LINE_TOO_LONG
    return COMMAND_NOT_IMPLEMENTED if verb.upper() in NOT_IMPLEMENTED else NOT_RECOGNIZED
