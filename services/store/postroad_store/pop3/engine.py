"""The POP3 engine: the state machine of RFC 1939, without I/O.

    AUTHORIZATION ──login──▶ TRANSACTION ──QUIT──▶ UPDATE ──▶ closed
          │                       │
          └─────────QUIT──────────┴── connection lost: closed, nothing removed (RFC 1939 §6)

After login the engine holds the maildrop's snapshot, and answers STAT, LIST, UIDL, DELE, RSET, NOOP and CAPA by
itself. A command that needs the mail becomes an event, and the engine pauses until the event is answered:

- `Login`: answered by `logged_in` or `refuse`
- `Retrieve` (RETR, TOP): by `message`, or `begin_message`, `message_piece` and `end_message`, or `refuse`
- `ListAll` (LIST and UIDL of many messages): by `list_piece` and `end_list`
- `Update` (QUIT in TRANSACTION): by `updated`

`PlaintextRefused` asks nothing.

Pipelined commands (RFC 2449 §6.6) wait in the buffer meanwhile; responses are in the order of the commands.

Clients look at the texts of some responses; these texts are Dovecot's. Response codes: RFC 2449 §8, RFC 3206.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from postroad.sasl import MAX_RESPONSE, Credentials, Plain, SaslError, decode_response
from postroad_store.pop3.commands import Command, CommandError, HttpError, State, UnknownCommandError, parse
from postroad_store.pop3.events import ListAll, Login, PlaintextRefused, Retrieve, Update
from postroad_store.pop3.multiline import Stuffer, stuff
from postroad_store.protocol.contract import Close, Event, StartTls

if TYPE_CHECKING:
    from postroad_store.pop3.maildrop import Maildrop

# RFC 2449 §4 bounds a command at 255 octets with its CRLF; a password may be longer, so 1,100 are accepted.
MAX_LINE = 1100
MAX_ERRORS = 20  # in a row; the client does not speak POP3
MAX_UNKNOWN = 3  # unknown commands in a row before login, as Dovecot has it
MANY = 2_000  # messages, above which LIST and UIDL are answered in pieces (some 2 ms each)
MAX_LOGINS = 10  # failed ones

TOO_MANY_ERRORS = "-ERR Too many bad commands."
AUTH_FAILED = "[AUTH] Authentication failed."
PLAINTEXT_REFUSED = "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."


class PlaintextError(CommandError):
    """A login is refused because TLS is not in use."""


class Mode(Enum):
    """How the engine reads the next octets, within a state."""

    COMMAND = auto()  # a command line is expected
    RESPONSE = auto()  # AUTH PLAIN has been sent an empty challenge, and its answer is expected
    WAITING = auto()  # an event awaits its answer
    MESSAGE = auto()  # a message or a list is being sent in pieces: no -ERR may come before its end
    HANDSHAKE = auto()  # TLS is about to start
    ENDING = auto()  # the last response has been given, and Close is next
    CLOSED = auto()


class Engine:
    """One connection's state. `secure`: TLS is in use already; `tls`: STLS may be offered."""

    def __init__(self, *, secure: bool = False, tls: bool = True, plaintext_auth: bool = False) -> None:
        self._secure = secure
        self._tls = tls
        self._plaintext_auth = plaintext_auth
        self.state = State.AUTHORIZATION
        self.maildrop: Maildrop | None = None
        self._buffer = b""
        self._start = 0  # of the next line in the buffer
        self._output: list[bytes] = []
        self._mode = Mode.COMMAND
        self._user: str | None = None
        self._errors = 0  # in a row
        self._unknown = 0  # of them
        self._failed_logins = 0
        self._stuffer = Stuffer()

    @property
    def in_message(self) -> bool:
        """Whether a message or a list is being sent in pieces."""
        return self._mode is Mode.MESSAGE

    # Octets

    def receive_data(self, data: bytes) -> None:
        """Take octets; discard them after the end of the session and during the switch to TLS."""
        if self._mode is Mode.CLOSED or self._mode is Mode.HANDSHAKE:
            return
        self._buffer = self._buffer[self._start :] + data if self._start < len(self._buffer) else data
        self._start = 0

    def data_to_send(self) -> bytes:
        """Return the octets for the client, and forget them."""
        output = self._output
        if not output:
            return b""
        data = output[0] if len(output) == 1 else b"".join(output)
        output.clear()
        return data

    def next_event(self) -> Event | None:
        """Carry out command lines until one needs the mail or the adapter; None: no whole line is left."""
        while (mode := self._mode) is Mode.COMMAND or mode is Mode.RESPONSE:
            end = self._buffer.find(b"\n", self._start)
            limit = MAX_LINE if mode is Mode.COMMAND else MAX_RESPONSE
            if (end if end >= 0 else len(self._buffer)) - self._start > limit:
                return self._close("-ERR Line too long.")
            if end < 0:
                return None
            # RFC 1939 §3 wants CRLF; a bare LF ends a line too, as on other servers.
            line = self._buffer[self._start : end - 1 if self._buffer[end - 1 : end] == b"\r" else end]
            self._start = end + 1
            event = self._line(line)
            if event is not None:
                return event
        if self._mode is Mode.ENDING:
            return self._closed()
        return None

    # Answers

    def greet(self, *, secure: bool) -> None:
        """Send the greeting (RFC 1939 §4), without a timestamp: APOP is not offered."""
        self._secure = secure
        self._say("+OK Postroad ready.")

    def logged_in(self, maildrop: Maildrop) -> None:
        """Answer `Login`: the maildrop is locked, TRANSACTION begins."""
        self._mode = Mode.COMMAND
        self.state = State.TRANSACTION
        self.maildrop = maildrop
        self._user = None
        self._say("+OK Logged in.")

    def login_failed(self) -> None:
        """Answer `Login`: the user name or the password is wrong (RFC 3206 §4: AUTH)."""
        self._failed_logins += 1
        self.refuse(AUTH_FAILED)
        if self._failed_logins >= MAX_LOGINS:
            self._mode = Mode.ENDING

    def refuse(self, text: str) -> None:
        """Answer the event with -ERR; `text` begins with its response code, if any.

        After `Update` the session ends: some messages were not removed (RFC 1939 §6).
        """
        self._mode = Mode.ENDING if self.state is State.UPDATE else Mode.COMMAND
        self._user = None
        self._say(f"-ERR {text}")

    def message(self, content: bytes) -> None:
        """Answer `Retrieve` with a whole message, or with the part that TOP sends."""
        self._mode = Mode.COMMAND
        self._output.append(b"+OK %d octets\r\n" % len(content))
        self._output.append(stuff(content))

    def begin_message(self, octets: int) -> None:
        """Answer `Retrieve` with a message that comes in pieces; `octets` is their sum."""
        self._mode = Mode.MESSAGE
        self._stuffer = Stuffer()
        self._output.append(b"+OK %d octets\r\n" % octets)

    def message_piece(self, piece: bytes) -> None:
        """Send a piece of it, wherever it is cut."""
        self._output.append(self._stuffer.piece(piece))

    def end_message(self) -> None:
        """End the message that came in pieces."""
        self._mode = Mode.COMMAND
        self._output.append(self._stuffer.end())

    def list_piece(self, numbers: list[int], *, unique_ids: bool) -> None:
        """Answer `ListAll` for some of its numbers."""
        maildrop = self.maildrop
        assert maildrop is not None  # noqa: S101 - only a maildrop is listed
        value = maildrop.unique_id if unique_ids else maildrop.size
        self._output.append("".join([f"{number} {value(number)}\r\n" for number in numbers]).encode("ascii"))

    def end_list(self) -> None:
        """End the answer to `ListAll`."""
        self._mode = Mode.COMMAND
        self._say(".")

    def updated(self, removed: int) -> None:
        """Answer `Update`: all marked messages are gone, durably."""
        self._mode = Mode.ENDING
        self._say("+OK Logging out, messages deleted." if removed else "+OK Logging out.")

    def tls_started(self) -> None:
        """Begin anew over TLS, and forget all that the client sent before (RFC 2595 §4)."""
        self._mode = Mode.COMMAND
        self._secure = True
        self._user = None

    # Lines

    def _say(self, text: str) -> None:
        self._output.append(text.encode("utf-8", "replace") + b"\r\n")

    def _close(self, text: str) -> Event:
        self._say(text)
        return self._closed()

    def _closed(self) -> Event:
        self._mode = Mode.CLOSED
        self._forget_input()
        return Close()

    def _forget_input(self) -> None:
        self._buffer = b""
        self._start = 0

    def _line(self, line: bytes) -> Event | None:
        if self._mode is Mode.RESPONSE:
            self._mode = Mode.COMMAND
            return self._plain(line)
        try:
            command = parse(line, self.state)
        except UnknownCommandError as error:
            self._unknown += 1
            if isinstance(error, HttpError):
                return self._close(f"-ERR {error}")
            if self._unknown >= MAX_UNKNOWN and self.state is State.AUTHORIZATION:
                return self._close(TOO_MANY_ERRORS)
            return self._error(str(error))
        except CommandError as error:
            self._unknown = 0
            return self._error(str(error))
        self._unknown = 0
        try:
            event = self._carry_out(command)
        except PlaintextError as error:
            return self._error(str(error)) or PlaintextRefused(command.text if command.keyword == "USER" else None)
        except CommandError as error:
            return self._error(str(error))
        self._errors = 0
        return event

    def _error(self, text: str) -> Event | None:
        self._errors += 1
        if self._errors >= MAX_ERRORS:
            return self._close(TOO_MANY_ERRORS)
        self._say(f"-ERR {text}")
        return None

    def _carry_out(self, command: Command) -> Event | None:
        if self.maildrop is not None:
            return self._transaction(command, self.maildrop)
        return self._authorization(command)

    def _pause(self, event: Event) -> Event:
        self._mode = Mode.WAITING
        return event

    # AUTHORIZATION

    @property
    def _login_allowed(self) -> bool:
        # RFC 2595 §2.3, RFC 5034 §4: no password in plaintext, unless the settings allow it
        return self._secure or self._plaintext_auth

    def _authorization(self, command: Command) -> Event | None:
        match command.keyword:
            case "USER":
                self._check_login_allowed()
                self._user = command.text
                self._say("+OK")
            case "PASS":
                self._check_login_allowed()
                if self._user is None:
                    raise CommandError("No username given.")
                return self._pause(Login(self._user, command.text or ""))
            case "AUTH":
                return self._auth(command)
            case "STLS":
                # RFC 2595 §4: only in AUTHORIZATION state, and not twice
                if self._secure:
                    raise CommandError("TLS is already active.")
                if not self._tls:
                    raise CommandError("TLS is not available.")
                self._say("+OK Begin TLS negotiation now.")
                self._mode = Mode.HANDSHAKE
                # Octets behind STLS came in plaintext, perhaps from an attacker: forget them (RFC 2595 §4).
                self._forget_input()
                return StartTls()
            case "CAPA":
                self._capabilities()
            case _:  # QUIT, by the table
                return self._close("+OK Logging out")
        return None

    def _check_login_allowed(self) -> None:
        if not self._login_allowed:
            raise PlaintextError(PLAINTEXT_REFUSED)

    def _auth(self, command: Command) -> Event | None:
        if command.text is None:
            self._lines("+OK", ["PLAIN"] if self._login_allowed else [])
            return None
        if command.text != "PLAIN":
            raise CommandError("Unsupported authentication mechanism.")
        self._check_login_allowed()
        if command.initial is None:
            # RFC 5034 §4: an empty challenge is "+" and a space
            self._mode = Mode.RESPONSE
            self._output.append(b"+ \r\n")
            return None
        return self._plain(b"" if command.initial == b"=" else command.initial)

    def _plain(self, line: bytes) -> Event | None:
        try:
            credentials = Plain().step(decode_response(line))
        except SaslError as error:
            return self._error(str(error))
        assert isinstance(credentials, Credentials)  # noqa: S101 - PLAIN is one message
        return self._pause(Login(credentials.login, credentials.password))

    # TRANSACTION

    def _transaction(self, command: Command, maildrop: Maildrop) -> Event | None:
        keyword = command.keyword
        number = command.number
        if number is not None:
            if number > len(maildrop):
                raise CommandError(f"There's no message {number}.")
            if maildrop.is_deleted(number):
                raise CommandError("Message is deleted.")
            if keyword in {"RETR", "TOP"}:
                return self._pause(Retrieve(number, command.count))
            if keyword == "DELE":
                maildrop.delete(number)
                self._say("+OK Marked to be deleted.")
            elif keyword == "LIST":
                self._say(f"+OK {number} {maildrop.size(number)}")
            else:  # UIDL, by the table
                self._say(f"+OK {number} {maildrop.unique_id(number)}")
            return None
        match keyword:
            case "STAT":
                self._say(f"+OK {maildrop.count} {maildrop.octets}")
            case "LIST" | "UIDL":
                return self._list_all(maildrop, unique_ids=keyword == "UIDL")
            case "NOOP":
                self._say("+OK")
            case "RSET":
                maildrop.reset()
                self._say("+OK")
            case "CAPA":
                self._capabilities()
            case _:  # QUIT, by the table
                self.state = State.UPDATE
                return self._pause(Update(maildrop.deleted))
        return None

    def _list_all(self, maildrop: Maildrop, *, unique_ids: bool) -> Event | None:
        self._say("+OK" if unique_ids else f"+OK {maildrop.count} messages:")
        numbers = maildrop.numbers()
        if len(numbers) > MANY:
            self._mode = Mode.MESSAGE
            return ListAll(numbers, unique_ids)
        self.list_piece(numbers, unique_ids=unique_ids)
        self._say(".")
        return None

    def _lines(self, first: str, lines: list[str]) -> None:
        self._output.append("\r\n".join([first, *lines, ".", ""]).encode("ascii"))

    def _capabilities(self) -> None:
        """Answer CAPA (RFC 2449 §5, §6)."""
        lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"]
        # There is no LOGIN-DELAY. USER and SASL are listed where they would be accepted (RFC 2595 §2.3).
        if self._tls and not self._secure and self.state is State.AUTHORIZATION:
            lines.append("STLS")
        if self._login_allowed:
            lines += ["USER", "SASL PLAIN"]
        lines.append("IMPLEMENTATION Postroad")
        self._lines("+OK", lines)
