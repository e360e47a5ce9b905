"""The POP3 engine: the state machine of RFC 1939, without I/O.

    AUTHORIZATION ──login──▶ TRANSACTION ──QUIT──▶ UPDATE ──▶ closed
          │                       │
          └─────────QUIT──────────┴── connection lost: closed, nothing removed (RFC 1939 §6)

After login the engine holds the maildrop's snapshot, and answers STAT, LIST, UIDL, DELE, RSET, NOOP and CAPA by
itself. A command that needs the mail becomes an event, and the engine pauses until the event is answered:

- `Login`: answered by `logged_in`, `login_failed` or `refuse`
- `Retrieve` (RETR, TOP): by `message`, or `begin_message`, `message_piece` and `end_message`, or `refuse`
- `ListAll` (LIST and UIDL of many messages): by `list_piece` and `end_list`
- `Update` (QUIT in TRANSACTION): by `updated`

`PlaintextRefused` and `LoginAbandoned` ask nothing.

Pipelined commands (RFC 2449 §6.6) wait in the buffer meanwhile; responses are in the order of the commands.

Clients look at the texts of some responses; these texts are Dovecot's. Response codes: RFC 2449 §8, RFC 3206.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import MAX_RESPONSE
from postroad_store.pop3.authorization import (
    TOO_MANY_ERRORS,
    Authorization,
    Mode,
    PlaintextError,
)
from postroad_store.pop3.commands import Command, CommandError, HttpError, State, UnknownCommandError, parse
from postroad_store.pop3.events import ListAll, PlaintextRefused, Retrieve, Update
from postroad_store.pop3.multiline import Stuffer, stuff

if TYPE_CHECKING:
    from postroad.sasl.server import Sasl
    from postroad_store.pop3.capabilities import Offer, Policy
    from postroad_store.pop3.maildrop import Maildrop
    from postroad_store.protocol.contract import Event

# RFC 2449 §4 bounds a command at 255 octets with its CRLF; a password may be longer, so 1,100 are accepted, and clients
# send tokens as initial responses (which RFC 5034 §4 has them not do).
MAX_LINE = 1100
MAX_AUTH_LINE = 40 + MAX_RESPONSE
_AUTH = re.compile(rb"AUTH ", re.IGNORECASE)
MAX_UNKNOWN = 3  # unknown commands in a row before login, as Dovecot has it
MANY = 2_000  # messages, above which LIST and UIDL are answered in pieces (some 2 ms each)


class Engine(Authorization):
    """One connection's state, with the octets in and out and the TRANSACTION state."""

    def __init__(
        self, sasl: Sasl, offer: Offer, policy: Policy, *, tls: bool = True, plaintext_auth: bool = False
    ) -> None:
        super().__init__(sasl, offer, policy, tls=tls, plaintext_auth=plaintext_auth)
        self._unknown = 0  # commands, among the errors in a row
        self._retrieved: set[int] = set()  # where they expire at once
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
            length = (end if end >= 0 else len(self._buffer)) - self._start
            if length > MAX_LINE and length > self._longest(mode):
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

    def _longest(self, mode: Mode) -> int:
        """Return how many octets a line may have."""
        if mode is Mode.RESPONSE:
            return MAX_RESPONSE
        return MAX_AUTH_LINE if _AUTH.match(self._buffer, self._start) else MAX_LINE

    # Answers

    def message(self, content: bytes) -> None:
        """Answer `Retrieve` with a whole message, or with the part that TOP sends."""
        self._mode = Mode.COMMAND
        self._output += (b"+OK %d octets\r\n" % len(content), *stuff(content))

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

    # Lines

    def _line(self, line: bytes) -> Event | None:
        if self._mode is Mode.RESPONSE:
            self._mode = Mode.COMMAND
            return self._respond(line)
        try:
            command = parse(line, self.state, self._offer.unknown)
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

    def _carry_out(self, command: Command) -> Event | None:
        if self.maildrop is not None:
            return self._transaction(command, self.maildrop)
        return self._authorization(command)

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
                if keyword == "RETR" and self._policy.expire == 0:
                    self._retrieved.add(number)
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
            case "LANG":
                self._lang(command.text)
            case _:  # QUIT, by the table
                self.state = State.UPDATE
                # RFC 2449 §6.7: EXPIRE 0 is an implicit DELE of what was retrieved
                return self._pause(Update(tuple(sorted(self._retrieved.union(maildrop.deleted)))))
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
