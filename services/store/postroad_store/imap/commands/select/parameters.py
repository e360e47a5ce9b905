"""The parameters of SELECT and EXAMINE: CONDSTORE and QRESYNC (RFC 4466 §2.1, RFC 7162 §3.1.8, §3.2.5).

A new parameter is one class and one entry in `PARAMETERS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.select.resynchronize import resynchronize
from postroad_store.imap.extensions import CONDSTORE, QRESYNC, UIDONLY
from postroad_store.imap.grammar.options import OptionSpec, option_table
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.resync import read_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.resync import Known
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View


class Parameter(ABC):
    """A parameter of one SELECT."""

    __slots__ = ()

    @abstractmethod
    def begin(self, session: Session) -> None:
        """Do what comes before the mailbox's contents."""

    @abstractmethod
    def answer(self, session: Session, view: View) -> Iterator[bytes]:
        """Yield what comes after them, in pieces."""


@value
class CondStore(Parameter):
    """CONDSTORE: the client wants MODSEQ in FETCH responses from now on (RFC 7162 §3.1.8)."""

    def begin(self, session: Session) -> None:
        """Enable it."""
        session.enable(CONDSTORE)

    def answer(self, session: Session, view: View) -> Iterator[bytes]:  # noqa: ARG002 - a signature of the class
        """Yield nothing more."""
        return iter(())


@value
class QResync(Parameter):
    """QRESYNC: the client wants what it has missed (RFC 7162 §3.2.5)."""

    known: Known

    def begin(self, session: Session) -> None:
        """Do nothing: the client has enabled QRESYNC."""

    def answer(self, session: Session, view: View) -> Iterator[bytes]:
        """Yield it."""
        return resynchronize(session, view, self.known)


def _read_condstore(_: Reader) -> CondStore:
    return CondStore()


def _read_qresync(reader: Reader) -> QResync:
    if not reader.has_enabled(QRESYNC):  # RFC 7162 §3.2.5
        raise SyntaxFault("QRESYNC not enabled")
    reader.space()
    # RFC 9586 §3.5: message numbers are gone, and with them what the client knows of them.
    return QResync(read_known(reader, numbers=not reader.has_enabled(UIDONLY)))


PARAMETERS: dict[bytes, OptionSpec[Parameter]] = option_table(
    OptionSpec(b"CONDSTORE", CONDSTORE, _read_condstore), OptionSpec(b"QRESYNC", QRESYNC, _read_qresync)
)
