"""The ManageSieve engine: the state machine of RFC 5804, without I/O.

    NON_AUTHENTICATED ──AUTHENTICATE──▶ AUTHENTICATED
            ▲────────UNAUTHENTICATE──────────┘

It answers CAPABILITY, NOOP, LOGOUT, UNAUTHENTICATE and all faults by itself. A command that needs an account or its
scripts becomes an event (`events`), and the engine pauses until it is answered: `Login` by `logged_in`, `login_failed`
or `refuse`; all others by `done` or `refuse`, and what precedes them by `send`. Pipelined commands wait meanwhile.
"""

from __future__ import annotations

import base64
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from postroad.foreign import HTTP_METHODS
from postroad.sasl.channel import PLAINTEXT, Channel
from postroad.sasl.mechanism import MAX_RESPONSE, Claim, SaslError, decode_response
from postroad.sasl.server import Unavailable
from postroad_store.managesieve import responses
from postroad_store.managesieve.commands import Command, CommandError, State, parse
from postroad_store.managesieve.events import (
    Activate,
    Delete,
    Get,
    HaveSpace,
    ListAll,
    LoggedOut,
    Login,
    PlaintextRefused,
    Put,
    Rename,
)
from postroad_store.managesieve.framing import Atom, Fault, Framer, String
from postroad_store.protocol.contract import Close, Event, StartTls
from postroad_store.sieve import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.sasl.mechanism import Exchange
    from postroad.sasl.server import Sasl
    from postroad_store.managesieve.framing import Token

MAX_ERRORS = 20  # in a row; the client does not speak ManageSieve
MAX_LOGINS = 5  # failed ones
FAILED = "Authentication failed."
PLAINTEXT_REFUSED = "Plaintext authentication disallowed on non-secure (SSL/TLS) connections."


class Mode(Enum):
    """What the engine waits for, within a state."""

    COMMAND = auto()
    RESPONSE = auto()  # of the client, in an exchange of AUTHENTICATE
    WAITING = auto()  # an event awaits its answer
    HANDSHAKE = auto()  # TLS is about to start
    ENDING = auto()  # the last response has been given, and Close is next
    CLOSED = auto()


class Engine:
    """One connection's state. `sieve` is the capability string of scripts; `tls`: STARTTLS may be offered."""

    def __init__(self, sasl: Sasl, sieve: str, *, tls: bool = True) -> None:
        self._sasl = sasl
        self._sieve = sieve
        self._tls = tls
        self._secure = False
        self._channel: Callable[[], Channel] = lambda: PLAINTEXT
        self._framer = Framer(MAX_RESPONSE)
        self._output: list[bytes] = []
        self._mode = Mode.COMMAND
        self._exchange: Exchange | None = None  # that is under way
        self._judged = False  # it has failed, and is at its last word
        self._refusal = FAILED  # what is said behind that
        self._errors = 0  # in a row
        self._failed_logins = 0
        self._owner: str | None = None
        self.state = State.NON_AUTHENTICATED

    # Octets

    def receive_data(self, data: bytes) -> None:
        """Take octets; discard them after the end of the session and during the switch to TLS."""
        if self._mode not in {Mode.CLOSED, Mode.HANDSHAKE}:
            self._framer.receive(data)

    def data_to_send(self) -> bytes:
        """Return the octets for the client, and forget them."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def next_event(self) -> Event | None:
        """Carry out commands until one needs the session or the adapter; None: no whole command is left."""
        while self._mode in {Mode.COMMAND, Mode.RESPONSE}:
            tokens = self._framer.next_command()
            if tokens is None:
                return None
            event = self._take(tokens)
            if event is not None:
                return event
        if self._mode is Mode.ENDING:
            self._mode = Mode.CLOSED
            self._framer.clear()
            return Close()
        return None

    # Answers

    def greet(self, channel: Callable[[], Channel], *, secure: bool) -> None:
        """Send the capabilities (RFC 5804 §1.7), which are the greeting.

        `channel` returns what is known of TLS, once its handshake is over.
        """
        self._channel = channel
        self._secure = secure
        self._capabilities("Postroad ready.")

    def tls_started(self) -> None:
        """Begin anew over TLS: RFC 5804 §2.2: "the server MUST re-issue the capability results"."""
        self._secure = True
        self._mode = Mode.COMMAND
        self._capabilities("TLS negotiation successful.")

    def logged_in(self, owner: str) -> None:
        """Answer `Login`; the mechanism's last word is in the response code SASL (RFC 5804 §1.3)."""
        last = self._exchange.judged(accepted=True) if self._exchange is not None else None
        self._exchange = None
        self.state = State.AUTHENTICATED
        self._owner = owner
        self._framer.largest = limits.SCRIPT
        self.done("Logged in.", b"" if last is None else b"SASL " + responses.string(base64.b64encode(last)))

    def login_failed(self, text: str = FAILED) -> None:
        """Answer `Login`: the client is not who it says it is, or may not be whom it asks for."""
        last = self._exchange.judged(accepted=False) if self._exchange is not None and not self._judged else None
        if last is not None:  # a mechanism says more of why it failed, and the client answers before the NO
            self._judged = True
            self._refusal = text
            self._challenge(last)
            return
        self._exchange = None
        self._failed_logins += 1
        self.refuse(text)
        if self._failed_logins >= MAX_LOGINS:
            self.say_goodbye("Too many failed authentication attempts.")

    def send(self, octets: bytes) -> None:
        """Send what comes in front of `done`."""
        self._output.append(octets)

    def done(self, text: str, code: bytes = b"") -> None:
        """Answer an event with OK."""
        self._mode = Mode.COMMAND
        self._output.append(responses.status(b"OK", text, code))

    def refuse(self, text: str, code: bytes = b"") -> None:
        """Answer an event with NO."""
        self._mode = Mode.COMMAND
        self._exchange = None
        self._output.append(responses.status(b"NO", text, code))

    def say_goodbye(self, text: str, code: bytes = b"") -> None:
        """Send BYE, after which the connection is closed (RFC 5804 §1.2)."""
        self._output.append(responses.status(b"BYE", text, code))
        self._mode = Mode.ENDING

    # Commands

    def _take(self, tokens: list[Token] | Fault) -> Event | None:
        if isinstance(tokens, Fault):
            self._exchange, self._mode = None, Mode.COMMAND
            if tokens.fatal:
                self.say_goodbye(tokens.text, tokens.code.encode())
            else:
                self._error(tokens.text, tokens.code.encode())
            return None
        if self._mode is Mode.RESPONSE:
            return self._respond(tokens)
        try:
            command = parse(tokens, self.state)
        except CommandError as error:
            if tokens and isinstance(tokens[0], Atom) and tokens[0].word in HTTP_METHODS:
                self.say_goodbye("This is ManageSieve.")  # `postroad.foreign` says why
            else:
                self._error(str(error))
            return None
        event = self._handlers[command.keyword](self, command)
        if self._mode is Mode.COMMAND:
            self._errors = 0
        return event

    def _error(self, text: str, code: bytes = b"") -> None:
        self._errors += 1
        if self._errors >= MAX_ERRORS:
            self.say_goodbye("Too many bad commands.")
        else:
            self.refuse(text, code)

    def _pause(self, event: Event) -> Event:
        self._mode = Mode.WAITING
        return event

    def _capability(self, _command: Command) -> None:
        self._capabilities("Capability completed.")

    def _capabilities(self, text: str) -> None:
        """Send the capabilities and OK (RFC 5804 §1.7, §2.4)."""
        lines: list[tuple[str, str | None]] = [
            ("IMPLEMENTATION", "Postroad"),
            ("SIEVE", self._sieve),
            ("SASL", " ".join(self._sasl.offered(self._channel()))),
            ("MAXREDIRECTS", str(limits.REDIRECTS)),
            ("VERSION", "1.0"),
            ("UNAUTHENTICATE", None),
        ]
        # RFC 5804 §1.7: STARTTLS "SHOULD NOT be advertised once STARTTLS or AUTHENTICATE command completes"
        if self._tls and not self._secure and self.state is State.NON_AUTHENTICATED:
            lines.append(("STARTTLS", None))
        if self._owner is not None:
            lines.append(("OWNER", self._owner))
        for name, value in lines:
            more = b"" if value is None else b" " + responses.string(value)
            self._output.append(responses.string(name) + more + b"\r\n")
        self._output.append(responses.status(b"OK", text))

    def _noop(self, command: Command) -> None:
        # RFC 5804 §2.13: the tag comes back in the response code TAG
        tag = command.octets[0] if command.octets else None
        self.done("NOOP completed.", b"" if tag is None else b"TAG " + responses.string(tag))

    def _logout(self, _command: Command) -> None:
        self._output.append(responses.status(b"OK", "Logout completed."))
        self._mode = Mode.ENDING

    def _starttls(self, _command: Command) -> Event | None:
        if self._secure or not self._tls:
            self._error("TLS is already active." if self._secure else "TLS is not available.")
            return None
        self._output.append(responses.status(b"OK", "Begin TLS negotiation now."))
        self._mode = Mode.HANDSHAKE
        self._framer.clear()  # octets behind STARTTLS came in plaintext, perhaps from an attacker
        return StartTls()

    def _unauthenticate(self, _command: Command) -> Event:
        self.state = State.NON_AUTHENTICATED
        self._owner = None
        self._framer.largest = MAX_RESPONSE
        self.done("Unauthenticate completed.")
        return LoggedOut()

    # AUTHENTICATE (RFC 5804 §2.1)

    def _authenticate(self, command: Command) -> Event | None:
        name = command.octets[0].decode("ascii", "replace").upper()
        initial = command.octets[1] if len(command.octets) > 1 else None
        try:
            self._exchange = self._sasl.begin(name, self._channel())
            # RFC 5804 §2.1: an initial response is refused where the mechanism begins with a challenge
            speaks_first = initial is not None and self._sasl.begin(name, self._channel()).step(None) != b""
        except Unavailable as unavailable:
            if not unavailable.private:
                self._error("Unsupported authentication mechanism.")
                return None
            self._error(PLAINTEXT_REFUSED, b"ENCRYPT-NEEDED")
            return PlaintextRefused()
        self._judged = False
        if speaks_first:
            self._error("The mechanism takes no initial response.")
            return None
        return self._step(initial)

    def _respond(self, tokens: list[Token]) -> Event | None:
        """Take a response of the client: a string, in BASE64."""
        match tokens:
            case [String(octets)] if self._judged:
                self._last_response(octets)
                return None
            case [String(octets)]:
                return self._step(octets)
            case _:
                self._error("A response is one string.")
                return None

    def _last_response(self, response: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - an exchange is under way
        try:
            exchange.end(decode_response(response))
        except SaslError as error:
            self._error(f"{error}.")
        else:
            self.login_failed(self._refusal)

    def _step(self, response: bytes | None) -> Event | None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - an exchange is under way
        try:
            result = exchange.step(None if response is None else decode_response(response))
        except SaslError as error:
            self._error(f"{error}.")
            return None
        if isinstance(result, Claim):
            return self._pause(Login(result))
        self._challenge(result)
        return None

    def _challenge(self, challenge: bytes) -> None:
        self._mode = Mode.RESPONSE
        self._output.append(responses.string(base64.b64encode(challenge)) + b"\r\n")

    # What needs the scripts

    def _put(self, command: Command) -> Event:
        return self._pause(Put(command.text[0] if command.text else None, command.octets[0]))

    def _get(self, command: Command) -> Event:
        return self._pause(Get(command.text[0]))

    def _list(self, _command: Command) -> Event:
        return self._pause(ListAll())

    def _activate(self, command: Command) -> Event:
        return self._pause(Activate(command.text[0]))

    def _delete(self, command: Command) -> Event:
        return self._pause(Delete(command.text[0]))

    def _rename(self, command: Command) -> Event:
        return self._pause(Rename(*command.text))

    def _have_space(self, command: Command) -> Event:
        return self._pause(HaveSpace(command.text[0], command.number))

    _handlers: ClassVar[Mapping[str, Callable[[Engine, Command], Event | None]]] = {
        "AUTHENTICATE": _authenticate,
        "CAPABILITY": _capability,
        "CHECKSCRIPT": _put,
        "DELETESCRIPT": _delete,
        "GETSCRIPT": _get,
        "HAVESPACE": _have_space,
        "LISTSCRIPTS": _list,
        "LOGOUT": _logout,
        "NOOP": _noop,
        "PUTSCRIPT": _put,
        "RENAMESCRIPT": _rename,
        "SETACTIVE": _activate,
        "STARTTLS": _starttls,
        "UNAUTHENTICATE": _unauthenticate,
    }
