"""ID (RFC 2971)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar import responses
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import ANY
from postroad_store.release import release

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

log = logging.getLogger(__name__)

ID = Capability(b"ID", "RFC 2971")
MAX_FIELDS = 30  # RFC 2971 §3.3: at most 30 field-value pairs
SHOWN = 100  # octets of a field in the log


@value
class Id(Command):
    """The client identifies itself: pairs of field and value, None for NIL."""

    fields: tuple[tuple[bytes, bytes | None], ...] | None


def parse(tag: bytes, reader: Reader) -> Id:
    """Take the fields."""
    # id = "ID" SP id_params_list; id_params_list = "(" *(string SP nstring) ")" / nil
    reader.space()
    if not reader.skip(b"("):
        if reader.nstring() is not None:
            raise SyntaxFault("Invalid arguments")
        reader.end()
        return Id(tag, None)
    fields: list[tuple[bytes, bytes | None]] = []
    for _ in reader.items(may_be_none=True):
        name = reader.string()
        reader.space()
        fields.append((name, reader.nstring()))
        if len(fields) > MAX_FIELDS:
            raise SyntaxFault("Too many fields")
    reader.end()
    return Id(tag, tuple(fields))


def handle(session: Session, command: Id) -> None:
    """Log the client's identification, and answer with the server's."""
    fields = {name.lower(): value for name, value in command.fields or () if value}
    if b"name" in fields:  # RFC 2971 §3: for statistics and the search for faults, nothing else
        name, version = (fields.get(key, b"")[:SHOWN].decode("ascii", "replace") for key in (b"name", b"version"))
        log.info("imap client", extra={"client": name, "version": version, "peer": session.connection.peer})
    session.engine.send(b'* ID ("name" "Postroad" "version" %b)\r\n' % responses.string(release().encode("ascii")))
    session.finish(command, b"OK ID completed.")


SPECS = (Spec(b"ID", ANY, Id, parse, handle, "RFC 2971 §3.1", capability=ID),)
