"""The parsers and engines that strangers' octets reach, each with a grammar of what it has to take.

A target takes octets and returns whether they were understood. It may refuse them by its own errors; any other
exception is a fault of ours.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.mime.structure import parse as parse_message
from postroad.mime.structure import unpack
from postroad.mime.text import is_plain, kept_text
from postroad_store.imap.engine import Engine as ImapEngine
from postroad_store.imap.events import Bad
from postroad_store.imap.extensions import CONDSTORE, QRESYNC
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry
from postroad_store.imap.states import State
from postroad_store.managesieve.commands import CommandError as ManageSieveError
from postroad_store.managesieve.commands import State as ManageSieveState
from postroad_store.managesieve.commands import parse as parse_managesieve
from postroad_store.managesieve.framing import Fault, Framer
from postroad_store.pop3.commands import CommandError
from postroad_store.pop3.commands import State as Pop3State
from postroad_store.pop3.commands import parse as parse_pop3
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript
from postroad_store.sieve.registry import Registry as SieveRegistry
from tests.fuzz.abnf import Grammar

if TYPE_CHECKING:
    from collections.abc import Callable

GRAMMARS = Path(__file__).with_name("grammar")
REGISTRY = Registry()
OFFER = Offer(REGISTRY).enabling([CONDSTORE, QRESYNC])
SIEVE = SieveRegistry()


@cache
def grammar(name: str) -> Grammar:
    """Return the grammar of a file."""
    return Grammar((GRAMMARS / f"{name}.abnf").read_text(encoding="utf-8"))


def rule_of(command: bytes) -> str:
    """Return the rule that has a command of IMAP."""
    return command.decode("ascii").lower().replace(" ", "-")


def imap(line: bytes) -> bool:
    """Give IMAP's engine a command in the first state in which it is legal, and what follows it."""
    word = line.upper().split(b"\r\n", 1)[0].split(b" ", 2)
    spec = REGISTRY.by_name.get(b" ".join(word[:2])) or REGISTRY.by_name.get(word[0])
    engine = ImapEngine(OFFER)
    if spec is None or State.NOT_AUTHENTICATED not in spec.states:
        engine.enter(State.AUTHENTICATED)
        engine.enter(State.SELECTED)
    engine.receive_data(b"a %b\r\n" % line)
    event = engine.next_event()
    engine.data_to_send()
    return event is not None and not isinstance(event, Bad)


def pop3(line: bytes) -> bool:
    """Read a command of POP3 in each state; it is understood if one of them takes it."""
    understood = False
    for state in Pop3State:
        with suppress(CommandError):
            parse_pop3(line, state)
            understood = True
    return understood


def sieve(script: bytes) -> bool:
    """Compile a script."""
    try:
        compile_script(script, SIEVE)
    except InvalidScript:
        return False
    return True


def managesieve(line: bytes) -> bool:
    """Cut a command of ManageSieve out of a stream, and read it in each state."""
    framer = Framer(1 << 16)
    framer.receive(line + b"\r\n")
    tokens = framer.next_command()
    if tokens is None or isinstance(tokens, Fault):
        return False
    understood = False
    for state in ManageSieveState:
        with suppress(ManageSieveError):
            parse_managesieve(tokens, state)
            understood = True
    return understood


def mime(content: bytes) -> bool:
    """Parse a message, and make the text that SEARCH looks at."""
    parsed = parse_message(content)
    unpack(parsed.parts, parsed.header_size, len(content))
    if not is_plain(content, parsed):
        kept_text(content, parsed)
    return True


@dataclass(frozen=True, slots=True)
class Target:
    """One of them; `rules` are the sentences that it has to take."""

    name: str
    take: Callable[[bytes], bool]
    rules: tuple[str, ...]

    @property
    def grammar(self) -> Grammar:
        """The grammar of its sentences."""
        return grammar(self.name)


TARGETS = (
    Target("imap", imap, tuple(rule_of(spec.name) for spec in REGISTRY.by_name.values() if spec.resume is None)),
    Target("pop3", pop3, ("command",)),
    Target("sieve", sieve, ("script",)),
    Target("managesieve", managesieve, ("command",)),
    Target("mime", mime, ("message",)),
)
