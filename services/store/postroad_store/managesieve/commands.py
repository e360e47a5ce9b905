"""ManageSieve's commands: in which state each is legal, and its arguments (RFC 5804 §2, §4). Pure."""

from __future__ import annotations

import unicodedata
from enum import Enum
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.model.script_name import MOST, is_script_name
from postroad_store.managesieve.framing import Atom, Number, String

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.managesieve.framing import Token


class State(Enum):
    """The states of a session (RFC 5804 §2)."""

    NON_AUTHENTICATED = "non-authenticated"
    AUTHENTICATED = "authenticated"


NON_AUTHENTICATED = frozenset({State.NON_AUTHENTICATED})
AUTHENTICATED = frozenset({State.AUTHENTICATED})
ANY = NON_AUTHENTICATED | AUTHENTICATED


class Argument(Enum):
    """The form of an argument."""

    NAME = "a script's name"
    ACTIVE_NAME = "a script's name, or an empty string"
    SCRIPT = "a script"
    STRING = "a string"
    NUMBER = "a number"


@value
class Rule:
    """The states in which a command is legal, and its arguments, of which `optional` may be left out at the end."""

    states: frozenset[State]
    source: str
    arguments: tuple[Argument, ...] = ()
    optional: int = 0


# The table of states and commands.
RULES = {
    "AUTHENTICATE": Rule(NON_AUTHENTICATED, "RFC 5804 §2.1", (Argument.STRING, Argument.STRING), 1),
    "CAPABILITY": Rule(ANY, "RFC 5804 §2.4"),
    "CHECKSCRIPT": Rule(AUTHENTICATED, "RFC 5804 §2.12", (Argument.SCRIPT,)),
    "DELETESCRIPT": Rule(AUTHENTICATED, "RFC 5804 §2.10", (Argument.NAME,)),
    "GETSCRIPT": Rule(AUTHENTICATED, "RFC 5804 §2.9", (Argument.NAME,)),
    "HAVESPACE": Rule(AUTHENTICATED, "RFC 5804 §2.5", (Argument.NAME, Argument.NUMBER)),
    "LISTSCRIPTS": Rule(AUTHENTICATED, "RFC 5804 §2.7"),
    "LOGOUT": Rule(ANY, "RFC 5804 §2.3"),
    "NOOP": Rule(ANY, "RFC 5804 §2.13", (Argument.STRING,), 1),
    "PUTSCRIPT": Rule(AUTHENTICATED, "RFC 5804 §2.6", (Argument.NAME, Argument.SCRIPT)),
    "RENAMESCRIPT": Rule(AUTHENTICATED, "RFC 5804 §2.11", (Argument.NAME, Argument.NAME)),
    "SETACTIVE": Rule(AUTHENTICATED, "RFC 5804 §2.8", (Argument.ACTIVE_NAME,)),
    "STARTTLS": Rule(NON_AUTHENTICATED, "RFC 5804 §2.2"),
    "UNAUTHENTICATE": Rule(AUTHENTICATED, "RFC 5804 §2.14.1"),
}


class CommandError(Exception):
    """The tokens are not a command, or not one that is allowed now; the text goes behind NO."""


@value
class Command:
    """A command that may be carried out, with its arguments: names as text, scripts and strings as octets."""

    keyword: str
    text: tuple[str, ...] = ()
    octets: tuple[bytes, ...] = ()
    number: int = 0


def parse(tokens: Sequence[Token], state: State) -> Command:
    """Return the command; raises `CommandError`."""
    if not tokens or not isinstance(tokens[0], Atom):
        raise CommandError("A command is missing.")
    keyword = tokens[0].word.decode("ascii")
    rule = RULES.get(keyword)
    if rule is None:
        raise CommandError("Unknown command.")
    if state not in rule.states:
        raise CommandError("Log in first." if state is State.NON_AUTHENTICATED else "Already logged in.")
    given = tokens[1:]
    most = len(rule.arguments)
    if not most - rule.optional <= len(given) <= most:
        forms = ", ".join(argument.value for argument in rule.arguments)
        raise CommandError(f"{keyword} takes {forms or 'no arguments'}.")
    text: list[str] = []
    octets: list[bytes] = []
    number = 0
    for token, argument in zip(given, rule.arguments, strict=False):
        match token:
            case Number() if argument is Argument.NUMBER:
                number = token.value
            case String() if argument in {Argument.NAME, Argument.ACTIVE_NAME}:
                text.append(_name(token.octets, may_be_empty=argument is Argument.ACTIVE_NAME))
            case String() if argument is not Argument.NUMBER:
                octets.append(token.octets)
            case _:
                raise CommandError(f"{keyword} takes {argument.value} here.")
    return Command(keyword, tuple(text), tuple(octets), number)


def _name(octets: bytes, *, may_be_empty: bool) -> str:
    """Return the name of a script (RFC 5804 §1.6); raises `CommandError`."""
    if not octets and may_be_empty:
        return ""
    try:
        name = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError("The name is not UTF-8.") from None
    if not is_script_name(name):
        raise CommandError(f"A name has 1 to {MOST} characters, and no control characters.")
    # RFC 5804 §1.6, RFC 5198 §2: Net-Unicode is in normalization form C
    if not unicodedata.is_normalized("NFC", name):
        raise CommandError("The name is not in Unicode's normalization form C.")
    return name
