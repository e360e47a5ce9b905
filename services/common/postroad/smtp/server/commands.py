"""The syntax of SMTP commands (RFC 5321 §4.1): arguments, paths, parameters. Pure functions on octets.

Each parser takes the argument: the octets after the verb and its space, without trailing white space. It returns the
parsed argument, or raises `CommandError` with the reply that refuses it. The parameters are those of the extensions
(`postroad.smtp.extensions`).

Standards: RFC 5321 §4.1.1 to §4.1.3, RFC 6531 §3.3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from postroad.foreign import HTTP_METHODS
from postroad.mail.address import PLAIN_PATH, Address, AddressError, check_literal, parse_path, parse_reverse_path
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import Reply, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad.smtp.extensions.extension import Parameter
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session


class CommandError(Exception):
    """A command is refused; `reply` says why."""

    def __init__(self, refusal: Reply) -> None:
        super().__init__(str(refusal))
        self.reply = refusal


COMMAND_LINE = 512  # octets with the CRLF, which extensions increase (RFC 5321 §4.5.3.1.4)

# RFC 5321 §4.2.4: 502 for a command that is recognized and not implemented, 500 for one that is not recognized.
NOT_IMPLEMENTED = frozenset({b"SEND", b"SOML", b"SAML", b"TURN", b"ETRN", b"ATRN", b"BDAT", b"BURL"})

HTTP_SPOKEN = reply(421, "4.5.0", "This is SMTP, and the client speaks HTTP")

LINE_TOO_LONG = reply(500, "5.5.2", "Line too long")
BAD_CHARACTER = reply(500, "5.5.2", "A line has no bare CR, bare LF or NUL, and ends in CRLF")
NOT_ASCII = reply(500, "5.5.2", "Syntax error: invalid character")
NOT_RECOGNIZED = reply(500, "5.5.2", "Command not recognized")
COMMAND_NOT_IMPLEMENTED = reply(502, "5.5.1", "Command not implemented")
NO_ARGUMENT = reply(501, "5.5.4", "Syntax error: this command takes no argument")
HELLO_SYNTAX = reply(501, "5.5.4", "Syntax error: a domain name or an address literal must follow")
MAIL_SYNTAX = reply(501, "5.5.4", "Syntax error: MAIL FROM:<address> [parameters], no space around the colon")
RCPT_SYNTAX = reply(501, "5.5.4", "Syntax error: RCPT TO:<address> [parameters], no space around the colon")
PARAMETER_SYNTAX = reply(501, "5.5.4", "Syntax error in parameters")
UNKNOWN_PARAMETER = reply(555, "5.5.4", "Parameter not recognized or not implemented")
SENDER_NOT_UTF8 = reply(501, "5.1.7", "Bad sender address: not UTF-8")
RECIPIENT_NOT_UTF8 = reply(501, "5.1.3", "Bad recipient address: not UTF-8")
SENDER_NOT_ASCII = reply(550, "5.6.7", "Non-ASCII reverse-path without SMTPUTF8")
RECIPIENT_NOT_ASCII = reply(553, "5.6.7", "Non-ASCII forward-path without SMTPUTF8")

# A quoted local-part may contain ">" and spaces, so quotes matter for the end of a path.
_PATH = r'(<(?:"(?:[^"\\]|\\.)*"|[^">])*>)'
_MAIL = re.compile(rf"FROM:{_PATH}(?: (.+))?\Z", re.IGNORECASE)
_RCPT = re.compile(rf"TO:{_PATH}(?: (.+))?\Z", re.IGNORECASE)
# As nearly all clients write them: one match in place of those of `_MAIL` or `_RCPT`, and of `parse_path`.
_PLAIN_MAIL = re.compile(rf"[Ff][Rr][Oo][Mm]:{PLAIN_PATH}(?: (.+))?\Z")
_PLAIN_RCPT = re.compile(rf"[Tt][Oo]:{PLAIN_PATH}(?: (.+))?\Z")
# esmtp-param = esmtp-keyword ["=" esmtp-value]; esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value = 1*(%d33-60 / %d62-126), RFC 6531 §3.3: / UTF8-non-ascii
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00- =\x7f]+))?\Z")
# The name that a client gives: Domain (RFC 5321 §4.1.2, labels of 63 octets by RFC 1035 §2.3.4), with the underscore
# that real hosts have and the final dot that some put.
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,255}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
# RFC 5321 §4.1.1.1: clients may write more after a literal, and servers should be prepared for it.
_LITERAL = re.compile(r"(\[[A-Za-z0-9:.]+\])(?: [ -~]*)?\Z")


def unknown_command(name: bytes, line: bytes) -> Reply:
    """Return the reply to a line whose verb is not known."""
    if name in HTTP_METHODS:
        return HTTP_SPOKEN
    if not line.isascii():  # RFC 5321 §2.4: normally "500 syntax error - invalid character"
        return NOT_ASCII
    if len(line) + 2 > COMMAND_LINE:
        return LINE_TOO_LONG
    return COMMAND_NOT_IMPLEMENTED if name.upper() in NOT_IMPLEMENTED else NOT_RECOGNIZED


def no_argument(argument: bytes) -> None:
    """Refuse an argument (RFC 5321 §4.1.1: DATA, RSET, QUIT; RFC 3207 §4: STARTTLS)."""
    if argument:
        raise CommandError(NO_ARGUMENT)


def parse_hello(argument: bytes) -> str:
    """Return the name that EHLO or HELO gives (RFC 5321 §4.1.1.1), a domain name or an address literal."""
    if not argument.isascii():  # RFC 6531 §3.7.1: A-labels only
        raise CommandError(NOT_ASCII)
    text = argument.decode("ascii")
    if literal := _LITERAL.match(text):
        try:
            check_literal(literal[1])  # RFC 5321 §4.1.3
        except AddressError as error:
            raise CommandError(HELLO_SYNTAX) from error
        return literal[1]
    if not _NAME.match(text):
        raise CommandError(HELLO_SYNTAX)
    return text


def parse_mail(argument: bytes, profile: Profile, session: Session) -> Envelope:
    """Return the envelope that `MAIL FROM:...` opens (RFC 5321 §4.1.1.2)."""
    text = _decode(argument, SENDER_NOT_UTF8)
    plain = _PLAIN_MAIL.match(text)
    if plain is None:
        reverse_path, tail = full_mail(text, profile.missing_domain)
    else:
        reverse_path, tail = Address(plain[1], plain[2]), plain[3]
    if tail is None:
        if reverse_path is not None and not reverse_path.is_ascii:
            raise CommandError(SENDER_NOT_ASCII)
        return Envelope(reverse_path)
    if not session.extended:  # RFC 5321 §4.1.1.11: parameters only where EHLO offered them
        raise CommandError(UNKNOWN_PARAMETER)
    given, fields = _read(tail, profile.mail)
    envelope = Envelope(reverse_path, **fields)
    if reverse_path is not None and not envelope.smtputf8 and not reverse_path.is_ascii:
        raise CommandError(SENDER_NOT_ASCII)
    _check(given, envelope, profile, session)
    return envelope


def full_mail(text: str, missing_domain: str | None = None) -> tuple[Address | None, str | None]:
    """Return the reverse-path and the parameters of MAIL, in any of its forms; `missing_domain` as in `Listener`."""
    match = _MAIL.match(text)
    if match is None:
        raise CommandError(MAIL_SYNTAX)
    try:
        return parse_reverse_path(_with_domain(match[1], missing_domain)), match[2]
    except AddressError as error:
        raise CommandError(_bad_path("5.1.7", "Bad sender address", error)) from error


def parse_rcpt(argument: bytes, profile: Profile, session: Session, envelope: Envelope) -> Recipient:
    """Return the recipient of `RCPT TO:...` (RFC 5321 §4.1.1.3); the envelope does not have it yet."""
    text = _decode(argument, RECIPIENT_NOT_UTF8)
    plain = _PLAIN_RCPT.match(text)
    if plain is None:
        address, tail = full_rcpt(text, profile.postmaster, profile.missing_domain)
    else:
        address, tail = Address(plain[1], plain[2]), plain[3]
    given: list[Parameter] = []
    fields: dict[str, Any] = {}
    if tail is not None:
        given, fields = _read(tail, profile.rcpt if session.extended else {})
    if plain is None and not envelope.smtputf8 and not address.is_ascii:
        raise CommandError(RECIPIENT_NOT_ASCII)
    recipient = Recipient(address, **fields)
    if given:
        _check(given, recipient, envelope, profile, session)
    return recipient


def full_rcpt(text: str, postmaster: Address, missing_domain: str | None = None) -> tuple[Address, str | None]:
    """Return the forward-path and the parameters of RCPT, in any of its forms; `missing_domain` as in `Listener`."""
    match = _RCPT.match(text)
    if match is None:
        raise CommandError(RCPT_SYNTAX)
    if match[1].lower() == "<postmaster>":
        return postmaster, match[2]
    try:
        return parse_path(_with_domain(match[1], missing_domain)), match[2]
    except AddressError as error:
        raise CommandError(_bad_path("5.1.3", "Bad recipient address", error)) from error


def _with_domain(path: str, missing_domain: str | None) -> str:
    return path if missing_domain is None or path == "<>" or "@" in path else f"{path[:-1]}@{missing_domain}>"


def _check(given: list[Parameter], *company: object) -> None:
    for parameter in given:
        if parameter.check is not None and (refusal := parameter.check(*company)) is not None:
            raise CommandError(refusal)


def parse_parameters(text: str) -> dict[str, str | None]:
    """Return the parameters by keyword in upper case; values stay as written (RFC 5321 §4.1.2)."""
    parameters: dict[str, str | None] = {}
    for item in text.split(" "):
        match = _PARAMETER.match(item)
        if match is None or match[1].upper() in parameters:
            raise CommandError(PARAMETER_SYNTAX)
        parameters[match[1].upper()] = match[2]
    return parameters


def _read(text: str, known: Mapping[str, Parameter]) -> tuple[list[Parameter], dict[str, Any]]:
    """Return which parameters were given, and the fields that they fill."""
    given: list[Parameter] = []
    fields: dict[str, Any] = {}
    others: list[tuple[str, str | None]] = []
    written = parse_parameters(text)
    for keyword, value in written.items():
        parameter = known.get(keyword)
        if parameter is None:
            continue
        given.append(parameter)
        parsed = parameter.parse(value)
        if parameter.field == "parameters":
            others.append((keyword, parsed))
        elif parameter.field is not None:
            fields[parameter.field] = parsed
    if len(given) < len(written):  # RFC 5321 §4.1.1.11: 555, after the syntax of those that are known
        raise CommandError(UNKNOWN_PARAMETER)
    if others:
        fields["parameters"] = tuple(others)
    return given, fields


def _decode(argument: bytes, refusal: Reply) -> str:
    try:
        return argument.decode()
    except UnicodeDecodeError as error:
        raise CommandError(refusal) from error


def _bad_path(status: str, what: str, error: AddressError) -> Reply:
    # RFC 6531 §3.7.4.2: few replies may have UTF-8, and these are not among them.
    return reply(501, status, f"{what}: {error}".encode("ascii", "backslashreplace").decode("ascii"))
