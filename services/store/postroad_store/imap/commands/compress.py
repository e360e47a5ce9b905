"""COMPRESS (RFC 4978)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

COMPRESS = Capability(b"COMPRESS=DEFLATE", "RFC 4978", after_login)


@value
class Compress(Command):
    """The client wants both sides to compress what they send, by DEFLATE."""


def parse(tag: bytes, reader: Reader) -> Compress:
    """Take the algorithm."""
    # compress = "COMPRESS" SP algorithm; algorithm = "DEFLATE"
    reader.space()
    if reader.keyword() != b"DEFLATE":
        raise SyntaxFault("Unknown compression algorithm")
    reader.end()
    return Compress(tag)


def handle(session: Session, command: Compress) -> None:
    """Begin, once. TLS never compresses here: what it encrypts could be guessed from its length (RFC 7525 §3.3)."""
    if session.connection.compressed:
        # RFC 4978 §3: BAD if COMPRESS is active, and NO with this code if another layer compresses; Dovecot says NO.
        session.engine.complete(command.tag, b"BAD [COMPRESSIONACTIVE] DEFLATE is already active.")
    else:
        session.engine.compress(command.tag)


SPECS = (Spec(b"COMPRESS", AUTH, Compress, parse, handle, "RFC 4978 §3", capability=COMPRESS),)
