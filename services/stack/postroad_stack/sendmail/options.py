"""The options of sendmail, as sendmail(8) has them: those that matter here, and those that are taken and ignored.

Programs of forty years call sendmail. What they say of queues, configuration files and error handling has no meaning
for a program that only hands a message on, so it is read and forgotten. An option that no sendmail has is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class OptionError(ValueError):
    """An option that sendmail does not have, or one without its value; the sentence names it."""


class Mode(StrEnum):
    """What sendmail is to do: the letter behind -b."""

    MAIL = "m"  # hand on the message from standard input
    SMTP = "s"  # speak SMTP on standard input and output
    QUEUE = "p"  # list the queue, as mailq does
    ALIASES = "i"  # rebuild the aliases, as newaliases does


@dataclass(slots=True)
class Options:
    """What the command line says."""

    mode: Mode = Mode.MAIL
    recipients: list[str] = field(default_factory=list)
    from_header: bool = False  # -t: the recipients are in the message
    dots: bool = False  # -i: a line of a single dot does not end the message
    sender: str | None = None  # -f or -r; "" or "<>" is the null reverse-path
    full_name: str = ""  # -F
    notify: str = ""  # -N, RFC 3461 §4.1
    ret: str = ""  # -R, RFC 3461 §4.3
    envelope_id: str = ""  # -V, RFC 3461 §4.4
    address: str = ""  # --smtp-addr
    help: bool = False


# Options with a value, which may follow in the next word.
_VALUED = frozenset("ABCFLMNOPRSVXbfhopr")
# Options whose value, if they have one, is in the same word: -q30m, -d0.1.
_ATTACHED = frozenset("deq")
_PLAIN = frozenset("GIUcimnstvx")
_LONG = {"--smtp-addr": "S", "--from": "f", "--help": "help"}


def parse(words: Sequence[str]) -> Options:
    """Read the command line; options and recipients may be mixed. Raises `OptionError`."""
    options = Options()
    for name, value in _split(words):
        _take(options, name, value)
    return options


def _split(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its value; recipients have the name ""."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from (("", recipient) for recipient in rest)
        elif word.startswith("--"):
            long, equals, value = word.partition("=")
            if long not in _LONG:
                raise OptionError(f"{long} is not an option of sendmail")
            yield _LONG[long], value if equals or long == "--help" else _next(rest, long)
        elif word.startswith("-") and len(word) > 1:
            yield from _cluster(word[1:], rest)
        else:
            yield "", word


def _cluster(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Take a word such as -ti or -fnobody@alpha.test apart."""
    for position, letter in enumerate(letters):
        value = letters[position + 1 :]
        if letter in _VALUED:
            yield letter, value or _next(rest, f"-{letter}")
            return
        if letter in _ATTACHED:
            yield letter, value
            return
        if letter not in _PLAIN:
            raise OptionError(f"-{letter} is not an option of sendmail")
        yield letter, ""


def _next(rest: Iterator[str], option: str) -> str:
    value = next(rest, None)
    if value is None:
        raise OptionError(f"{option} needs a value")
    return value


def _take(options: Options, name: str, value: str) -> None:
    match name:
        case "":
            options.recipients.append(value)
        case "help":
            options.help = True
        case "b":
            _take_mode(options, value)
        case "I":
            options.mode = Mode.ALIASES
        case "t":
            options.from_header = True
        case "i":
            options.dots = True
        case "o" if value == "i":
            options.dots = True
        case "f" | "r":
            options.sender = value
        case "F":
            options.full_name = value
        case "N":
            options.notify = value
        case "R":
            options.ret = value
        case "V":
            options.envelope_id = value
        case "S":
            options.address = value


def _take_mode(options: Options, letter: str) -> None:
    try:
        options.mode = Mode(letter)
    except ValueError:
        raise OptionError(f"-b{letter} is not done here: this sendmail only hands messages on") from None
