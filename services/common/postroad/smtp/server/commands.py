"""The syntax of SMTP commands (RFC 5321 §4.1): verbs, arguments, parameters, limits. Pure functions on octets.

Each parser takes the argument clause, which is what follows the verb and its space, trailing white space
removed, and returns what it means or raises `CommandError` with the reply that refuses it.

Standards: RFC 5321 §4.1.1-§4.1.3, RFC 1870 (SIZE), RFC 6152 (BODY), RFC 6531 (SMTPUTF8), RFC 4954 §5 (AUTH=).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.mail.address import Address, AddressError, parse_address, parse_path, parse_reverse_path
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import TOO_LARGE, Reply, reply

if TYPE_CHECKING:
    from collections.abc import Mapping


class CommandError(Exception):
    """A command is refused for its syntax; `reply` says why."""

    def __init__(self, refusal: Reply) -> None:
        super().__init__(str(refusal))
        self.reply = refusal


class Command(StrEnum):
    """The commands that the receiver implements (RFC 5321 §4.1.1, RFC 3207, RFC 4954)."""

    EHLO = "EHLO"
    HELO = "HELO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"


COMMANDS: Mapping[bytes, Command] = {command.value.encode(): command for command in Command}

# RFC 5321 §4.2.4: 502 for a command that is recognized and not implemented, 500 for one that is not recognized.
# EXPN is here by its reply, yet stands in the table: §4.1.4 lets it come at any time.
NOT_IMPLEMENTED = frozenset({b"SEND", b"SOML", b"SAML", b"TURN", b"ETRN", b"ATRN", b"BDAT", b"BURL"})

# RFC 5321 §4.5.3.1.4: 512 octets with the CRLF, which extensions increase.
COMMAND_LINE = 512
# RFC 1870 §3: 26 for SIZE; RFC 6152 §2: 17 for BODY; RFC 6531 §3.1: 10 for SMTPUTF8; RFC 4954 §3: 500 for AUTH.
MAIL_LINE = COMMAND_LINE + 26 + 17 + 10 + 500
# RFC 4954 §4: 12,288 octets suffice for every exchange. The RFC leaves the AUTH command at 512; clients put
# long initial responses there all the same, so the line may be as long as an exchange's.
AUTH_LINE = 12288
COMMAND_LINES: Mapping[Command, int] = {
    command: {Command.MAIL: MAIL_LINE, Command.AUTH: AUTH_LINE}.get(command, COMMAND_LINE) for command in Command
}

LINE_TOO_LONG = reply(500, "5.5.2", "Line too long")
BAD_CHARACTER = reply(500, "5.5.2", "A line has no bare CR, bare LF or NUL, and ends in CRLF")
NOT_ASCII = reply(500, "5.5.2", "Syntax error: invalid character")
NOT_RECOGNIZED = reply(500, "5.5.2", "Command not recognized")
COMMAND_NOT_IMPLEMENTED = reply(502, "5.5.1", "Command not implemented")
NO_ARGUMENT = reply(501, "5.5.4", "Syntax error: this command takes no argument")
HELLO_SYNTAX = reply(501, "5.5.4", "Syntax error: EHLO or HELO and a domain name or address literal")
MAIL_SYNTAX = reply(501, "5.5.4", "Syntax error: MAIL FROM:<address> [parameters], no space around the colon")
RCPT_SYNTAX = reply(501, "5.5.4", "Syntax error: RCPT TO:<address> [parameters], no space around the colon")
PARAMETER_SYNTAX = reply(501, "5.5.4", "Syntax error in parameters")
UNKNOWN_PARAMETER = reply(555, "5.5.4", "Parameter not recognized or not implemented")
SENDER_NOT_UTF8 = reply(501, "5.1.7", "Bad sender address: not UTF-8")
RECIPIENT_NOT_UTF8 = reply(501, "5.1.3", "Bad recipient address: not UTF-8")
SENDER_NOT_ASCII = reply(550, "5.6.7", "Non-ASCII reverse-path without SMTPUTF8")
RECIPIENT_NOT_ASCII = reply(553, "5.6.7", "Non-ASCII forward-path without SMTPUTF8")

# A quoted local-part may hold ">" and spaces, so the path's end is found with the quotes in mind.
_PATH = r'(<(?:"(?:[^"\\]|\\.)*"|[^">])*>)'
_MAIL = re.compile(rf"FROM:{_PATH}(?: (.+))?\Z", re.IGNORECASE)
_RCPT = re.compile(rf"TO:{_PATH}(?: (.+))?\Z", re.IGNORECASE)
# esmtp-param = esmtp-keyword ["=" esmtp-value]; esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value = 1*(%d33-60 / %d62-126), RFC 6531 §3.3: / UTF8-non-ascii
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u0080-\U0010ffff]+))?\Z")
# size-value ::= 1*20DIGIT (RFC 1870 §3)
_SIZE = re.compile(r"[0-9]{1,20}\Z")
# xtext = *( xchar / hexchar ); xchar = any CHAR between "!" and "~" but "+" and "="; hexchar = "+" 2HEXDIG, upper case
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
# What a client may call itself: Domain, with the underscore that real hosts have; or a literal, after which
# RFC 5321 §4.1.1.1 advises to be prepared for more.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_.])?\Z")
_LITERAL = re.compile(r"(\[[A-Za-z0-9:.-]{1,253}\])(?: [ -~]*)?\Z")


def no_argument(argument: bytes) -> None:
    """Check that there is none (RFC 5321 §4.1.1: DATA, RSET, QUIT; RFC 3207 §4: STARTTLS)."""
    if argument:
        raise CommandError(NO_ARGUMENT)


def parse_hello(argument: bytes) -> str:
    """Return the name that EHLO or HELO gives (RFC 5321 §4.1.1.1), a domain name or an address literal."""
    if not argument.isascii():  # RFC 6531 §3.7.1: A-labels only
        raise CommandError(NOT_ASCII)
    text = argument.decode("ascii")
    if literal := _LITERAL.match(text):
        return literal[1]
    if not _NAME.match(text):
        raise CommandError(HELLO_SYNTAX)
    return text


def parse_mail(argument: bytes, *, extended: bool, auth: bool, size_limit: int) -> Envelope:
    """Return the envelope that `MAIL FROM:...` opens (RFC 5321 §4.1.1.2).

    `extended`: the session began with EHLO, so parameters may come; `auth`: AUTH is offered, and its parameter.
    """
    match = _MAIL.match(_decode(argument, SENDER_NOT_UTF8))
    if match is None:
        raise CommandError(MAIL_SYNTAX)
    path, tail = match.groups()
    try:
        reverse_path = parse_reverse_path(path)
    except AddressError as error:
        raise CommandError(_bad_path("5.1.7", "Bad sender address", error)) from error
    if tail is None:
        if reverse_path is not None and not reverse_path.is_ascii:
            raise CommandError(SENDER_NOT_ASCII)
        return Envelope(reverse_path)
    if not extended:  # RFC 5321 §4.1.1.11: parameters only where EHLO offered them
        raise CommandError(UNKNOWN_PARAMETER)
    parameters = parse_parameters(tail)
    body = _body(parameters)
    smtputf8 = _smtputf8(parameters)
    size = _size(parameters)
    if auth:
        _auth(parameters)
    if parameters:
        raise CommandError(UNKNOWN_PARAMETER)
    if reverse_path is not None and not smtputf8 and not reverse_path.is_ascii:
        raise CommandError(SENDER_NOT_ASCII)
    if size is not None and size > size_limit:  # RFC 1870 §6.1 (2)
        raise CommandError(TOO_LARGE)
    return Envelope(reverse_path, body=body, smtputf8=smtputf8, declared_size=size)


def parse_rcpt(argument: bytes, *, smtputf8: bool, postmaster: Address) -> Recipient:
    """Return the recipient of `RCPT TO:...` (RFC 5321 §4.1.1.3); `<Postmaster>` is `postmaster`."""
    match = _RCPT.match(_decode(argument, RECIPIENT_NOT_UTF8))
    if match is None:
        raise CommandError(RCPT_SYNTAX)
    path, tail = match.groups()
    if path.lower() == "<postmaster>":
        address = postmaster
    else:
        try:
            address = parse_path(path)
        except AddressError as error:
            raise CommandError(_bad_path("5.1.3", "Bad recipient address", error)) from error
    if tail is not None:  # no extension that is offered has a parameter for RCPT
        parse_parameters(tail)
        raise CommandError(UNKNOWN_PARAMETER)
    if not smtputf8 and not address.is_ascii:
        raise CommandError(RECIPIENT_NOT_ASCII)
    return Recipient(address)


def parse_parameters(text: str) -> dict[str, str | None]:
    """Return the parameters by keyword in upper case; values stay as written (RFC 5321 §4.1.2)."""
    parameters: dict[str, str | None] = {}
    for item in text.split(" "):
        match = _PARAMETER.match(item)
        if match is None or match[1].upper() in parameters:
            raise CommandError(PARAMETER_SYNTAX)
        parameters[match[1].upper()] = match[2]
    return parameters


def _decode(argument: bytes, refusal: Reply) -> str:
    try:
        return argument.decode()
    except UnicodeDecodeError as error:
        raise CommandError(refusal) from error


def _bad_path(status: str, what: str, error: AddressError) -> Reply:
    # RFC 6531 §3.7.4.2: no UTF-8 in a reply that is not one of the few that may have it.
    return reply(501, status, f"{what}: {error}".encode("ascii", "backslashreplace").decode("ascii"))


def _body(parameters: dict[str, str | None]) -> BodyType | None:
    # RFC 6152 §2: body-value ::= "7BIT" / "8BITMIME"
    if "BODY" not in parameters:
        return None
    try:
        return BodyType((parameters.pop("BODY") or "").upper())
    except ValueError as error:
        raise CommandError(PARAMETER_SYNTAX) from error


def _smtputf8(parameters: dict[str, str | None]) -> bool:
    # RFC 6531 §3.4: the parameter takes no value.
    if "SMTPUTF8" not in parameters:
        return False
    if parameters.pop("SMTPUTF8") is not None:
        raise CommandError(PARAMETER_SYNTAX)
    return True


def _size(parameters: dict[str, str | None]) -> int | None:
    if "SIZE" not in parameters:
        return None
    value = parameters.pop("SIZE") or ""
    if not _SIZE.match(value):
        raise CommandError(PARAMETER_SYNTAX)
    return int(value)


def _auth(parameters: dict[str, str | None]) -> None:
    """Check and discard AUTH= (RFC 4954 §5): no client is trusted to name an identity but its own."""
    if "AUTH" not in parameters:
        return
    value = parameters.pop("AUTH") or ""
    if value == "<>":
        return
    if not value or not _XTEXT.match(value):
        raise CommandError(PARAMETER_SYNTAX)
    try:
        parse_address(re.sub(r"\+([0-9A-F]{2})", lambda hexchar: chr(int(hexchar[1], 16)), value))
    except AddressError as error:
        raise CommandError(PARAMETER_SYNTAX) from error
