"""Mozilla Thunderbird: what it lists, hears while it idles, makes of changes elsewhere, and sends."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.mailboxes import arrived, imap
from tests.harness.smtp import submit
from tests.harness.stack import WAIT, Port
from tests.interop.test_resync import changed_elsewhere, delivered
from tests.interop.thunderbird import thunderbird
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from tests.harness.stack import User
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop

INBOX = "INBOX"


def test_thunderbird(clients: Clients) -> None:
    stack, user = clients.stack, clients.stack.fresh_user()
    delivered(stack, user, 3)
    contents = arrived(stack, user, count=3)
    with thunderbird(clients, user) as person:
        assert {INBOX, "Archive", "Drafts", "Junk", "Sent", "Trash"} == set(person.do("folders"))
        person.do("open", INBOX)
        assert person.do("list", INBOX) == {"Number 1": "new", "Number 2": "new", "Number 3": "new"}
        person.do("keep", INBOX)

        # It idles, and hears of a message and of another client's flag; that client hears of its flag.
        submit(stack, user, [user.address], simple("While it idles"))
        person.do("heard", "added", INBOX, "While it idles")
        with imap(stack, user) as client:
            client.select_folder(INBOX)
            client.add_flags([3], [rb"\Flagged"])
            person.do("heard", "flagged", INBOX, "Number 3")
            client.idle()
            person.do("flag", INBOX, "While it idles")
            ((number, kind, flags),) = client.idle_check(timeout=WAIT)
            assert (number, kind) == (4, b"FETCH")
            assert rb"\Flagged" in dict(zip(flags[::2], flags[1::2], strict=True))[b"FLAGS"]
            client.idle_done()

        # It is away while somebody else reads, removes and gets a message.
        person.do("offline", True)
        assert person.do("source", INBOX, "Number 2").encode().endswith(contents[1])
        changed_elsewhere(stack, user, count=4)
        person.do("offline", False)
        person.do("open", INBOX)
        assert person.do("list", INBOX) == {
            "Number 1": "flagged read",
            "Number 3": "flagged new",
            "While it idles": "flagged new",
            "Number 4": "new",
        }

        # It sends, hears of what it has sent, and keeps a copy.
        person.do("send", user.address, "From a person", "Grüße.\r\n.\r\nEnd.\r\n")
        person.do("heard", "added", INBOX, "From a person")
        (copy,) = arrived(stack, user, mailbox="Sent")
        assert b"\r\n\r\nGr\xc3\xbc\xc3\x9fe.\r\n.\r\nEnd.\r\n" in copy
        (content,) = arrived(stack, user, where=lambda content: b"From a person" in content)
        assert content.endswith(copy.partition(b"\r\n\r\n")[2])
    _check_what_was_said(clients, user)


def _check_what_was_said(clients: Clients, user: User) -> None:
    """Assert that Thunderbird has asked for what it may have, and was refused nothing."""
    asked: list[str] = []
    for protocol in ("imap", "smtp"):
        for session in _get(clients, f"/v1/sessions?account={user.address}&protocol={protocol}")["sessions"]:
            lines = _get(clients, f"/v1/sessions/{session['id']}")["lines"]
            said = [line["text"] for line in lines if line["from"] == "client"]
            if not any("Thunderbird" in text or "EHLO [127.0.0.1]" in text for text in said):
                continue  # another client's
            asked += said
            answers = [line["text"] for line in lines if line["from"] == "server"]
            assert [text for text in answers if re.match(r"\S+ (NO|BAD)\b|[45]\d\d", text)] == []
    commands = "\n".join(re.sub(r"^\d+ ", "", text) for text in asked)
    for command in (
        *("authenticate CRAM-MD5", "COMPRESS DEFLATE", "ENABLE UTF8=ACCEPT", "IDLE", "STARTTLS", "AUTH PLAIN"),
        r"UID fetch 1:\* \(FLAGS\) \(CHANGEDSINCE [1-9]",
    ):
        assert re.search(f"^{command}", commands, re.MULTILINE), command


def _get(clients: Clients, path: str) -> Any:
    host, port = clients.endpoint(Port.WEB)
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=WAIT) as answer:
        return json.load(answer)
