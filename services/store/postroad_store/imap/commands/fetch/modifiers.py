"""The modifiers of FETCH: which of its messages are answered, and what comes before (RFC 4466 §2.4).

A new modifier is one class and one entry in `MODIFIERS`.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

from postroad.value import value
from postroad_store.imap import updates
from postroad_store.imap.extensions import CONDSTORE, PARTIAL, QRESYNC
from postroad_store.imap.grammar.modseq import read_modseq
from postroad_store.imap.grammar.options import OptionSpec, option_table, read_options
from postroad_store.imap.grammar.partial import read_page
from postroad_store.imap.grammar.reader import MAX_NUMBER, SyntaxFault
from postroad_store.imap.selection import changed_among
from postroad_store.mail.model.ranges import without

if TYPE_CHECKING:
    from postroad_store.imap.grammar.partial import Page
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session


class Modifier(ABC):
    """A modifier of one FETCH. They narrow its messages in the order of `place`."""

    __slots__ = ()
    place: ClassVar[int]
    modseq: ClassVar[bool] = False  # the responses have MODSEQ

    def begin(self, session: Session, asked: SequenceSet) -> None:  # noqa: B027 - most send nothing
        """Send what comes before the FETCH responses; `asked` are UIDs."""

    def narrow(self, session: Session, spans: list[range]) -> list[range]:  # noqa: ARG002 - for those that narrow
        """Return which of these sequence numbers are answered."""
        return spans


@value
class Partial(Modifier):
    """PARTIAL: a page of the messages (RFC 9394 §3.3). RFC 9394 §3.4: CHANGEDSINCE narrows the page, not the whole."""

    page: Page
    place = 0

    def narrow(self, session: Session, spans: list[range]) -> list[range]:  # noqa: ARG002 - as of any modifier
        """Keep the page."""
        wanted = self.page.of(sum(map(len, spans)))
        kept = []
        before = 0
        for span in spans:
            part = span[max(wanted.start - before, 0) : max(wanted.stop - before, 0)]
            if part:
                kept.append(part)
            before += len(span)
        return kept


@value
class ChangedSince(Modifier):
    """CHANGEDSINCE: messages that have changed after this mod-sequence (RFC 7162 §3.1.4.1)."""

    since: int
    place = 1
    modseq = True

    def narrow(self, session: Session, spans: list[range]) -> list[range]:
        """Keep those that have changed."""
        return changed_among(session.storage, session.selected_view(), spans, self.since)


@value
class Vanished(Modifier):
    """VANISHED: messages that were expunged since are told too (RFC 7162 §3.2.6)."""

    since: int = 0  # the mod-sequence of the CHANGEDSINCE beside it
    place = 2

    def begin(self, session: Session, asked: SequenceSet) -> None:
        """Tell them: before any FETCH, or the client could not tell what its numbers mean."""
        view = session.selected_view()
        mailbox = view.mailbox
        # The client does not know yet that the messages above the last one are gone: with 1:* it means them too.
        within = asked.resolve(MAX_NUMBER)
        runs = session.storage.vanished(mailbox, self.since, list(within))
        # RFC 7162 §3.2.10: what the client has still a number for is told without EARLIER, or it would count wrong.
        for octets in updates.vanished_earlier(without(runs, view.waiting_to_go)):
            session.engine.send(octets)


def _read_changed_since(reader: Reader) -> ChangedSince:
    reader.space()
    # RFC 7162 §7 wants 1 or more, but Thunderbird sends 0 for a folder whose HIGHESTMODSEQ it has not kept yet.
    return ChangedSince(read_modseq(reader, zero=True))


def _read_vanished(reader: Reader) -> Vanished:
    if not reader.has_enabled(QRESYNC):  # RFC 7162 §3.2.6
        raise SyntaxFault("QRESYNC not enabled")
    return Vanished()


def _read_partial(reader: Reader) -> Partial:
    reader.space()
    return Partial(read_page(reader))


MODIFIERS: dict[bytes, OptionSpec[Modifier]] = option_table(
    OptionSpec(b"CHANGEDSINCE", CONDSTORE, _read_changed_since),
    OptionSpec(b"VANISHED", QRESYNC, _read_vanished),
    OptionSpec(b"PARTIAL", PARTIAL, _read_partial),
)


def read_modifiers(reader: Reader, *, uid: bool) -> tuple[Modifier, ...]:
    """Take the modifiers with their parentheses; return them in the order in which they narrow the messages."""
    # fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    modifiers = read_options(reader, MODIFIERS)
    since = [modifier.since for modifier in modifiers if isinstance(modifier, ChangedSince)]
    if any(isinstance(modifier, Vanished) for modifier in modifiers):
        if not uid or not since:  # RFC 7162 §3.2.6: with UID FETCH alone, and with CHANGEDSINCE
            raise SyntaxFault("VANISHED needs UID FETCH and CHANGEDSINCE")
        modifiers = tuple(Vanished(since[0]) if isinstance(each, Vanished) else each for each in modifiers)
    return tuple(sorted(modifiers, key=lambda modifier: modifier.place))
