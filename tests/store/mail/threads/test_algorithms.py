"""What THREAD reads of the messages, over a real mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.thread import written
from postroad_store.mail.search.keys import And
from postroad_store.mail.threads import algorithms
from postroad_store.mail.threads.algorithms import ALGORITHMS

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

WORDS = {algorithm.word: algorithm for algorithm in ALGORITHMS}
MAILS = [
    b"References: <no> nothing\r\nMessage-ID: <1@x>\r\nSubject: one\r\nDate: 2 Mar 2026 10:00:00 +0000\r\n\r\n",
    (
        b'Message-ID: <2@x>\r\nreferences:\r\n <0@x>\r\n <"1"@x>\r\nIn-Reply-To: <0@x>\r\nSubject: two\r\n'
        b"Date: 2 Mar 2026 11:00:00 +0000\r\n\r\n"
    ),
    (
        b"Message-ID: <3@x>\r\nIn-Reply-To: <2@x> <1@x>\r\nReferences: none\r\nSubject: one\r\n"
        b"Date: 2 Mar 2026 12:00:00 +0000\r\n\r\n"
    ),
    b"Subject: Re: two\r\nDate: 1 Mar 2026 12:00:00 +0000\r\n\r\nReferences: <1@x>\r\n",
    b"Message-ID: <3@x>\r\nSubject: three\r\nX-References: <1@x>\r\n\r\n",
]


@pytest.mark.parametrize("few", [0, 1000])
async def test_threads(storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(algorithms, "FEW", few)
    for content in MAILS:
        await put(inbox, content)
    threads = {}
    for word, algorithm in WORDS.items():
        numbers, forest = await storage.finder.thread(storage.view(inbox), And(()), algorithm())
        assert list(numbers) == [1, 2, 3, 4, 5]
        threads[word] = b"".join(written(forest, numbers))
    assert threads == {
        "ORDEREDSUBJECT": b"(5)(4 2)(1 3)",
        "REFERENCES": b"(5)(4)(1 2 3)",
        "REFS": b"(5)(4)(1 2 3)",
    }


async def test_of_many_references_the_last_ones_count(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(algorithms, "MAX_REFERENCES", 2)
    for number in range(3):
        await put(inbox, b"Message-ID: <%d@x>\r\n\r\n" % number)
    await put(inbox, b"References: <0@x> <1@x> <2@x>\r\n\r\n")
    numbers, forest = await storage.finder.thread(storage.view(inbox), And(()), WORDS["REFS"]())
    assert b"".join(written(forest, numbers)) == b"(1)(2 3 4)"
