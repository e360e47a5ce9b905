"""POP3's AUTHORIZATION state (RFC 1939 §4, §7; RFC 5034; RFC 6856): the part of the engine that asks who the client is.

It also writes the responses of all states, because their language and their codes are chosen here.
"""

from __future__ import annotations

import base64
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from postroad.sasl.channel import PLAINTEXT, Channel
from postroad.sasl.digest import Digest, apop
from postroad.sasl.mechanism import Claim, Exchange, SaslError, decode_response
from postroad.sasl.password import Password
from postroad.sasl.server import Unavailable
from postroad_store.pop3.capabilities import Conditions, Offer, Policy
from postroad_store.pop3.commands import Command, CommandError, State
from postroad_store.pop3.events import Login, LoginAbandoned
from postroad_store.pop3.languages import DEFAULT, LANGUAGES, in_language, matching
from postroad_store.protocol.contract import Close, Event, StartTls

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.sasl.server import Sasl
    from postroad_store.pop3.maildrop import Maildrop

_CODE = re.compile(r" \[[^]]*\]")  # a response code (RFC 2449 §8)
MAX_ERRORS = 20  # in a row; the client does not speak POP3
MAX_LOGINS = 10  # failed ones

TOO_MANY_ERRORS = "-ERR Too many bad commands."
AUTH_FAILED = "[AUTH] Authentication failed."
PLAINTEXT_REFUSED = "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."


class PlaintextError(CommandError):
    """A login is refused because TLS is not in use."""


class Mode(Enum):
    """How the engine reads the next octets, within a state."""

    COMMAND = auto()  # a command line is expected
    RESPONSE = auto()  # AUTH has been sent a challenge, and its answer is expected
    WAITING = auto()  # an event awaits its answer
    MESSAGE = auto()  # a message or a list is being sent in pieces: no -ERR may come before its end
    HANDSHAKE = auto()  # TLS is about to start
    ENDING = auto()  # the last response has been given, and Close is next
    CLOSED = auto()


class Authorization:
    """Who the client is. `tls`: STLS may be offered."""

    def __init__(
        self,
        sasl: Sasl,
        offer: Offer,
        policy: Policy,
        *,
        tls: bool,
        plaintext_auth: bool,
    ) -> None:
        self._sasl = sasl
        self._offer = offer
        self._policy = policy
        self._channel: Callable[[], Channel] = lambda: PLAINTEXT
        self._timestamp = ""  # of APOP
        self._secure = False
        self._tls = tls
        self._plaintext_auth = plaintext_auth
        self._utf8 = False
        self._language = DEFAULT
        self._exchange: Exchange | None = None
        self._granted: Maildrop | None = None  # once the client has answered SCRAM's last word
        self._judged = False  # the exchange is at its last word
        self._refusal = AUTH_FAILED  # what is said behind the last word
        self.state = State.AUTHORIZATION
        self.maildrop: Maildrop | None = None
        self._buffer = b""
        self._start = 0  # of the next line in the buffer
        self._output: list[bytes] = []
        self._mode = Mode.COMMAND
        self._user: str | None = None
        self._errors = 0  # in a row
        self._failed_logins = 0

    @property
    def takes_utf8(self) -> bool:
        """Whether messages may be sent whose headers are in UTF-8 (RFC 6856 §2.1)."""
        return self._utf8 or not self._offer.offers("UTF8")

    def greet(self, channel: Callable[[], Channel], *, secure: bool) -> None:
        """Send the greeting (RFC 1939 §4), with a timestamp where APOP is offered (RFC 1939 §7).

        `channel` returns what is known of TLS, once its handshake is over.
        """
        self._secure = secure
        self._channel = channel
        if self._offer.offers("APOP") and "plain" in self._sasl.realm.forms:
            self._timestamp = self._sasl.unique()
        self._say(f"+OK Postroad ready. {self._timestamp}".rstrip())

    def logged_in(self, maildrop: Maildrop) -> None:
        """Answer `Login`: the maildrop is locked, TRANSACTION begins."""
        if self._last_word(accepted=True):
            self._granted = maildrop
            return
        self._exchange = None
        self._mode = Mode.COMMAND
        self.state = State.TRANSACTION
        self.maildrop = maildrop
        self._say("+OK Logged in.")

    def login_failed(self, text: str = AUTH_FAILED) -> None:
        """Answer `Login`: the client is not who it says it is, or may not be whom it asks for (RFC 3206 §4: AUTH)."""
        if self._last_word(accepted=False):
            self._refusal = text
            return
        self._failed_logins += 1
        self.refuse(text)
        if self._failed_logins >= MAX_LOGINS:
            self._mode = Mode.ENDING

    def _last_word(self, *, accepted: bool) -> bool:
        """Send the mechanism's last challenge, whose response precedes the outcome; False if it has none."""
        last = self._exchange.judged(accepted=accepted) if self._exchange is not None and not self._judged else None
        if last is None:
            return False
        self._judged = True
        self._challenge(last)
        return True

    def refuse(self, text: str) -> None:
        """Answer the event with -ERR; `text` begins with its response code, if any.

        After `Update` the session ends: some messages were not removed (RFC 1939 §6).
        """
        self._mode = Mode.ENDING if self.state is State.UPDATE else Mode.COMMAND
        self._user = None
        self._exchange = None
        self._say(f"-ERR {text}")

    def tls_started(self) -> None:
        """Begin anew over TLS, and forget all that the client sent before (RFC 2595 §4)."""
        self._mode = Mode.COMMAND
        self._secure = True
        self._user = None

    # Responses

    def _say(self, text: str) -> None:
        if text.startswith("-ERR [") and not self._may_say_code(text):
            text = _CODE.sub("", text, count=1)
        self._output.append(in_language(self._language, text).encode("utf-8", "replace") + b"\r\n")

    def _may_say_code(self, text: str) -> bool:
        extended = text.startswith(("-ERR [AUTH]", "-ERR [SYS/"))  # RFC 3206 §4
        return self._offer.offers("RESP-CODES") and (not extended or self._offer.offers("AUTH-RESP-CODE"))

    def _lines(self, first: str, lines: list[str]) -> None:
        self._output.append("\r\n".join([first, *lines, ".", ""]).encode())

    def _error(self, text: str) -> Event | None:
        self._errors += 1
        if self._errors >= MAX_ERRORS:
            return self._close(TOO_MANY_ERRORS)
        self._say(f"-ERR {text}")
        return None

    def _pause(self, event: Event) -> Event:
        self._mode = Mode.WAITING
        return event

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

    # Commands

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
                return self._pause(Login(Claim("PASSWORD", self._user, Password(command.text or ""))))
            case "AUTH":
                return self._auth(command)
            case "APOP":
                return self._apop(command)
            case "UTF8":
                self._utf8 = True
                self._say("+OK UTF8 enabled.")
            case "LANG":
                self._lang(command.text)
            case "STLS":
                # RFC 2595 §4: only in AUTHORIZATION state, and not twice
                if self._secure:
                    raise CommandError("TLS is already active.")
                if not self._tls:
                    raise CommandError("TLS is not available.")
                if self._utf8:  # RFC 6856 §2.1
                    raise CommandError("STLS is not allowed after UTF8.")
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

    def _apop(self, command: Command) -> Event:
        if not self._timestamp:
            raise CommandError("APOP needs passwords that are kept in plain.")
        digest = Digest(apop, self._timestamp.encode(), (command.initial or b"").decode("ascii"))
        return self._pause(Login(Claim("APOP", command.text or "", digest)))

    def _auth(self, command: Command) -> Event | None:
        if command.text is None:
            self._lines("+OK", list(self._sasl.offered(self._channel())))
            return None
        try:
            self._exchange = self._sasl.begin(command.text, self._channel())
        except Unavailable as unavailable:
            if unavailable.private:
                raise PlaintextError(PLAINTEXT_REFUSED) from unavailable
            raise CommandError("Unsupported authentication mechanism.") from unavailable
        self._judged = False
        return self._step(b"" if command.initial == b"=" else command.initial)

    def _step(self, line: bytes | None) -> Event | None:
        """Go on with a response in BASE64; None: there was no initial one."""
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - AUTH has begun it
        try:
            answer = exchange.step(None if line is None else decode_response(line))
        except SaslError as error:
            self._exchange = None
            return self._error(str(error))
        if isinstance(answer, Claim):
            return self._pause(Login(answer))
        self._challenge(answer)
        return None

    def _challenge(self, challenge: bytes) -> None:
        # RFC 5034 §4: a challenge is "+", a space and BASE64, which may be empty
        self._mode = Mode.RESPONSE
        self._output.append(b"+ " + base64.b64encode(challenge) + b"\r\n")

    def _respond(self, line: bytes) -> Event | None:
        exchange = self._exchange
        if exchange is None or not self._judged:
            return self._step(line)
        granted, self._granted = self._granted, None
        try:
            exchange.end(decode_response(line))
        except SaslError as error:
            self._exchange = None
            return self._error(str(error)) or (None if granted is None else LoginAbandoned())
        if granted is None:
            self.login_failed(self._refusal)
        else:
            self.logged_in(granted)
        return None

    def _lang(self, language_range: str | None) -> None:
        """Choose the language of the responses, or list the languages (RFC 6856 §3.2)."""
        if language_range is None:
            listing = [f"{tag} {name}" for tag, name in LANGUAGES.items()]
            self._lines(in_language(self._language, "+OK Language listing follows:"), listing)
            return
        language = matching(language_range)
        if language is None:
            raise CommandError("There is no such language.")
        self._language = language
        self._say(in_language(language, "+OK Language changed").replace("+OK", f"+OK {language}", 1))

    def _capabilities(self) -> None:
        """Answer CAPA (RFC 2449 §5, §6)."""
        channel, private = self._channel(), self._login_allowed
        mechanisms = self._sasl.offered(channel)
        conditions = Conditions(self.state, self._secure, self._tls, private, mechanisms, self._policy)
        self._lines("+OK", self._offer.lines(conditions))
