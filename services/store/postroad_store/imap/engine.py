"""The IMAP engine: octets in; commands, continuation requests and the order of answers out (RFC 3501 §2.2).

Pure: no clock, no socket, no mail. How it works:

- `framing` cuts the octets into whole commands. A synchronizing literal is asked for (`+ OK`) once its announcement
  has been seen; a non-synchronizing one (RFC 7888) just follows.
- A whole command that is legal in the state and parses (`registry`, `spec.Spec`) becomes its event; anything else
  becomes `Bad`. After either event the engine pauses until `complete` answers it, so answers leave in the order of the
  commands. `proceed` lets the next command through before that: the session does so with pipelined APPENDs
  (RFC 3501 §5.5).
- Some commands go on after their first line. The engine's mode says what the next octets are: the client's answer to a
  challenge (`challenge` → `Response`), the end of IDLE (`begin_idle` → `Done`), a message of any size
  (`take_literal` → `Octets`..., and what `Spec.resume` reads after it; `take_message`, if all of that has come).
"""

from __future__ import annotations

import base64
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from postroad.engine import LocalProtocolError
from postroad.sasl.mechanism import SaslError, decode_response
from postroad_store.imap.events import Announcing, Bad, Done, Octets, Response
from postroad_store.imap.framing import MAX_TAG, Announced, Flooded, Framing, Limits, Refused
from postroad_store.imap.grammar.reader import TAG, Incomplete, LimitExceeded, Reader, SyntaxFault, UidRequired
from postroad_store.imap.states import LOGGED_IN, STRANGER, TRANSITIONS, State
from postroad_store.protocol.contract import Close, Compress, Decompressed, StartTls

if TYPE_CHECKING:
    from postroad_store.imap.events import Command
    from postroad_store.imap.framing import Frame
    from postroad_store.imap.offer import Offer
    from postroad_store.imap.spec import Spec
    from postroad_store.protocol.contract import Event


class _Mode(Enum):
    """The kind of the client's next octets."""

    COMMAND = auto()
    OFFERED = auto()  # nothing yet: a message has been announced, and `take_literal` or `complete` is due
    MESSAGE = auto()  # the message
    MESSAGE_END = auto()  # the rest of its command, or the next message in it
    RESPONSE = auto()  # an answer to a challenge
    IDLE = auto()  # DONE
    CLOSED = auto()  # ignored


# Each look-up of a member costs a tenth of a small command.
_IN_COMMAND, _OFFERED, _CLOSED = _Mode.COMMAND, _Mode.OFFERED, _Mode.CLOSED
_IN_MESSAGE, _BEHIND_MESSAGE = _Mode.MESSAGE, _Mode.MESSAGE_END

# command = tag SP command-name ...
_COMMAND = re.compile(rb"(" + TAG.pattern + rb") (UID )?([A-Za-z][A-Za-z0-9_.\-]*)(?=[ ]|\Z)", re.IGNORECASE)
_TAG = re.compile(rb"(" + TAG.pattern + rb")(?: |\Z)")


class Engine:
    """One connection's protocol. The session answers the events that `next_event` returns."""

    __slots__ = (
        "_announced",
        "_events",
        "_fault",
        "_framing",
        "_legal",
        "_mode",
        "_name",
        "_out",
        "_paused",
        "_streamed",
        "_tag",
        "offer",
        "secure",
        "state",
    )

    def __init__(self, offer: Offer, limits: Limits | None = None) -> None:
        self._framing = Framing(limits or Limits())
        self.secure = False  # whether TLS is in use
        self.state = State.NOT_AUTHENTICATED
        self.make_offer(offer)
        self._out: list[bytes] = []
        self._events: list[Event] = []  # not a deque: an empty one takes 0.7 KiB of each session
        self._paused = False
        self._mode = _IN_COMMAND
        self._tag = b""  # of the command under way in the modes other than COMMAND
        self._name = ""  # of that command
        self._announced = Announced([], 0, synchronizing=False)  # of the message that is offered
        self._streamed: tuple[Spec, Announcing] | None = None  # the command that streams, and what was read of it last
        self._fault: str | None = None  # the message's fault; it must still be read to its end

    # -- the adapter's side -----------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client."""
        if self._mode is not _CLOSED:
            self._framing.receive(data)

    def next_event(self) -> Event | None:
        """Return the next event; None if more octets are needed, or an answer is due."""
        while True:
            if self._events:
                return self._events.pop(0)
            if self._paused:
                return None
            frame = self._framing.next()
            if frame is None:
                return None
            if self._mode is _IN_COMMAND and type(frame) is list:
                self._paused = True
                return self._command(frame)  # never None: nothing is announced
            event = self._event_of(frame)
            if event is not None:
                self._paused = type(event) is not Octets
                return event

    def data_to_send(self) -> bytes:
        """Return the octets for the client, and forget them."""
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # -- the session's side: answers --------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Send whole untagged responses, CRLF and all."""
        self._out.append(octets)

    def complete(self, tag: bytes, text: bytes) -> None:
        """Send a completion result (`OK ...`, `NO ...`, `BAD ...`), and go on with the next command."""
        self._out.append(b"%b %b\r\n" % (tag, text))
        if self._mode is _OFFERED:
            self._decline_message()
        self._paused = False

    def untagged_bad(self, text: bytes) -> None:
        """Answer input that has no tag, and go on."""
        self._out.append(b"* BAD %b\r\n" % text)
        self._paused = False

    def complete_earlier(self, tag: bytes, text: bytes) -> None:
        """Send the completion result of a command after which `proceed` was called."""
        self._out.append(b"%b %b\r\n" % (tag, text))

    def proceed(self) -> None:
        """Go on with the next command before this one is answered (RFC 3501 §5.5)."""
        self._paused = False

    def bye(self, text: bytes) -> None:
        """Send BYE and enter the logout state; further input is ignored (RFC 3501 §7.1.5)."""
        self._out.append(b"* BYE %b\r\n" % text)
        self.enter(State.LOGOUT)

    # -- the session's side: modes ----------------------------------------------------------------------------

    def take_literal(self) -> None:
        """Let the message come that a command has announced (`Spec.streams`); `Octets` and `End` or `Bad` follow."""
        if self._announced.synchronizing:
            self._out.append(b"+ OK\r\n")
        self._framing.stream(self._announced.size)
        self._mode = _IN_MESSAGE
        self._paused = False

    def take_message(self) -> bytes | None:
        """Take the message if it has come whole and its command ends behind it; None: `take_literal` lets it come.

        So a client that does not wait costs one event and not three: a fifth less of a pipelined APPEND.
        """
        assert self._streamed is not None  # noqa: S101 - a message is offered
        if self._announced.synchronizing:
            return None
        octets = self._framing.take_last(self._announced.size, nuls=self._streamed[1].binary)
        self._mode = _IN_COMMAND if octets is not None else _OFFERED
        return octets

    def challenge(self, tag: bytes, octets: bytes) -> None:
        """Ask the client to go on authenticating (RFC 3501 §6.2.2); `Response` or `Bad` follows."""
        self._out.append(b"+ %b\r\n" % base64.b64encode(octets))
        self._expect(_Mode.RESPONSE, tag)

    def begin_idle(self, tag: bytes) -> None:
        """Let the client idle (RFC 2177 §3); `Done` or `Bad` follows."""
        self._out.append(b"+ idling\r\n")
        self._expect(_Mode.IDLE, tag)

    def start_tls(self, tag: bytes) -> None:
        """Agree to STARTTLS (RFC 3501 §6.2.1)."""
        self._out.append(tag + b" OK Begin TLS negotiation now.\r\n")
        self._events.append(StartTls())

    def compress(self, tag: bytes) -> None:
        """Agree to COMPRESS (RFC 4978 §3): whatever is behind the command is compressed already."""
        self._out.append(tag + b" OK DEFLATE active.\r\n")
        self._events.append(Compress(self._framing.take()))
        self._paused = False

    def unauthenticated(self, tag: bytes, text: bytes, *, compressed: bool) -> None:
        """Complete UNAUTHENTICATE, and end the compression with its CRLF (RFC 8437 §4.1)."""
        self.complete(tag, text)
        if compressed:
            self._events.append(Decompressed())

    def tls_started(self) -> None:
        """Begin anew over TLS, and forget plaintext that came behind STARTTLS (RFC 3501 §6.2.1, RFC 2595 §2.1)."""
        self.secure = True
        self._framing.clear()
        self._paused = False

    def enter(self, state: State) -> None:
        """Change the state; raises `LocalProtocolError` if no arrow of the diagram leads there."""
        if state is not self.state and state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"{self.state.value} does not lead to {state.value}")
        if self.state is STRANGER and state is LOGGED_IN:
            self._framing.trust()
        elif state is STRANGER:
            self._framing.distrust()
        self.state = state
        self._legal = self.offer.registry.legal[state]

    def close(self) -> None:
        """Have the connection closed once everything is sent."""
        self.enter(State.LOGOUT)
        self._mode = _CLOSED
        self._framing.clear()
        self._events.append(Close())

    def make_offer(self, offer: Offer) -> None:
        """Offer this to the client from the next command on."""
        self.offer = offer  # with what the client has enabled
        self._legal = offer.registry.legal[self.state]  # by name
        self._framing.non_synchronizing = offer.non_synchronizing

    @property
    def has_input(self) -> bool:
        """Return True if octets wait that are not yet part of an event: the client pipelines."""
        return self._framing.has_input

    @property
    def between_commands(self) -> bool:
        """Return True while no command is under way."""
        return self._mode is _IN_COMMAND and not self._paused

    @property
    def in_idle(self) -> bool:
        """Return True while the client idles."""
        return self._mode is _Mode.IDLE

    # -- from frames to events --------------------------------------------------------------------------------

    def _command(self, parts: list[bytes], announced: Announced | None = None) -> Event | None:
        """Return the event of a command: whole, or as far as a literal is announced; None if it goes on after that."""
        match = _COMMAND.match(parts[0])
        if match is None:
            tag = _tag_of(parts[0])
            what = "tag: Invalid tag" if tag is None else "command: Invalid command name"
            return self._refused(Bad(tag, f"Error in IMAP {what}"), parts)
        tag, uid, name = match.groups()
        name = name.upper()
        if uid is not None:
            name = b"UID " + name
        spec = self._legal.get(name)
        if spec is None:
            return self._refused(Bad(tag, self.offer.registry.refusal(name, self.state)), parts)
        try:
            if self.offer.manner.uid_only and name in self.offer.registry.numbered:
                raise UidRequired
            if announced is not None:
                return self._literal(announced, tag, spec, match.end())
            return spec.parse(tag, Reader(parts, match.end(), self.offer))
        except UidRequired as fault:
            return self._refused(Bad(tag, f"[UIDREQUIRED] {fault}"), parts)
        except SyntaxFault as fault:
            return self._refused(_bad(tag, name.decode("ascii"), fault), parts)

    def _event_of(self, frame: Frame) -> Event | None:
        """Return the event of any frame; None if its command goes on, or the connection is over."""
        mode = self._mode
        if isinstance(frame, bytes):
            return self._piece(frame)
        if isinstance(frame, Announced) and mode is _IN_COMMAND:
            return self._command(frame.parts, frame)
        if isinstance(frame, Flooded):
            self.bye(b"[TOOBIG] Literal too large")
            self.close()
            return None
        if mode is _BEHIND_MESSAGE and not isinstance(frame, Refused):
            return self._resumed(frame)
        self._mode = _IN_COMMAND
        if isinstance(frame, Refused):
            return Bad(_tag_of(frame.start) if mode is _IN_COMMAND else self._tag, frame.text)
        parts = frame.parts if isinstance(frame, Announced) else frame
        event = self._end_of(mode, parts[0])
        return self._refused(event, parts) if isinstance(event, Bad) else event

    def _refused(self, bad: Bad, parts: list[bytes]) -> Bad:
        """Refuse the command that has these parts, with the literal that it announces."""
        self._framing.refuse(parts[-1])
        return bad

    def _end_of(self, mode: _Mode, text: bytes) -> Event:
        """Return the event of the line that ends a mode."""
        tag = self._tag
        if mode is _Mode.IDLE:
            return Done(tag) if text.upper() == b"DONE" else Bad(tag, "Expected DONE")
        if text == b"*":  # RFC 3501 §6.2.2: the client cancels, and is answered BAD
            return Bad(tag, "Authentication aborted by client.")
        try:
            return Response(tag, decode_response(text))
        except SaslError:
            return Bad(tag, "Invalid base64 data")

    # -- literals ---------------------------------------------------------------------------------------------

    def _literal(self, announced: Announced, tag: bytes, spec: Spec, at: int) -> Command | None:
        """Decide about a literal: return the command if it streams the literal, None if the literal is kept."""
        if spec.resume is not None:
            try:
                command = spec.parse(tag, Reader(announced.parts, at, self.offer))
            except Incomplete:
                pass  # the literal is another argument
            else:
                self._tag, self._name, self._fault = tag, spec.name.decode("ascii"), None
                self._offer_message(spec, command, announced)
                return command
        self._keep(spec, announced)
        return None

    def _resumed(self, frame: list[bytes] | Announced) -> Event | None:
        """Return what follows a message in its command; None if the command goes on after a literal."""
        parts, announced = (frame.parts, frame) if isinstance(frame, Announced) else (frame, None)
        assert self._streamed is not None  # noqa: S101 - a message has come
        spec, before = self._streamed
        self._mode = _IN_COMMAND
        try:
            if self._fault is not None:
                raise SyntaxFault(self._fault)
            assert spec.resume is not None  # noqa: S101 - the command streams
            command = spec.resume(before, Reader(parts, 0, self.offer))
        except SyntaxFault as fault:
            if isinstance(fault, Incomplete) and announced is not None:  # the literal is another argument
                try:
                    self._keep(spec, announced)
                except SyntaxFault as large:
                    fault = large
                else:
                    self._mode = _BEHIND_MESSAGE
                    return None
            return self._refused(_bad(self._tag, self._name, fault), parts)
        if announced is not None:
            self._offer_message(spec, command, announced)
        return command

    def _offer_message(self, spec: Spec, command: Command, announced: Announced) -> None:
        """Let `take_literal` or a completion decide about a message."""
        assert isinstance(command, Announcing)  # noqa: S101 - a command that streams
        self._streamed, self._announced = (spec, command), announced
        self._mode = _OFFERED

    def _keep(self, spec: Spec, announced: Announced) -> None:
        """Let a literal be an argument; raises `SyntaxFault` if it is too large for one."""
        if not self._framing.keep(announced):
            if spec.too_large:
                raise LimitExceeded("Literal too large", spec.too_large)
            raise SyntaxFault("Literal too large")
        if announced.synchronizing:
            self._out.append(b"+ OK\r\n")

    def _decline_message(self) -> None:
        """Decline the message that is offered; if its literal is non-synchronizing, it still comes and is discarded."""
        self._mode = _IN_COMMAND
        self._framing.refuse(self._announced.parts[-1])

    def _piece(self, octets: bytes) -> Octets:
        """Return a piece of the message."""
        if not self._framing.streaming:
            self._mode = _BEHIND_MESSAGE
        if octets.find(b"\0") >= 0 and self._streamed is not None and not self._streamed[1].binary:
            self._fault = "NUL in the message"  # CHAR8 = %x01-ff
        return Octets(self._tag, octets)

    def _expect(self, mode: _Mode, tag: bytes) -> None:
        self._mode, self._tag = mode, tag
        self._paused = False


def _bad(tag: bytes, name: str, fault: SyntaxFault) -> Bad:
    """Return the answer to a command of this name whose arguments are at fault."""
    text = f"Error in IMAP command {name}: {fault}"
    return Bad(tag, text, limit=fault.code if isinstance(fault, LimitExceeded) else "")


def _tag_of(start: bytes) -> bytes | None:
    """Return the tag at the beginning of the input, or None."""
    match = _TAG.match(start[: MAX_TAG + 1])
    return match[1] if match is not None and len(match[1]) <= MAX_TAG else None
