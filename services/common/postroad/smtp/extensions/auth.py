"""AUTH (RFC 4954): the client logs in. Our own client does so only with a login (`postroad.smtp.client.login`).

The mechanisms and the rules by which they are offered are in `postroad.sasl`, the exchange's lines in
`postroad.smtp.server.auth`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad.mail.reply import AUTH_FAILED, ENCRYPTION_REQUIRED, Reply, reply
from postroad.sasl.mechanism import Claim
from postroad.sasl.server import Unavailable
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.auth import (
    AUTHENTICATED,
    EXCHANGE_TOO_LONG,
    MECHANISM_UNKNOWN,
    decode_initial,
    decode_response,
    encode_challenge,
    end,
    parse_auth,
    step,
)
from postroad.smtp.server.commands import LINE_TOO_LONG, PARAMETER_SYNTAX, CommandError
from postroad.smtp.server.events import Authenticate
from postroad.smtp.server.sequence import OUTSIDE_TRANSACTION, Verb

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Exchange
    from postroad.smtp.server.engine import Engine
    from postroad.smtp.server.events import Event
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session
    from postroad.world.world import Account

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


def _offered(profile: Profile, session: Session) -> tuple[str, ...]:
    return profile.sasl.offered(session.channel) if profile.sasl is not None else ()


def _offer(profile: Profile, session: Session) -> str | None:
    offered = _offered(profile, session)
    return "AUTH " + " ".join(offered) if offered else None


def _applies(profile: Profile, session: Session) -> bool:
    return not session.is_authenticated and bool(_offered(profile, session))


class _Exchange:
    """The responses of one exchange."""

    __slots__ = ("_exchange", "_mechanism", "_verdict")

    def __init__(self, mechanism: str, exchange: Exchange) -> None:
        self._mechanism = mechanism
        self._exchange = exchange
        self._verdict: tuple[Account | str | None] | None = None  # which waits for the client's last response

    def take(self, engine: Engine, line: bytes | Reply) -> Event | None:
        """Take a line of the client, or the reply that refuses it."""
        if not isinstance(line, bytes):
            raise CommandError(EXCHANGE_TOO_LONG if line is LINE_TOO_LONG else line)
        response = decode_response(line)
        if self._verdict is None:
            return self.step(engine, response)
        end(self._exchange, response)
        engine.end_exchange()
        self._conclude(engine, *self._verdict)
        return None

    def step(self, engine: Engine, response: bytes | None) -> Event | None:
        """Go on with a response; None: there was no initial one."""
        answer = step(self._exchange, response)
        if isinstance(answer, Claim):
            engine.end_exchange()
            return engine.ask_who(Authenticate(answer), self._judged)
        self._challenge(engine, answer)
        return None

    def _challenge(self, engine: Engine, challenge: bytes) -> None:
        engine.begin_exchange(self.take)
        engine.send(encode_challenge(challenge))

    def _judged(self, engine: Engine, user: Account | str | None) -> None:
        """Take the verdict; the mechanism may have a last word before it is told."""
        last = self._exchange.judged(accepted=user is not None)
        if last is None:
            self._conclude(engine, user)
        else:
            self._verdict = (user,)
            self._challenge(engine, last)

    def _conclude(self, engine: Engine, user: Account | str | None) -> None:
        if user is None:
            engine.refuse(AUTH_FAILED)
        else:
            engine.session.authenticated(user, self._mechanism)
            engine.say(AUTHENTICATED)


def _run(engine: Engine, argument: bytes) -> Event | None:
    session, sasl = engine.session, engine.profile.sasl
    assert sasl is not None  # noqa: S101 - or AUTH would not be available
    if not session.extended:
        raise CommandError(_NEED_EHLO)
    if session.is_authenticated:
        raise CommandError(_AUTHENTICATED_ALREADY)
    name, initial = parse_auth(argument)
    try:
        exchange = sasl.begin(name, session.channel)
    except Unavailable as unavailable:
        raise CommandError(ENCRYPTION_REQUIRED if unavailable.private else MECHANISM_UNKNOWN) from unavailable
    return _Exchange(name, exchange).step(engine, decode_initial(initial))


AUTH = Extension(
    keyword="AUTH",
    rfc="RFC 4954",
    offer=_offer,
    available=lambda profile: profile.sasl is not None,
    mail=(Parameter("AUTH", _parse, None),),
    mail_line=500,  # RFC 4954 §3 (4)
    verb=Verb("AUTH", _run, OUTSIDE_TRANSACTION, _LINE, _applies, noted=True, secret=True),
)
