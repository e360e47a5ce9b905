"""Search keys that look for a string in the messages (RFC 3501 §6.4.4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from postroad.mime.text import fold
from postroad.value import value
from postroad_store.mail.search.key import HEADER, TEXT, Argument, Leaf, Word
from postroad_store.mail.search.near import near_addresses, near_header, near_texts

if TYPE_CHECKING:
    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.key import Numbers


@value
class Addresses(Leaf):
    """Messages whose ENVELOPE has the value in an address of this field (RFC 3501 §6.4.4: the envelope structure's).

    An empty value: messages whose ENVELOPE has an address there.
    """

    name: str
    value: str
    cost = HEADER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BCC, CC, FROM, TO."""
        names = ("BCC", "CC", "FROM", "TO")
        return tuple(Word(name, (Argument.STRING,), partial(Addresses, name)) for name in names)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search the addresses of all messages at once."""
        return await search.addresses(numbers, self.name.lower().encode("ascii"), fold(self.value))

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search for what resembles it."""
        return await near_addresses(search, numbers, self.name.lower().encode("ascii"), fold(self.value))


@value
class Header(Leaf):
    """Messages with this header field, whose decoded text has the value in it; an empty value: any text."""

    name: str
    value: str
    cost = HEADER

    @staticmethod
    def words() -> tuple[Word, ...]:
        """HEADER with a field's name, and SUBJECT."""
        return (
            Word("HEADER", (Argument.NAME, Argument.STRING), Header),
            Word("SUBJECT", (Argument.STRING,), partial(Header, "SUBJECT")),
        )

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search the field of all messages at once."""
        return await search.header(numbers, fold(self.name).strip(), fold(self.value))

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search for what resembles it."""
        return await near_header(search, numbers, fold(self.name).strip(), fold(self.value))


@value
class Body(Leaf):
    """Messages with the string in the decoded text of their body."""

    value: str
    cost = TEXT

    @staticmethod
    def words() -> tuple[Word, ...]:
        """BODY."""
        return (Word("BODY", (Argument.STRING,), Body),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Read every body."""
        return await search.texts(numbers, fold(self.value), headers=False)

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search for what resembles it."""
        return await near_texts(search, numbers, fold(self.value), headers=False)


@value
class Text(Leaf):
    """Messages with the string in their header or their body, decoded."""

    value: str
    cost = TEXT

    @staticmethod
    def words() -> tuple[Word, ...]:
        """TEXT."""
        return (Word("TEXT", (Argument.STRING,), Text),)

    async def among(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Read every message."""
        return await search.texts(numbers, fold(self.value), headers=True)

    async def near(self, numbers: Numbers, search: Evaluation) -> Numbers:
        """Search for what resembles it."""
        return await near_texts(search, numbers, fold(self.value), headers=True)
