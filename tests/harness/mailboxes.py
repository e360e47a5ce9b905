"""Reading what arrived, as its recipient does: by IMAP, waiting with IDLE, and by POP3."""

from __future__ import annotations

import contextlib
import poplib
import ssl
import time
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import imapclient

from tests.harness.smtp import client_context
from tests.harness.stack import WAIT, Port, Stack, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage


def parse(content: bytes) -> EmailMessage:
    """Parse a message."""
    return message_from_bytes(content, policy=policy.default)


@contextlib.contextmanager
def imap(stack: Stack, user: User) -> Iterator[imapclient.IMAPClient]:
    """Open an IMAP session over TLS, logged in."""
    endpoint = stack.endpoint(Port.IMAPS)
    client = imapclient.IMAPClient(endpoint.host, endpoint.port, ssl_context=client_context(stack), timeout=WAIT)
    try:
        if user.address.isascii():
            client.login(user.address, user.password)
        else:
            client.plain_login(user.address, user.password)
        yield client
    except BaseException:
        client.shutdown()
        raise
    client.logout()


def arrived(
    stack: Stack,
    user: User,
    *,
    count: int = 1,
    where: Callable[[bytes], bool] = lambda _: True,
    mailbox: str = "INBOX",
    timeout: float = WAIT,
) -> list[bytes]:
    """Return the messages of a mailbox for which `where` holds, as soon as there are `count` of them.

    It waits with IDLE, so it sees what a client sees, when it sees it. More than `count` are returned too.
    """
    matching: dict[int, bytes] = {}
    seen: set[int] = set()
    deadline = time.monotonic() + timeout
    with imap(stack, user) as client:
        client.select_folder(mailbox, readonly=True)
        while True:
            new = [uid for uid in client.search(["ALL"]) if uid not in seen]
            seen.update(new)
            for uid, items in client.fetch(new, ["BODY.PEEK[]"]).items() if new else ():
                if where(items[b"BODY[]"]):
                    matching[uid] = items[b"BODY[]"]
            if len(matching) >= count:
                return [matching[uid] for uid in sorted(matching)]
            left = deadline - time.monotonic()
            assert left > 0, (
                f"{user.address} has {len(matching)} of {count} messages after {timeout:g} s ({len(seen)} in all)"
            )
            # What was announced since the SEARCH is not announced again in IDLE.
            announced = client._imap.response("EXISTS")[1][-1]
            if announced is not None and int(announced) > len(seen):
                continue
            idle_until_told(client, left)


def idle_until_told(client: imapclient.IMAPClient, seconds: float) -> None:
    """Idle until the server tells something, `seconds` at most."""
    client.idle()
    if not _has_read_more(client):
        client.idle_check(timeout=seconds)
    client.idle_done()


def _has_read_more(client: imapclient.IMAPClient) -> bool:
    """Whether a line has come along with the last one: IMAPClient's `idle_check` waits for the socket alone."""
    connection = client._imap.sock
    before = connection.gettimeout()
    connection.settimeout(0)
    try:
        return bool(client._imap.file.peek(1))
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.settimeout(before)


@contextlib.contextmanager
def pop3(stack: Stack, user: User) -> Iterator[poplib.POP3_SSL]:
    """Open a POP3 session over TLS, logged in, that takes UTF-8; QUIT at the end, so that what was deleted is gone."""
    endpoint = stack.endpoint(Port.POP3S)
    client = poplib.POP3_SSL(endpoint.host, endpoint.port, context=client_context(stack), timeout=WAIT)
    try:
        client.utf8()  # RFC 6856 §2.1: or messages whose headers are in UTF-8 are refused
        client.user(user.address)
        client.pass_(user.password)
        yield client
    except BaseException:
        client.close()
        raise
    client.quit()


def retrieved(client: poplib.POP3, number: int) -> bytes:
    """RETR one message and return it octet for octet: poplib's own `retr` takes the line ends away."""
    client._shortcmd(f"RETR {number}")  # type: ignore[attr-defined]
    lines = []
    while (line := client.file.readline()) != b".\r\n":
        assert line, "the server hung up"
        # RFC 1939 §3: a line that begins with the termination octet is byte-stuffed.
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)
