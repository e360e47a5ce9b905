"""The profile of a listener: what its SMTP sessions have in common, derived once from the list of extensions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.smtp.server.sequence import never
from postroad.smtp.server.verbs import LMTP_VERBS, VERBS, not_implemented

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.mail.address import Address
    from postroad.sasl.server import Sasl
    from postroad.smtp.extensions.extension import Extension, Parameter
    from postroad.smtp.server.sequence import Verb
    from postroad.smtp.server.service import Limits, Session


@dataclass(slots=True, kw_only=True, eq=False)
class Profile:
    """The receiver's name, and what the listener offers.

    `extensions` are all that the receiver knows. Some may not be offered here, because of `starttls` and `sasl` or
    because they are hidden. These keep their verbs, which then get 502, and their room in the command line, so that a
    client that uses them without an offer gets the reply that says so (RFC 5321 §4.2.4).
    """

    hostname: str
    limits: Limits
    postmaster: Address
    extensions: tuple[Extension, ...]
    starttls: bool
    sasl: Sasl | None = None  # AUTH's mechanisms; None: no AUTH
    lmtp: bool = False  # RFC 2033: LHLO, and a reply for each recipient behind the content
    world: str | None = None  # whose mail all is that comes by the listener (`service.Listener`)
    checked: bool = False  # as in `service.Session`
    missing_domain: str | None = None  # as in `service.Listener`
    greeting: Reply = field(init=False)
    goodbye: Reply = field(init=False)
    hello: Reply = field(init=False)
    mail: dict[str, Parameter] = field(init=False)  # the parameters of MAIL, by keyword
    rcpt: dict[str, Parameter] = field(init=False)  # those of RCPT
    verbs: dict[bytes, Verb] = field(init=False)
    longest_line: int = field(init=False)  # octets with CRLF
    encode: Callable[[Reply], bytes] = field(init=False)
    _offered: tuple[Extension, ...] = field(init=False)
    _hellos: dict[tuple[bool, tuple[str, ...]], Reply] = field(init=False)  # by TLS and mechanisms

    def __post_init__(self) -> None:
        offered = [extension for extension in self.extensions if extension.available(self)]
        self._offered = tuple(offered)
        # RFC 2034 §4: no enhanced status in the greeting and in the replies to EHLO and HELO.
        self.greeting = reply(220, None, f"{self.hostname} {'LMTP' if self.lmtp else 'ESMTP'} Postroad")
        self.goodbye = reply(221, "2.0.0", f"{self.hostname} closing transmission channel")
        self.hello = reply(250, None, self.hostname)
        self._hellos = {}
        self.mail = {parameter.keyword: parameter for extension in offered for parameter in extension.mail}
        self.rcpt = {parameter.keyword: parameter for extension in offered for parameter in extension.rcpt}
        self.verbs = {verb.name.encode(): verb for verb in self._all_verbs(offered)}
        self.longest_line = max(verb.line for verb in self.verbs.values())
        encoders = [extension.encode for extension in offered if extension.encode is not None]
        self.encode = encoders[0] if encoders else Reply.encode_without_status

    def _all_verbs(self, offered: list[Extension]) -> list[Verb]:
        # RFC 5321 §4.5.3.1.4: each extension may make the command line longer
        room = {
            "MAIL": sum(extension.mail_line for extension in self.extensions),
            "RCPT": sum(extension.rcpt_line for extension in self.extensions),
        }
        verbs = [
            replace(verb, line=verb.line + room.get(verb.name, 0)) for verb in (LMTP_VERBS if self.lmtp else VERBS)
        ]
        for extension in self.extensions:
            if extension.verb is not None:
                known = extension.verb
                verbs.append(known if extension in offered else replace(known, run=not_implemented, applies=never))
        return verbs

    def extended_hello(self, session: Session) -> Reply:
        """Return the reply to EHLO in a session. There are few: they differ by TLS, and by AUTH's mechanisms."""
        channel = session.channel
        kind = (channel.secure, self.sasl.offered(channel) if self.sasl is not None else ())
        hello = self._hellos.get(kind)
        if hello is None:
            lines = [extension.offer(self, session) for extension in self._offered]
            hello = reply(250, None, self.hostname, *[line for line in lines if line is not None], "HELP")
            self._hellos[kind] = hello
        return hello

    def applicable(self, session: Session) -> list[str]:
        """Return the names of the commands that this session may use, now or after others."""
        return [verb.name for verb in self.verbs.values() if verb.applies(self, session)]

    def farewell(self, reason: Reply) -> Reply:
        """Return a 421 with the domain that RFC 5321 §4.2.2 puts in front of its text."""
        return replace(reason, lines=(f"{self.hostname} {reason.lines[0]}", *reason.lines[1:]))
