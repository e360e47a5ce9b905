"""Options in parentheses: the parameters of SELECT, the modifiers of FETCH and STORE (RFC 4466 §2.1, §2.4, §2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from postroad.value import value
from postroad_store.imap.grammar.reader import SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.spec import Capability

Option = TypeVar("Option")


@value
class OptionSpec(Generic[Option]):
    """An option on the wire: its word in upper case, its capability, and what takes the rest of it."""

    word: bytes
    capability: Capability
    read: Callable[[Reader], Option]


def option_table(*specs: OptionSpec[Option]) -> dict[bytes, OptionSpec[Option]]:
    """Return the options of a command by their words."""
    return {spec.word: spec for spec in specs}


def read_options(reader: Reader, specs: Mapping[bytes, OptionSpec[Option]]) -> tuple[Option, ...]:
    """Take `"(" option *(SP option) ")"`, each option at most once."""
    reader.take(b"(")
    options: dict[bytes, Option] = {}
    for _ in reader.items():
        word = reader.keyword()
        spec = specs.get(word)
        if spec is None or not reader.offers(spec.capability):
            raise SyntaxFault(f"Unknown parameter: {word.decode('ascii')}")
        if word in options:
            raise SyntaxFault(f"Duplicate parameter: {word.decode('ascii')}")
        options[word] = spec.read(reader)
    return tuple(options.values())
