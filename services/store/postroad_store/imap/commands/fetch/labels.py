"""X-GM-LABELS: the labels of a message, as Gmail's IMAP extension has them (decision 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.fetch.item import Alone
from postroad_store.imap.grammar import mailbox_name
from postroad_store.imap.grammar.responses import astring
from postroad_store.mail.model.labels import system_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.commands.fetch.item import Message


def written(label: str) -> bytes:
    """Return a label as FETCH says it: a flag, or an astring in modified UTF-7."""
    return label.encode("ascii") if system_label(label) == label else astring(mailbox_name.encode(label))


@value
class Labels(Alone):
    """X-GM-LABELS."""

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the item."""
        # Of another account's mailboxes, none is told but the one that is shared.
        labels = [] if message.view.foreign else message.storage.labels.of(message.mailbox, message.uid)
        yield b"X-GM-LABELS (%b)" % b" ".join(map(written, labels))


LABELS = Labels()
