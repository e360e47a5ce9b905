"""POP3's commands: in which state each is legal, and the grammar of its arguments (RFC 1939 §3 and §9). Pure."""

from __future__ import annotations

import re
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from postroad.foreign import HTTP_METHODS
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Container


class State(Enum):
    """The states of a session (RFC 1939 §3)."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"


AUTHORIZATION = frozenset({State.AUTHORIZATION})
TRANSACTION = frozenset({State.TRANSACTION})
BOTH = AUTHORIZATION | TRANSACTION


class Arguments(Enum):
    """The form of the arguments after the keyword."""

    NONE = ""
    TEXT = "string"  # one argument, spaces and all
    NUMBER = "msg"
    OPTIONAL_NUMBER = "[msg]"
    NUMBER_AND_COUNT = "msg n"
    MECHANISM = "[mechanism [initial-response]]"
    DIGEST = "name digest"
    LANGUAGE = "[language-range]"


@value
class Rule:
    """The states in which a command is legal, and its arguments."""

    states: frozenset[State]
    arguments: Arguments
    source: str


# The table of states and commands.
RULES = {
    "APOP": Rule(AUTHORIZATION, Arguments.DIGEST, "RFC 1939 §7"),
    "AUTH": Rule(AUTHORIZATION, Arguments.MECHANISM, "RFC 5034 §4"),
    "CAPA": Rule(BOTH, Arguments.NONE, "RFC 2449 §5"),
    "DELE": Rule(TRANSACTION, Arguments.NUMBER, "RFC 1939 §5"),
    "LANG": Rule(BOTH, Arguments.LANGUAGE, "RFC 6856 §3"),
    "LIST": Rule(TRANSACTION, Arguments.OPTIONAL_NUMBER, "RFC 1939 §5"),
    "NOOP": Rule(TRANSACTION, Arguments.NONE, "RFC 1939 §5"),
    "PASS": Rule(AUTHORIZATION, Arguments.TEXT, "RFC 1939 §7"),
    "QUIT": Rule(BOTH, Arguments.NONE, "RFC 1939 §4, §6"),
    "RETR": Rule(TRANSACTION, Arguments.NUMBER, "RFC 1939 §5"),
    "RSET": Rule(TRANSACTION, Arguments.NONE, "RFC 1939 §5"),
    "STAT": Rule(TRANSACTION, Arguments.NONE, "RFC 1939 §5"),
    "STLS": Rule(AUTHORIZATION, Arguments.NONE, "RFC 2595 §4"),
    "TOP": Rule(TRANSACTION, Arguments.NUMBER_AND_COUNT, "RFC 1939 §7"),
    "UIDL": Rule(TRANSACTION, Arguments.OPTIONAL_NUMBER, "RFC 1939 §7"),
    "USER": Rule(AUTHORIZATION, Arguments.TEXT, "RFC 1939 §7"),
    "UTF8": Rule(AUTHORIZATION, Arguments.NONE, "RFC 6856 §2.1"),
}


class CommandError(Exception):
    """The line is not a command, or not one that is allowed now; the message is the text behind -ERR."""


class UnknownCommandError(CommandError):
    """The keyword is not one of POP3's."""


class HttpError(UnknownCommandError):
    """The line begins an HTTP request (`postroad.foreign` says why that ends a session)."""


@value
class Command:
    """A command that may be carried out in the state in which it was parsed."""

    keyword: str
    number: int | None = None  # msg
    count: int | None = None  # TOP's n
    text: str | None = field(default=None, repr=False)  # USER's and PASS's string, APOP's name, AUTH's mechanism
    initial: bytes | None = field(default=None, repr=False)  # AUTH's initial response, still in BASE64; APOP's digest


# Keywords by their octets, in the two spellings that clients use: no decoding per command.
_KEYWORDS = {spelling.encode(): keyword for keyword in RULES for spelling in (keyword, keyword.lower())}

MAX_NUMBER = 10  # digits: no maildrop has more messages


def parse(line: bytes, state: State, unknown: Container[str] = ()) -> Command:
    """Parse a command line without its CRLF; raises `CommandError`. Commands that are hidden are `unknown`.

    RFC 1939 §3: keywords are case-insensitive, arguments are separated by a single SPACE; an unknown command, or one
    that is not legal in the state, gets -ERR. Spaces after numbers are ignored, as on other servers.
    """
    word, space, rest = line.partition(b" ")
    keyword = _KEYWORDS.get(word) or _KEYWORDS.get(word.upper())
    if keyword is None or keyword in unknown:
        raise (HttpError if word in HTTP_METHODS else UnknownCommandError)("Unknown command.")
    rule = RULES[keyword]
    if state not in rule.states:
        raise CommandError(f"{keyword} is not allowed in {state.value} state.")
    arguments = rule.arguments
    if arguments is Arguments.NUMBER:
        return Command(keyword, _number(rest.strip(b" ")))
    if arguments is Arguments.NONE:
        if rest.strip(b" "):
            raise CommandError(f"{keyword} takes no arguments.")
        return Command(keyword)
    if arguments is Arguments.OPTIONAL_NUMBER:
        rest = rest.strip(b" ")
        return Command(keyword, _number(rest) if rest else None)
    if arguments is Arguments.NUMBER_AND_COUNT:
        number, gap, count = rest.strip(b" ").partition(b" ")
        if not gap:
            raise CommandError(f"{keyword} takes a message number and a number of lines.")
        return Command(keyword, _number(number), _count(count.strip(b" ")))
    if arguments is Arguments.MECHANISM:
        return _auth(keyword, rest)
    if arguments is Arguments.LANGUAGE:
        return Command(keyword, text=_text(rest.strip(b" ")) or None)
    if arguments is Arguments.DIGEST:
        return _apop(keyword, rest)
    # RFC 1939 §7 PASS: the server may treat spaces in the argument as part of the password.
    if not space or not rest:
        raise CommandError(f"{keyword} takes an argument.")
    return Command(keyword, text=_text(rest))


def _number(digits: bytes) -> int:
    # bytes.isdigit knows 0 to 9 alone
    number = int(digits) if digits.isdigit() and len(digits) <= MAX_NUMBER else 0
    if not number:
        raise CommandError(f"Invalid message number: {_shown(digits)}")
    return number


def _count(digits: bytes) -> int:
    # RFC 1939 §7: TOP takes a non-negative number of lines, without a bound; more than the message has means all of it.
    if not digits.isdigit():
        raise CommandError(f"Invalid number of lines: {_shown(digits)}")
    return int(digits)


def _shown(octets: bytes) -> str:
    """Return the client's octets as text that fits into a response line of 512 octets (RFC 1939 §3)."""
    text = octets[:40].decode("ascii", "replace")
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)


def _text(octets: bytes) -> str:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError("The argument is not UTF-8.") from None
    if "\0" in text or "\r" in text:
        raise CommandError("The argument has characters that are not allowed.")
    return text


# RFC 1939 §7: the digest has 16 octets, in hexadecimal, lower case (capitals are tolerated)
_DIGEST = re.compile(rb"[0-9a-fA-F]{32}\Z")


def _apop(keyword: str, rest: bytes) -> Command:
    name, _, digest = rest.rstrip(b" ").rpartition(b" ")
    if not name or not _DIGEST.match(digest):
        raise CommandError("APOP takes a name and a digest of 32 hexadecimal digits.")
    return Command(keyword, text=_text(name), initial=digest)


def _auth(keyword: str, rest: bytes) -> Command:
    # RFC 5034 §5: auth-command = "AUTH" SP sasl-mech [SP (initial-response / "=")]
    mechanism, space, initial = rest.strip(b" ").partition(b" ")
    if not mechanism:
        return Command(keyword)  # old clients ask for the mechanisms in this way
    return Command(keyword, text=_text(mechanism).upper(), initial=initial if space else None)
