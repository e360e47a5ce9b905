"""IMAPClient as it speaks to Gmail: labels, Gmail's search, several messages in one APPEND, ids and previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import imap
from tests.harness.processes import ProcessStack
from tests.harness.stack import User

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

MESSAGES = [
    b"From: bob@alpha.test\r\nSubject: one\r\nMessage-ID: <1@x>\r\n\r\nfirst\r\n",
    b"From: ann@alpha.test\r\nSubject: Re: one\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\n\r\n> first\r\nsecond\r\n",
]


def test_imapclient(tmp_path: Path) -> None:
    with ProcessStack(tmp_path / "stack", settings={"POSTROAD_IMAP_WITH": "X-GM-EXT-1"}) as stack:
        user = User("bob@beta.test", "builder")
        with imap(stack, user) as client:
            assert client.has_capability("X-GM-EXT-1")
            client.multiappend("INBOX", MESSAGES)
            client.select_folder("INBOX")
            fetched = client.fetch([1, 2], ["X-GM-MSGID", "X-GM-THRID", "EMAILID", "THREADID", "PREVIEW", "SAVEDATE"])
            assert fetched[1][b"X-GM-THRID"] == fetched[2][b"X-GM-THRID"] == fetched[1][b"X-GM-MSGID"]
            assert fetched[1][b"THREADID"] == fetched[2][b"THREADID"]
            assert fetched[1][b"EMAILID"] != fetched[2][b"EMAILID"]
            assert fetched[2][b"PREVIEW"] == b"second"
            client.add_gmail_labels([1], ["work", "\\Starred", "caf\u00e9"])
            assert set(client.get_gmail_labels([1])[1]) == {"work", "caf\u00e9", "\\Starred"}
            assert client.gmail_search("label:work from:bob") == [1]
            assert client.gmail_search("-is:starred") == [2]
            client.remove_gmail_labels([1], ["work"])
            client.set_gmail_labels([2], ["caf\u00e9"])
            assert client.get_gmail_labels([1, 2]) == {1: ["caf\u00e9", "\\Starred"], 2: ["caf\u00e9"]}
            client.select_folder("caf\u00e9")
            assert client.search(["X-GM-MSGID", str(fetched[2][b"X-GM-MSGID"])]) == [2]
            assert client.search(["X-GM-LABELS", "\\Inbox"]) == [1, 2]
