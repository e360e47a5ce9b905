"""AUTH (RFC 4954): the client logs in. Our own client does so only with a login (`postroad.smtp.client.login`).

The mechanisms are in `postroad.sasl`, the exchange's lines in `postroad.smtp.server.auth`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad.mail.reply import ENCRYPTION_REQUIRED, Reply, reply
from postroad.sasl import Credentials
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.auth import EXCHANGE_TOO_LONG, decode_response, encode_challenge, parse_auth, step
from postroad.smtp.server.commands import LINE_TOO_LONG, PARAMETER_SYNTAX, CommandError
from postroad.smtp.server.events import Authenticate
from postroad.smtp.server.sequence import OUTSIDE_TRANSACTION, Verb

if TYPE_CHECKING:
    from postroad.sasl import Mechanism
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.events import Event
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session

_NEED_EHLO = reply(503, "5.5.1", "Bad sequence of commands: send EHLO first")
_AUTHENTICATED_ALREADY = reply(503, "5.5.1", "Bad sequence of commands: already authenticated")

# RFC 4954 §4: 12,288 octets suffice for every exchange. The RFC leaves the AUTH command at 512, but clients put
# long initial responses there, so its line may be as long as one of an exchange.
_LINE = 12288
# xtext = *( xchar / hexchar ); xchar = any CHAR between "!" and "~" but "+" and "="; hexchar = "+" 2HEXDIG, upper case
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")


def _parse(value: str | None) -> None:
    """Check AUTH= (RFC 4954 §5), to discard it: no client is trusted to name an identity but its own."""
    if value == "<>":
        return
    if not value or not _XTEXT.match(value):
        raise CommandError(PARAMETER_SYNTAX)
    try:
        parse_address(re.sub(r"\+([0-9A-F]{2})", lambda hexchar: chr(int(hexchar[1], 16)), value))
    except AddressError as error:
        raise CommandError(PARAMETER_SYNTAX) from error


def _may_begin(profile: Profile, *, secure: bool) -> bool:
    return secure or profile.plaintext_auth  # RFC 4954 §4: no password in plaintext


def _offer(profile: Profile, secure: bool) -> str | None:
    return "AUTH " + " ".join(profile.mechanisms) if _may_begin(profile, secure=secure) else None


def _applies(profile: Profile, session: Session) -> bool:
    return not session.is_authenticated and _may_begin(profile, secure=session.tls_version is not None)


class _Exchange:
    """The responses of one exchange."""

    __slots__ = ("_mechanism",)

    def __init__(self, mechanism: Mechanism) -> None:
        self._mechanism = mechanism

    def take(self, engine: Engine, line: bytes | Reply) -> Event | None:
        """Take a line of the client, or the reply that refuses it."""
        if not isinstance(line, bytes):
            raise CommandError(EXCHANGE_TOO_LONG if line is LINE_TOO_LONG else line)
        return self.step(engine, decode_response(line))

    def step(self, engine: Engine, response: bytes | None) -> Event | None:
        """Go on with a response; None: there was no initial one."""
        answer = step(self._mechanism, response)
        if isinstance(answer, Credentials):
            engine.end_exchange()
            return engine.ask(Authenticate(answer.login, answer.password))
        engine.begin_exchange(self.take)
        engine.send(encode_challenge(answer))
        return None


def _run(engine: Engine, argument: bytes) -> Event | None:
    session = engine.session
    if not session.extended:
        raise CommandError(_NEED_EHLO)
    if session.is_authenticated:
        raise CommandError(_AUTHENTICATED_ALREADY)
    profile = engine.profile
    name, response = parse_auth(argument, profile.mechanisms)
    if not _may_begin(profile, secure=session.tls_version is not None):
        raise CommandError(ENCRYPTION_REQUIRED)
    unique = f"<{session.session_id}@{profile.hostname}>"  # a session has one exchange that succeeds
    return _Exchange(profile.mechanisms[name](unique)).step(engine, response)


AUTH = Extension(
    keyword="AUTH",
    rfc="RFC 4954",
    offer=_offer,
    available=lambda profile: profile.auth,
    mail=(Parameter("AUTH", _parse, None),),
    mail_line=500,  # RFC 4954 §3 (4)
    verb=Verb("AUTH", _run, OUTSIDE_TRANSACTION, _LINE, _applies, noted=True, secret=True),
)
