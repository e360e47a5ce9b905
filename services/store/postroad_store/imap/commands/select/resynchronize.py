"""What a client that comes back has missed (RFC 7162 §3.2.5): the answer to SELECT with QRESYNC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap import updates
from postroad_store.imap.commands.fetch import FLAGS_AND_MODSEQ, responses
from postroad_store.imap.grammar.sequence import indexes
from postroad_store.imap.selection import changed_among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.resync import Known
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View


def resynchronize(session: Session, view: View, known: Known) -> Iterator[bytes]:
    """Yield the expunges, then the flags, that a client has missed since it knew the mailbox so.

    RFC 7162 §3.2.5: of a mailbox with another UIDVALIDITY it knows nothing.
    """
    mailbox = view.mailbox
    if known.uid_validity != mailbox.uid_validity:
        return
    # RFC 7162 §3.2.6: expunges come before any FETCH, or the client could not tell what its numbers mean.
    within = list(known.within(view.uids, mailbox.uid_next))
    yield b"".join(updates.vanished_earlier(session.storage.vanished(mailbox, known.modseq, within)))
    uids = known.uids if known.uids is not None else ((1, mailbox.uid_next),)
    spans = [range(span.start + 1, span.stop + 1) for span in indexes(uids, view.uids)]
    spans = changed_among(session.storage, view, spans, known.modseq)
    plan = FLAGS_AND_MODSEQ.plan(uid=True, uid_only=session.manner.uid_only)
    for octets, _ in responses(session.storage, view, spans, plan):
        yield octets
