"""All that scripts may use, derived from the extensions: commands, tests, tags, comparators, the capability string.

A new extension is one module in `extensions/` and one line in `EXTENSIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.sieve.comparators import ASCII_CASEMAP, ASCII_NUMERIC, OCTET, UNICODE_CASEMAP
from postroad_store.sieve.extensions import (
    base,
    body,
    copy,
    date,
    duplicate,
    editheader,
    envelope,
    environment,
    fileinto,
    ihave,
    imap4flags,
    include,
    index,
    mailbox,
    mboxmetadata,
    regex,
    reject,
    relational,
    servermetadata,
    special_use,
    subaddress,
    vacation,
    variables,
)
from postroad_store.sieve.spec import Extension

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.spec import AddressPart, MatchType, Tagged, Word

BASE = Extension("", base.WORDS, match_types=base.MATCH_TYPES, parts=base.PARTS)

# In the order in which ManageSieve lists them.
EXTENSIONS = (
    fileinto.EXTENSION,
    *reject.EXTENSIONS,
    envelope.EXTENSION,
    Extension("encoded-character"),  # RFC 5228 §2.4.2.4; `texts` decodes
    *vacation.EXTENSIONS,
    subaddress.EXTENSION,
    Extension("comparator-i;octet", comparators=(OCTET,)),
    Extension("comparator-i;ascii-casemap", comparators=(ASCII_CASEMAP,)),
    Extension("comparator-i;ascii-numeric", comparators=(ASCII_NUMERIC,)),
    Extension("comparator-i;unicode-casemap", comparators=(UNICODE_CASEMAP,)),
    relational.EXTENSION,
    regex.EXTENSION,
    imap4flags.EXTENSION,
    copy.EXTENSION,
    include.EXTENSION,
    variables.EXTENSION,
    body.EXTENSION,
    environment.EXTENSION,
    mailbox.EXTENSION,
    mboxmetadata.EXTENSION,
    servermetadata.EXTENSION,
    special_use.EXTENSION,
    date.EXTENSION,
    index.EXTENSION,
    ihave.EXTENSION,
    duplicate.EXTENSION,
    editheader.EXTENSION,
)

# RFC 5228 §2.7.3: all implementations have these, and scripts need not require them.
_ALWAYS = ("comparator-i;octet", "comparator-i;ascii-casemap")


class CannotHide(ValueError):  # noqa: N818 - what the operator reads
    """An extension cannot be hidden, or is unknown; the message says which ones can be hidden."""


class Registry:
    """The language with its extensions, without those that the operator hides."""

    def __init__(self, extensions: Iterable[Extension] = EXTENSIONS, *, without: Iterable[str] = ()) -> None:
        """Derive all tables; raises `CannotHide`."""
        extensions = tuple(extensions)
        hidden = frozenset(without)
        names = [extension.capability for extension in extensions if extension.capability not in _ALWAYS]
        if unknown := sorted(hidden.difference(names)):
            raise CannotHide(f"{', '.join(unknown)} cannot be hidden; these can: {', '.join(names)}")
        offered = [
            extension
            for extension in extensions
            if extension.capability not in hidden and hidden.isdisjoint(extension.implies)
        ]
        self.base = frozenset({"", *_ALWAYS})
        self.capabilities = {extension.capability: extension for extension in offered}
        self.commands: dict[str, tuple[Word, str]] = {}
        self.tests: dict[str, tuple[Word, str]] = {}
        self.match_types: dict[str, tuple[MatchType, str]] = {}
        self.parts: dict[str, tuple[AddressPart, str]] = {}
        self.comparators: dict[str, Comparator] = {}
        self._tagged: dict[str, dict[str, tuple[Tagged, str]]] = {}
        for extension in (BASE, *offered):
            self._add(extension)
        self.whole_address = self.parts[":all"][0]  # RFC 5228 §2.7.4: the default

    def _add(self, extension: Extension) -> None:
        capability = extension.capability
        for word in extension.words:
            (self.commands if word.run is not None else self.tests)[word.name] = (word, capability)
            self._tag(word.name, word.tagged, capability)
        for name, tagged in extension.tagged.items():
            self._tag(name, tagged, capability)
        self.match_types |= {kind.name: (kind, capability) for kind in extension.match_types}
        self.parts |= {part.name: (part, capability) for part in extension.parts}
        self.comparators |= {comparator.name: comparator for comparator in extension.comparators}

    def _tag(self, word: str, tagged: Iterable[Tagged], capability: str) -> None:
        self._tagged.setdefault(word, {}).update({tag.name: (tag, capability) for tag in tagged})

    def tagged(self, word: Word) -> dict[str, tuple[Tagged, str]]:
        """Return the tags of a word, its own and those of extensions, each with its capability."""
        return self._tagged.get(word.name, {})

    @property
    def advertised(self) -> str:
        """The capability string (RFC 5804 §1.7 SIEVE): what a script may require, with spaces between."""
        return " ".join(name for name in self.capabilities if name not in _ALWAYS)
