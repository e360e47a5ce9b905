"""LIST (RFC 3501 §6.3.8), with CHILDREN (RFC 3348), SPECIAL-USE (RFC 6154) and the options that it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap import patterns
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox

CHILDREN = Capability(b"CHILDREN", "RFC 3348", after_login)
SPECIAL_USE = Capability(b"SPECIAL-USE", "RFC 6154", after_login)


@dataclass(frozen=True, slots=True)
class List(Command):
    """Names that match a pattern; `selection` and `returned` are its options, None in the plain form of LIST."""

    reference: bytes
    pattern: bytes
    selection: frozenset[bytes] | None = None
    returned: frozenset[bytes] | None = None

    @property
    def extended(self) -> bool:
        """Whether the command has a list of options, which may be empty."""
        return self.selection is not None or self.returned is not None


def parse(tag: bytes, reader: Reader) -> List:
    """Take the options, the reference and the pattern."""
    # list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]            (RFC 5258 §6)
    # list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
    # Of the options those that SPECIAL-USE brings (RFC 6154 §6), and CHILDREN, whose attributes are always given.
    reader.space()
    selection = returned = None
    extended = reader.offers(SPECIAL_USE)
    if extended and reader.skip(b"("):
        selection = _options(reader, {b"SPECIAL-USE"})
        reader.space()
    reference = reader.astring()
    reader.space()
    pattern = reader.list_mailbox()
    if extended and not reader.at_end():
        reader.space()
        if reader.keyword() != b"RETURN":
            raise SyntaxFault("Unexpected argument")
        reader.take(b" (")
        returned = _options(reader, {b"SPECIAL-USE", b"CHILDREN"} if reader.offers(CHILDREN) else {b"SPECIAL-USE"})
    reader.end()
    return List(tag, reference, pattern, selection, returned)


def _options(reader: Reader, known: set[bytes]) -> frozenset[bytes]:
    """Take `[option *(SP option)] ")"`."""
    options: set[bytes] = set()
    while not reader.skip(b")"):
        if options:
            reader.space()
        option = reader.keyword()
        if option not in known:
            raise SyntaxFault(f"Unknown option {option.decode('ascii')}")
        options.add(option)
    return frozenset(options)


def handle(session: Session, command: List) -> None:
    """List mailboxes."""
    if not command.pattern and not command.extended:  # RFC 5258 §3: with options "" is a name as any other
        session.engine.send(b'* LIST (\\Noselect) "/" %b\r\n' % session.as_name(patterns.root_of(command.reference)))
    else:
        patterns.check_length(command.reference, command.pattern)
        names = {session.encoded(name): mailbox for name, mailbox in session.current_account().mailboxes.items()}
        matches = patterns.matching(command.reference, command.pattern, names)
        if command.selection:
            matches = {name: True for name in matches if name in names and names[name].special_use is not None}
        session.engine.send(b"".join([_line(session, name, names.get(name)) for name in matches]))
    session.finish(command, b"OK List completed.")


def _line(session: Session, name: bytes, mailbox: Mailbox | None) -> bytes:
    attributes = []
    if mailbox is None or not mailbox.selectable:
        attributes.append("\\Noselect")
    if session.offers(CHILDREN):
        children = mailbox is None or session.current_account().has_inferiors(mailbox)
        attributes.append("\\HasChildren" if children else "\\HasNoChildren")
    if mailbox is not None and mailbox.special_use is not None and session.offers(SPECIAL_USE):
        attributes.append(mailbox.special_use)
    return b'* LIST (%b) "/" %b\r\n' % (" ".join(attributes).encode("ascii"), session.as_name(name))


SPECS = (Spec(b"LIST", AUTH, List, parse, handle, "RFC 3501 §6.3.8", extensions=(CHILDREN, SPECIAL_USE)),)
