"""The SMTP receiver's protocol (RFC 5321) as a state machine without I/O: octets in, events and octets out.

Theory of operation. The caller feeds `receive_data` and takes events from `next_event` until that gives NEED_DATA
or PAUSED, then writes `data_to_send`. Some events ask a question. The engine then pauses until the answer, and keeps
pipelined commands (RFC 2920 §3.2): no reply overtakes another, and no 250 precedes the commit that it promises.

    event           asks                 answered by
    Connected       whether to greet     answer(reply): `Profile.greeting`, or the 4yz or 554 that turns away
    Authenticate    whose claim it is    answer_authentication(user), or answer(reply)
    Mail, Rcpt      whether to accept    answer(reply)
    Block           nothing              (refuse_content(reply) if it cannot be kept)
    Discard         nothing              the content is refused: forget its blocks
    Refused         nothing              a command or content is refused: note it
    Message         to take the message  answer(reply), when it is durable
    StartTls        the handshake        tls_started(...); stop reading first, then send the octets to send:
                                         octets fed after this must have come through TLS
    Flush           nothing              much is to be sent: send it before taking the next event
    Close           nothing              to close the connection, after the octets to send were sent

`verbs.py` carries out each command, and `postroad.smtp.extensions` those of extensions. They use the part of the engine
under "for verbs". Each verb's row says in which states it is legal (RFC 5321 §4.1.4); `sequence.sequence_table` prints
the table.

Standards: RFC 5321, RFC 2920 (PIPELINING); the extensions name theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.engine import NEED_DATA, PAUSED, LocalProtocolError, Wait
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import Reply, reply
from postroad.smtp.server.commands import LINE_TOO_LONG, CommandError, unknown_command
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
    Refused,
)
from postroad.smtp.server.lines import LineReader
from postroad.smtp.server.sequence import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.sasl.channel import Channel
    from postroad.smtp.server.data import MailData
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.sequence import Verb
    from postroad.smtp.server.service import Session
    from postroad.world.world import Account

_TOO_MANY_ERRORS = reply(421, "4.7.0", "Too many errors")

# A member of an enum takes 60 ns to be found in its class (Python 3.11), and a message needs forty of them.
_CONNECTED, _READY, _MAIL = State.CONNECTED, State.READY, State.MAIL
_RCPT, _DATA, _CLOSED = State.RCPT, State.DATA, State.CLOSED
_TRANSACTION = frozenset({_MAIL, _RCPT, _DATA})
_OF_LINES = frozenset(State) - {_CONNECTED, _DATA, _CLOSED}  # in which the client's octets are lines
_CONNECTION = Connected()
_MANY_REPLIES = 256  # replies to send at once: a client that pipelines HELP and never reads must not cost memory


class Engine:
    """One session's protocol. It keeps the client's name, TLS and account in `session`."""

    __slots__ = (
        "_awaiting", "_close_given", "_data", "_data_ended", "_discard_given", "_encode", "_errors",
        "_exchange", "_judge", "_lines", "_recipients", "_recipients_refused", "_verb", "_verbs", "envelope",
        "output", "profile", "receive_data", "session", "state",
    )  # fmt: skip

    def __init__(self, profile: Profile, session: Session) -> None:
        self.profile = profile
        self.session = session
        self.state = State.CONNECTED
        self.envelope: Envelope = _NO_ENVELOPE  # of the open transaction
        self._verb: Verb | None = None  # of the last line, or of the exchange that goes on
        self._verbs = profile.verbs
        self._encode = profile.encode
        self._awaiting: Event | None = None  # the event whose answer the engine waits for
        self._lines = LineReader(profile.longest_line - 2)
        self.receive_data: Callable[[bytes], object] = self._lines.receive  # takes octets from the client
        self.output: list[bytes] = []  # replies that are ready to be sent
        self._errors = 0
        self._recipients_refused = 0
        self._recipients: list[Recipient] = []
        self._exchange: Callable[[Engine, bytes | Reply], Event | None] | None = None  # takes the next line
        self._judge: Callable[[Engine, Account | str | None], None] | None = None  # takes who the client is
        self._data: MailData | None = None
        self._data_ended = False
        self._discard_given = False
        self._close_given = False

    # ---- in and out

    @property
    def buffered(self) -> int:
        """How many octets wait to be read: the caller stops reading when they are many."""
        return self._lines.buffered

    def data_to_send(self) -> bytes:
        """Return the octets to write, and forget them."""
        output = self.output
        if not output:
            return b""
        if len(output) == 1:
            return output.pop()
        octets = b"".join(output)
        output.clear()
        return octets

    def next_event(self) -> Event | Wait:
        """Return the next event; PAUSED while an answer is due and after Close, else NEED_DATA."""
        while self._awaiting is None:
            state = self.state
            if state in _OF_LINES:
                if len(self.output) >= _MANY_REPLIES:
                    return Flush()
                line = self._lines.next_line()
                if line is None:
                    return NEED_DATA
                event = self._take(line)
            elif state is _DATA:
                event = self._mail_data()
                if event is None:
                    return NEED_DATA
            elif state is _CONNECTED:
                event = self.ask(_CONNECTION)
            else:
                if self._close_given:
                    return PAUSED
                self._close_given = True
                return Close()
            if event is not None:
                return event
        return PAUSED

    # ---- answers

    def answer(self, answer: Reply) -> None:
        """Answer the last event that asked for a reply; raises `LocalProtocolError` if no event waits."""
        event = self._awaiting
        answered = _ANSWERED.get(type(event))
        if answered is None:
            raise LocalProtocolError("no event waits for a reply")
        self._awaiting = None
        answer = answered(self, event, answer)
        if answer.code == 421:  # RFC 5321 §4.2.2: closing transmission channel
            self.shut_down(answer)
        else:
            self.output.append(self._encode(answer))

    def answer_each(self, answers: tuple[Reply, ...]) -> None:
        """Answer Message with a reply for each recipient, in their order (RFC 2033 §4.2)."""
        for answer in answers[:-1]:
            self.say(answer)
        del self._recipients[1:]  # they have their replies
        self.answer(answers[-1])

    # Each of these notes the answer to one class of events, and returns the reply to send.

    def _connected(self, _event: Connected, answer: Reply) -> Reply:
        self.state = State.GREETED if answer.is_success else State.REFUSED
        return answer

    def _mail_answered(self, event: Mail, answer: Reply) -> Reply:
        if answer.is_success:
            self.envelope = event.envelope
            self.state = _MAIL
        return answer

    def _rcpt_answered(self, event: Rcpt, answer: Reply) -> Reply:
        if answer.is_success:
            self._recipients.append(event.recipient)
            self.state = _RCPT
            return answer
        self._recipients_refused += 1
        # This ends the harvesting of addresses, but not a mailing with some bad recipients.
        return _TOO_MANY_ERRORS if self._recipients_refused > self.profile.limits.recipients else answer

    def _message_answered(self, _event: Message, answer: Reply) -> Reply:
        self._repeat(answer)
        self.reset()
        if answer.is_success:
            self._errors = 0
        return answer

    def _repeat(self, answer: Reply) -> None:
        """Say a reply to the content for all recipients but one (RFC 2033 §4.2: one reply for each of them)."""
        if self.profile.lmtp:
            for _ in self._recipients[1:]:
                self.say(answer)

    def _authentication_refused(self, _event: Authenticate, answer: Reply) -> Reply:
        return self._count_error(answer)

    def answer_authentication(self, user: Account | str | None) -> None:
        """Answer Authenticate: as whom the client may act, the name that is taken at its word, or None."""
        judge, self._judge, self._awaiting = self._judge, None, None
        assert judge is not None  # noqa: S101 - `ask_who` has set it
        judge(self, user)

    def tls_started(self, version: str | None, cipher: str | None, channel: Channel) -> None:
        """Answer StartTls: the handshake is done (RFC 3207 §4.2: all knowledge of the client is discarded).

        Nothing was buffered at StartTls, so all octets that are buffered now came through TLS.
        """
        self._awaiting = None
        self.session.begin_anew(version, cipher, channel)
        self.state = State.GREETED

    def refuse_content(self, refusal: Reply) -> None:
        """Refuse the content that is coming, for the caller's own reason; the end of data gets `refusal`.

        No Discard follows, since the caller knows.
        """
        if self._data is not None:
            self._data.refuse(refusal)
            self._discard_given = True

    def shut_down(self, farewell: Reply) -> None:
        """End the session with a last reply, such as 421, which goes anywhere (RFC 5321 §3.8); Close follows."""
        if self.state is not State.CLOSED:
            if farewell.code == 421:
                farewell = self.profile.farewell(farewell)
            self.say(farewell)
            self.state = State.CLOSED
            self._awaiting = None
            self._lines.clear()
            self.receive_data = len  # they go unread

    @property
    def in_transaction(self) -> bool:
        """Whether a mail transaction is open."""
        return self.state in _TRANSACTION

    # ---- for verbs

    def say(self, answer: Reply) -> None:
        """Send a reply."""
        self.output.append(self._encode(answer))

    def send(self, octets: bytes) -> None:
        """Send a reply that is encoded already."""
        self.output.append(octets)

    def refuse(self, refusal: Reply) -> None:
        """Refuse a command, and count it as an error of the client; a 421 or too many errors end the session."""
        refusal = self._count_error(refusal)
        (self.shut_down if refusal.code == 421 else self.say)(refusal)

    def _count_error(self, refusal: Reply) -> Reply:
        self._errors += 1
        return _TOO_MANY_ERRORS if self._errors > self.profile.limits.errors else refusal

    def ask(self, event: Event) -> Event:
        """Return the event, and do nothing else before it is answered."""
        self._awaiting = event
        return event

    def ask_who(self, event: Authenticate, judge: Callable[[Engine, Account | str | None], None]) -> Event:
        """Return the event; `judge` takes its answer."""
        self._judge = judge
        return self.ask(event)

    def reset(self) -> None:
        """Clear the buffers of the mail transaction (RFC 5321 §4.1.1.5)."""
        self.envelope = _NO_ENVELOPE
        self._recipients = []
        self._data = None
        if self.state in _TRANSACTION:
            self.state = _READY

    def whole_envelope(self, *, eight_bit: bool = False) -> Envelope:
        """Return the envelope with its recipients so far."""
        body = self.envelope.body
        # Content without BODY parameter is labelled by its octets, so that the next hop can rely on the label. If
        # 8BITMIME is hidden there is no label, and the next hop, which lacks it too, gets the content as it is.
        if eight_bit and body is None and "BODY" in self.profile.mail:
            body = BodyType.EIGHT_BIT_MIME
        elif not self._recipients:
            return self.envelope
        return self.envelope.completed(tuple(self._recipients), body)

    def take_content(self, data: MailData) -> None:
        """Read content from now on, up to its end."""
        self._data = data
        self._data_ended = self._discard_given = False
        self.state = _DATA

    def begin_exchange(self, take: Callable[[Engine, bytes | Reply], Event | None]) -> None:
        """Give the client's next line, or the reply that refuses it, to `take`, which ends the exchange or goes on.

        An exchange whose line is refused by `CommandError` has ended.
        """
        self._exchange = take
        self.state = State.EXCHANGE

    def end_exchange(self) -> None:
        """Take commands again."""
        self._exchange = None
        self.state = State.READY

    # ---- lines and content

    def _take(self, line: bytes | Reply) -> Event | None:
        """Carry out one line: a command, or a part of an exchange; or refuse it."""
        verb, argument = None, b""
        try:
            if self._exchange is not None:
                verb = self._verb
                return self._exchange(self, line)
            if not isinstance(line, bytes):
                raise CommandError(line)
            # RFC 5321 §2.4: verbs are not case sensitive. RFC 5321 §4.1.1: trailing white space is tolerated.
            name, _, argument = line.rstrip(b" \t").partition(b" ")
            self._verb = verb = self._verbs.get(name.upper())
            if verb is None:
                raise CommandError(unknown_command(name, line))
            if len(line) + 2 > verb.line:  # RFC 5321 §4.5.3.1.4
                raise CommandError(LINE_TOO_LONG)
            if (refusal := verb.refused.get(self.state)) is not None:
                raise CommandError(refusal)
            return verb.run(self, argument)
        except CommandError as error:
            if self._exchange is not None:  # its first bad line ends it
                self.end_exchange()
            self.refuse(error.reply)
            if verb is None:
                return Refused("connection", error.reply) if error.reply.code == 421 else None
            if not verb.noted:
                return None
            return Refused(verb.name, error.reply, "" if verb.secret else argument.decode("utf-8", "replace"))

    def _mail_data(self) -> Event | None:
        data = self._data
        assert data is not None  # noqa: S101 - set by `take_content`, which alone leads here
        block = b""
        if not self._data_ended:
            lines = self._lines
            if not lines.buffered:
                return None
            block, rest = data.receive(lines.take_all())
            if rest is not None:
                self._data_ended = True
                if rest:
                    lines.receive(rest)
        if block:
            return Block(block)
        if data.refusal is not None and not self._discard_given:
            self._discard_given = True
            return Discard()
        if not self._data_ended:
            return None
        return self._end_of_data(data)

    def _end_of_data(self, data: MailData) -> Event | None:
        if data.refusal is not None:
            envelope = self.whole_envelope()
            self._repeat(data.refusal)
            self.reset()
            self._errors += 1  # too many end the session at the next command: this reply must say what is wrong
            self.say(data.refusal)
            return Refused("content", data.refusal, envelope=envelope)
        return self.ask(Message(self.whole_envelope(eight_bit=data.eight_bit)))


_ANSWERED: Mapping[type[Any], Callable[[Engine, Any, Reply], Reply]] = {
    Connected: Engine._connected,  # noqa: SLF001 - a part of the class that can only be written after it
    Authenticate: Engine._authentication_refused,  # noqa: SLF001
    Mail: Engine._mail_answered,  # noqa: SLF001
    Rcpt: Engine._rcpt_answered,  # noqa: SLF001
    Message: Engine._message_answered,  # noqa: SLF001
}

_NO_ENVELOPE = Envelope(None)
