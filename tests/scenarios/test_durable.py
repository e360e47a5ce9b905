"""What a mail client was told is done survives kill -9 of the store at once after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived, imap, pop3
from tests.harness.processes import ProcessStack
from tests.harness.smtp import mx_session
from tests.harness.stack import BOB, DEFAULT_WORLD, Service, User
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imapclient import IMAPClient


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack
        stack.check_logs()


def kill_after(stack: ProcessStack, act: Callable[[IMAPClient], object], mailbox: str = "INBOX") -> None:
    """Do something by IMAP and kill the store as soon as it has said OK."""
    try:
        with imap(stack, BOB) as client:
            client.select_folder(mailbox)
            act(client)
            stack.kill(Service.STORE)
            raise InterruptedError
    except InterruptedError:
        stack.start(Service.STORE)


def test_imap(stack: ProcessStack) -> None:
    content = simple("Kept")
    kill_after(stack, lambda client: client.append("INBOX", content, flags=[rb"\Draft"]))
    with imap(stack, BOB) as client:
        before = client.select_folder("INBOX")
        (uid,) = client.search()
        assert client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] == content
        assert rb"\Draft" in client.get_flags([uid])[uid]

    kill_after(stack, lambda client: client.add_flags([uid], [rb"\Flagged", b"$Kept"]))
    with imap(stack, BOB) as client:
        client.select_folder("INBOX")
        assert {rb"\Draft", rb"\Flagged", b"$Kept"} <= set(client.get_flags([uid])[uid])

    kill_after(stack, lambda client: client.create_folder("Later"))
    kill_after(stack, lambda client: client.copy([uid], "Later"))
    with imap(stack, BOB) as client:
        client.select_folder("Later")
        (copy,) = client.search()
        assert {rb"\Draft", rb"\Flagged", b"$Kept"} <= set(client.get_flags([copy])[copy])

    kill_after(stack, lambda client: client.delete_messages([uid]))
    kill_after(stack, lambda client: client.expunge())
    with imap(stack, BOB) as client:
        after = client.select_folder("INBOX")
        assert client.search() == []
        # RFC 3501 §2.3.1.1: neither the UID of a message nor UIDVALIDITY comes again for another.
        assert after[b"UIDVALIDITY"] == before[b"UIDVALIDITY"]
        assert after[b"UIDNEXT"] > uid

    kill_after(stack, lambda client: client.move([copy], "INBOX"), mailbox="Later")
    kill_after(stack, lambda client: client.rename_folder("Later", "Now"))
    with imap(stack, BOB) as client:
        client.select_folder("INBOX")
        (moved,) = client.search()
        assert moved > uid
        assert client.select_folder("Now")[b"EXISTS"] == 0
        assert not client.folder_exists("Later")


def test_pop3(stack: ProcessStack) -> None:
    with mx_session(stack) as session:
        session.mail("a@client.example", [BOB.address], simple("To be deleted"))
    arrived(stack, BOB, where=lambda content: b"To be deleted" in content)
    with pop3(stack, BOB) as maildrop:
        count = maildrop.stat()[0]
        uniques = maildrop.uidl()[1]
        maildrop.dele(count)
    stack.kill(Service.STORE)
    stack.start(Service.STORE)
    with pop3(stack, BOB) as maildrop:
        assert maildrop.stat()[0] == count - 1
        assert maildrop.uidl()[1] == uniques[:-1]


def test_delivery(stack: ProcessStack) -> None:
    for number in range(5):
        with mx_session(stack) as session:
            session.mail("a@client.example", [BOB.address], simple(f"Delivered {number}"))
            stack.kill(Service.STORE)
        stack.start(Service.STORE)
    assert len(arrived(stack, BOB, count=5, where=lambda content: b"Subject: Delivered" in content)) == 5


def test_letters_of_scripts(tmp_path: Path) -> None:
    """What a script sends is in the commit that the 250 promises: no relay, and a kill, only delay it."""
    bob, dave = User("bob@beta.test", "builder"), User("dave@beta.test", "gravel")
    script = 'redirect "dave@beta.test";'
    world = DEFAULT_WORLD.replace('bob = "builder"', f"bob = {{ password = 'builder', sieve = '{script}' }}")
    with ProcessStack(tmp_path / "stack", world=world) as stack:
        stack.stop(Service.RELAY)
        with mx_session(stack) as session:
            session.mail("a@client.example", [bob.address], simple("Redirected"))
            stack.kill(Service.STORE)
        stack.start(Service.STORE)
        stack.start(Service.RELAY)
        (content,) = arrived(stack, dave)
        assert b"\r\nX-Sieve-Redirected-From: bob@beta.test\r\n" in content
        assert b"Subject: Redirected\r\n" in content
        with imap(stack, bob) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 0
        stack.check_logs()
