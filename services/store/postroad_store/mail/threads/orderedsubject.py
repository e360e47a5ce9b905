"""The threading algorithm ORDEREDSUBJECT (RFC 5256 §3): "poor man's threading"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.threads.forest import Forest

if TYPE_CHECKING:
    from collections.abc import Sequence


def ordered_subject(subjects: Sequence[bytes], dates: Sequence[int]) -> Forest:
    """Return the threads of messages, which are in the order of the mailbox, by base subject and sent date."""
    threads: dict[bytes, list[int]] = {}
    for message in sorted(range(len(subjects)), key=dates.__getitem__):
        threads.setdefault(subjects[message], []).append(message)
    forest = Forest(len(subjects))
    for first, *others in threads.values():  # the threads are in the order of their first messages
        forest.roots.append(first)
        if others:
            forest.children[first] = others
    return forest
