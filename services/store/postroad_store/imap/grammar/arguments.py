"""Arguments that many commands share (RFC 3501 §9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.imap.events import Command
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.spec import Parser


def read_mailbox(reader: Reader) -> bytes:
    """Take ` mailbox`: the name as the client spells it (`mailbox_name.decode` says what it means)."""
    reader.space()
    return reader.astring()


def read_mailboxes(reader: Reader) -> tuple[bytes, ...]:
    """Take a mailbox, or several in parentheses."""
    # one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"                               (RFC 5465 §8)
    if not reader.skip(b"("):
        return (reader.astring(),)
    return tuple([reader.astring() for _ in reader.items()])


def no_arguments(kind: type[Command]) -> Parser:
    """Return the parser of a command without arguments."""

    def parse(tag: bytes, reader: Reader) -> Command:
        reader.end()
        return kind(tag)

    return parse


def one_mailbox(kind: Callable[[bytes, bytes], Command]) -> Parser:
    """Return the parser of a command whose argument is a mailbox's name."""

    def parse(tag: bytes, reader: Reader) -> Command:
        mailbox = read_mailbox(reader)
        reader.end()
        return kind(tag, mailbox)

    return parse
