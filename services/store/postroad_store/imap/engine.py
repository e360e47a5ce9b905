"""The IMAP engine: octets in; commands, continuation requests and the order of answers out (RFC 3501 §2.2, §4.3).

Pure: no clock, no socket, no mail. How it works:

- `receive_data` keeps octets; `next_event` cuts a command out of them. A command is a line, or several with
  literals between. The octets of a literal are counted off and never looked at for line ends.
- A synchronizing literal is asked for (`+ OK`) once its announcement has been seen; a non-synchronizing one
  (RFC 7888) just follows. One that is too long is refused: with a tagged BAD where the client waits for the
  continuation request, else by counting its octets off unread, or BYE where they are too many for that.
- A whole command that is legal in the state (`states.LEGAL`) and parses becomes a `commands.Command`; everything
  else becomes `Bad`, whose text is BAD's. After either the engine is paused until `complete` answers it, so
  answers leave in the order of the commands. `proceed` lets the next command through before that: the session
  does so with pipelined APPENDs (RFC 3501 §5.5).
- APPEND's message is handed on as it comes (`Append`, `AppendData`..., `AppendEnd`), whatever its size.

A line ends in CRLF. One that ends in a bare LF ends there too, but is answered BAD, not executed.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from postroad.sasl import SaslError, decode_response
from postroad_store.imap import commands
from postroad_store.imap.commands import Bad
from postroad_store.imap.grammar.reader import LITERAL, MAX_NUMBER, TAG, Incomplete, Reader, SyntaxFault
from postroad_store.imap.parse import PARSERS, read_append
from postroad_store.imap.states import TRANSITIONS, State, refusal
from postroad_store.protocol.contract import Close, StartTls

if TYPE_CHECKING:
    from postroad_store.protocol.contract import Event


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a client can make the engine hold; octets."""

    line: int = 65536  # of one command, its literals included (APPEND's message aside)
    line_before_login: int = 8192
    literal: int = 65536  # of any command but APPEND
    literal_before_login: int = 4096  # RFC 7888 §5, as LITERAL- has it


class _Mode(Enum):
    """What the next octets are."""

    COMMAND = auto()  # lines of a command, or its literals
    APPEND = auto()  # the message of an APPEND
    APPEND_TAIL = auto()  # the line end after it
    AUTHENTICATE = auto()  # an answer to a challenge
    IDLE = auto()  # DONE
    CLOSED = auto()  # of no interest


# command = tag SP command-name ...
_COMMAND = re.compile(rb"(" + TAG.pattern + rb") (UID )?([A-Za-z][A-Za-z0-9_.\-]*)(?=[ ]|\Z)", re.IGNORECASE)
_NON_SYNCHRONIZING = re.compile(rb"\{(\d{1,20})\+\}\r?\n\Z")
_LONGEST_ANNOUNCEMENT = 26
_MAX_TAG = 64  # octets of a tag that is told back with what no command is
_BARE_LF = "A line must end in CRLF"
_NO_COMMAND = "command: Invalid command name"


class Engine:
    """One connection's IMAP, as octets see it. The session answers what `next_event` returns."""

    __slots__ = (
        "_at",
        "_buffer",
        "_discard",
        "_events",
        "_fatal",
        "_fault",
        "_limits",
        "_mode",
        "_need",
        "_out",
        "_parts",
        "_paused",
        "_scanned",
        "_size",
        "_skipping",
        "_sync",
        "_tag",
        "secure",
        "state",
    )

    def __init__(self, limits: Limits | None = None, *, secure: bool = False) -> None:
        self._limits = limits or Limits()
        self.secure = secure  # whether TLS is in use
        self.state = State.NOT_AUTHENTICATED
        self._buffer = b""
        self._at = 0  # where in the buffer what has not been taken begins
        self._scanned = 0  # up to where no LF is
        self._out: list[bytes] = []
        self._events: deque[Event] = deque()
        self._paused = False
        self._mode = _Mode.COMMAND
        self._tag = b""  # of the command under way in the modes other than COMMAND
        self._parts: list[bytes] = []  # of the command so far (wire.py)
        self._size = 0  # their octets
        self._need = -1  # octets of a literal that are still to come; -1: a line is
        self._fault: str | None = None  # what is wrong with the command under way, though it must be read on
        self._discard = 0  # octets of a refused literal still to be thrown away
        self._fatal = False  # what is refused is so large that the session is over
        self._skipping = False  # the line under way belongs to a refused command: throw it away
        self._sync = False  # the APPEND under way waits for a continuation request

    # -- the adapter's side -----------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client."""
        if self._mode is _Mode.CLOSED:
            return
        at = self._at
        if at == len(self._buffer):
            self._buffer = data
            self._scanned = 0
        else:
            self._buffer = self._buffer[at:] + data
            self._scanned = max(0, self._scanned - at)
        self._at = 0

    def next_event(self) -> Event | None:
        """Return the next event; None where more octets are needed, or an answer is due."""
        while True:
            if self._events:
                return self._events.popleft()
            if self._paused:
                return None
            if self._fatal:
                self.bye(b"[TOOBIG] Literal too large")
                self.close()
            elif self._at == len(self._buffer) or not self._step():
                return None

    def data_to_send(self) -> bytes:
        """Return the octets for the client, and forget them."""
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # -- the session's side -----------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Send whole untagged responses, CRLF and all."""
        self._out.append(octets)

    def complete(self, tag: bytes, text: bytes) -> None:
        """Send a completion result (`OK ...`, `NO ...`, `BAD ...`), and go on with the next command."""
        self._out.append(b"%b %b\r\n" % (tag, text))
        if self._mode is _Mode.APPEND and self._paused and tag == self._tag:
            self._refuse_message()
        self._paused = False

    def untagged_bad(self, text: bytes) -> None:
        """Answer what had no tag, and go on."""
        self._out.append(b"* BAD %b\r\n" % text)
        self._paused = False

    def complete_earlier(self, tag: bytes, text: bytes) -> None:
        """Send the completion result of a command after which `proceed` was called."""
        self._out.append(b"%b %b\r\n" % (tag, text))

    def proceed(self) -> None:
        """Go on with the next command, though the answer to this one is still to come."""
        self._paused = False

    def take_literal(self) -> None:
        """Let an APPEND's message come (`Append`)."""
        if self._sync:
            self._out.append(b"+ OK\r\n")
            self._sync = False
        self._paused = False

    def challenge(self, tag: bytes, octets: bytes) -> None:
        """Ask the client to go on authenticating (RFC 3501 §6.2.2); `AuthenticateResponse` or `Bad` follows."""
        self._out.append(b"+ %b\r\n" % base64.b64encode(octets))
        self._tag = tag
        self._mode = _Mode.AUTHENTICATE
        self._paused = False

    def idling(self, tag: bytes) -> None:
        """Tell the client that it may idle (RFC 2177 §3); `Done` or `Bad` follows."""
        self._out.append(b"+ idling\r\n")
        self._tag = tag
        self._mode = _Mode.IDLE
        self._paused = False

    @property
    def has_input(self) -> bool:
        """Whether octets wait that no event has been made of: the client pipelines."""
        return self._at < len(self._buffer)

    @property
    def idle(self) -> bool:
        """Whether the client idles."""
        return self._mode is _Mode.IDLE

    def enter(self, state: State) -> None:
        """Change the state; raises `ValueError` where no arrow of the diagram leads there."""
        if state is not self.state and state not in TRANSITIONS[self.state]:
            raise ValueError(f"{self.state.value} does not lead to {state.value}")
        self.state = state

    def bye(self, text: bytes) -> None:
        """Send BYE and enter the logout state; further input is ignored (RFC 3501 §7.1.5)."""
        self._out.append(b"* BYE %b\r\n" % text)
        self.enter(State.LOGOUT)

    def close(self) -> None:
        """Have the connection closed once everything is sent."""
        self.enter(State.LOGOUT)
        self._mode = _Mode.CLOSED
        self._paused = False
        self._forget_input()
        self._events.append(Close())

    def tls_started(self) -> None:
        """Begin anew over TLS; the client knows nothing of the server from before (RFC 3501 §6.2.1)."""
        self.secure = True
        self._forget_input()
        self._paused = False

    # -- cutting commands out ---------------------------------------------------------------------------------

    def _step(self) -> bool:
        """Take the next piece of input; False where more is needed."""
        if self._discard:
            taken = min(self._discard, len(self._buffer) - self._at)
            self._discard -= taken
            self._at += taken
            return True
        if self._mode is _Mode.APPEND:
            return self._message()
        if self._need >= 0:
            return self._literal()
        end = self._buffer.find(b"\n", max(self._at, self._scanned))
        if end < 0:
            self._scanned = len(self._buffer)
            return self._unfinished_line()
        line = self._buffer[self._at : end + 1]
        self._at = end + 1
        if self._skipping:
            self._skipping = False
            self._skip_literal(line)
        elif self._size + len(line) > self._line_limit():
            self._bad(self._tag_of(line), "Command line too long", line)
        else:
            self._line(line)
        return True

    def _line(self, line: bytes) -> None:
        """Take a line of whatever the mode expects."""
        if self._mode is _Mode.COMMAND:
            self._command_line(line)
            return
        mode, self._mode = self._mode, _Mode.COMMAND
        text = line[:-2]
        if not line.endswith(b"\r\n"):
            self._bad(self._tag, _BARE_LF, line)
        elif mode is _Mode.APPEND_TAIL:
            if self._fault is not None:
                self._bad(self._tag, self._fault, line)
            elif text:  # RFC 3502, several messages in one APPEND, is not offered
                self._bad(self._tag, "Error in IMAP command APPEND: Unexpected argument", line)
            else:
                self._give(commands.AppendEnd(self._tag))
        elif mode is _Mode.IDLE:
            if text.upper() == b"DONE":
                self._give(commands.Done(self._tag))
            else:
                self._bad(self._tag, "Expected DONE", line)
        elif text == b"*":  # RFC 3501 §6.2.2: the client cancels, and is answered BAD
            self._bad(self._tag, "Authentication aborted by client.", line)
        else:
            try:
                self._give(commands.AuthenticateResponse(self._tag, decode_response(text)))
            except SaslError:
                self._bad(self._tag, "Invalid base64 data", line)

    def _command_line(self, line: bytes) -> None:
        """Take a line of a command: the whole of it, or one that ends in a literal's announcement."""
        text = line[:-2]
        if not line.endswith(b"\r\n"):
            self._bad(self._tag_of(line), _BARE_LF, line)
            return
        self._parts.append(text)
        announced = LITERAL.search(text) if text.endswith(b"}") else None
        found = _COMMAND.match(self._parts[0])
        if found is None:
            tag = self._tag_of(text)
            self._bad(tag, f"Error in IMAP {'tag: Invalid tag' if tag is None else _NO_COMMAND}", line)
            return
        tag, name = found[1], found[3].upper()
        if found[2] is not None:
            name = b"UID " + name
        refused = refusal(name, self.state)
        if refused is not None:
            self._bad(tag, refused, line)
        elif announced is not None:
            self._announced(line, tag, name, found.end(), announced)
        elif name == b"STARTTLS":
            self._start_tls(tag, text[found.end() :])
        else:
            self._whole(line, tag, name, found.end())

    def _whole(self, line: bytes, tag: bytes, name: bytes, at: int) -> None:
        """Parse a command that is all here."""
        try:
            command = PARSERS[name](tag, Reader(self._parts, at))
        except SyntaxFault as fault:
            self._bad(tag, f"Error in IMAP command {name.decode('ascii')}: {fault}", line)
            return
        self._give(command)

    def _start_tls(self, tag: bytes, arguments: bytes) -> None:
        # RFC 3501 §6.2.1; all that was pipelined behind it in plaintext is forgotten (RFC 2595 §2.1).
        if arguments:
            self._bad(tag, "Error in IMAP command STARTTLS: Unexpected argument", b"")
        elif self.secure:
            self._bad(tag, "TLS is already active.", b"")
        else:
            self._out.append(tag + b" OK Begin TLS negotiation now.\r\n")
            self._forget_input()
            self._give(StartTls())

    def _announced(self, line: bytes, tag: bytes, name: bytes, at: int, announced: re.Match[bytes]) -> None:
        """Take a literal's announcement."""
        size, non_synchronizing = int(announced[1]), bool(announced[2])
        if name == b"APPEND":
            try:
                append, _ = read_append(tag, Reader(self._parts, at))
            except Incomplete:
                pass  # the literal is the mailbox's name
            except SyntaxFault as fault:
                self._bad(tag, f"Error in IMAP command APPEND: {fault}", line)
                return
            else:
                self._give(append)
                self._mode, self._tag, self._need, self._sync = _Mode.APPEND, tag, size, not non_synchronizing
                return
        self._size += len(line) + size
        if size > self._literal_limit() or self._size > self._line_limit():
            self._bad(tag, f"Error in IMAP command {name.decode('ascii')}: Literal too large", line)
            return
        self._need = size
        if not non_synchronizing:
            self._out.append(b"+ OK\r\n")

    def _literal(self) -> bool:
        """Take a literal of a command, all at once: it is a short one."""
        if len(self._buffer) - self._at < self._need:
            return False
        end = self._at + self._need
        self._parts.append(self._buffer[self._at : end])
        self._at = end
        self._need = -1
        return True

    def _message(self) -> bool:
        """Take what is there of an APPEND's message."""
        octets = self._buffer[self._at : self._at + self._need]
        self._at += len(octets)
        self._need -= len(octets)
        if self._need == 0:
            self._need, self._mode = -1, _Mode.APPEND_TAIL
        if b"\0" in octets:
            self._fault = "Error in IMAP command APPEND: NUL in the message"  # CHAR8 = %x01-ff
        self._events.append(commands.AppendData(self._tag, octets))
        return True

    def _refuse_message(self) -> None:
        """Do without the message that an APPEND has announced."""
        self._mode = _Mode.COMMAND
        if not self._sync:  # it comes all the same
            self._discard, self._skipping = self._need, True
        self._need = -1

    def _unfinished_line(self) -> bool:
        """Bound a line whose end has not come."""
        if self._skipping:  # keep what may be the beginning of a literal's announcement
            self._at = max(self._at, len(self._buffer) - _LONGEST_ANNOUNCEMENT)
        elif self._size + len(self._buffer) - self._at > self._line_limit():
            self._bad(self._tag_of(self._buffer[self._at : self._at + _MAX_TAG + 1]), "Command line too long", b"")
            self._skipping = True
            return True
        return False

    # -- helpers ----------------------------------------------------------------------------------------------

    def _give(self, event: Event) -> None:
        """Give an event that wants an answer."""
        self._reset()
        self._events.append(event)
        self._paused = True

    def _bad(self, tag: bytes | None, text: str, line: bytes) -> None:
        """Give up the command whose last line was `line`, and count off the literals that it goes on with."""
        self._mode = _Mode.COMMAND
        self._give(Bad(tag, text))
        self._skip_literal(line)

    def _skip_literal(self, line: bytes) -> None:
        """Throw away the non-synchronizing literal that a refused line announces, and the line after it."""
        # RFC 7888 §3: the end of every line received must be checked for one, whatever else is wrong with it.
        found = _NON_SYNCHRONIZING.search(line) if b"+}" in line[-4:] else None
        if found is None:
            return
        size = int(found[1])
        if size > MAX_NUMBER or (self.state is State.NOT_AUTHENTICATED and size > self._literal_limit()):
            # RFC 7888 §4, the second choice: a stranger is not allowed to make the server read so much.
            self._fatal = True
            return
        self._discard, self._skipping = size, True

    def _tag_of(self, line: bytes) -> bytes | None:
        """Return the tag of the command that goes on with this line, or None where it has none."""
        if self._mode is not _Mode.COMMAND:
            return self._tag
        # Of a line that is too long only the beginning is here, the same however its octets have come.
        found = TAG.match((self._parts[0] if self._parts else line)[: _MAX_TAG + 1])
        return found[0] if found is not None and len(found[0]) <= _MAX_TAG else None

    def _reset(self) -> None:
        """Forget the command under way."""
        self._parts = []
        self._size = 0
        self._need = -1
        self._fault = None

    def _forget_input(self) -> None:
        self._reset()
        self._buffer, self._at, self._scanned = b"", 0, 0
        self._discard, self._skipping, self._fatal = 0, False, False

    def _line_limit(self) -> int:
        limits = self._limits
        return limits.line_before_login if self.state is State.NOT_AUTHENTICATED else limits.line

    def _literal_limit(self) -> int:
        limits = self._limits
        return limits.literal_before_login if self.state is State.NOT_AUTHENTICATED else limits.literal
