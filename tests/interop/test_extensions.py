"""Extensions of IMAP that real clients take up by themselves: mbsync compresses, neomutt enables UTF8=ACCEPT."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived, imap
from tests.harness.stack import STORE_NAME, Port

if TYPE_CHECKING:
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop

MANY = 100
LARGE = b"Subject: large\r\n\r\n" + base64.encodebytes(random.Random(1).randbytes(1_500_000)).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(("tls", "port"), [("IMAPS", Port.IMAPS), ("STARTTLS", Port.IMAP)])
def test_mbsync(clients: Clients, tls: str, port: Port) -> None:
    """Many small messages, a large one each way, pipelined as mbsync does it, and a second run."""
    user = clients.stack.fresh_user()
    with imap(clients.stack, user) as client:
        for number in range(MANY):
            client.append("INBOX", b"Subject: message %d\r\n\r\nbody %d\r\n" % (number, number))
        client.append("INBOX", LARGE)
    folder = clients.home / "mail"
    folder.mkdir()
    config = clients.file(
        "mbsyncrc",
        f"IMAPAccount a\nHost {STORE_NAME}\nPort {clients.number(port)}\nUser {user.address}\nPass {user.password}\n"
        f"SSLType {tls}\nSystemCertificates no\nCertificateFile {clients.ca}\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/\nInbox {folder}/INBOX\n\n"
        "Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
    )
    said = clients.run("mbsync", "-Dn", "-c", str(config), "c")
    assert b"COMPRESS DEFLATE" in said
    files = [*(folder / "INBOX" / "new").iterdir(), *(folder / "INBOX" / "cur").iterdir()]
    assert len(files) == MANY + 1
    assert max(file.stat().st_size for file in files) > 2_000_000

    (folder / "INBOX" / "cur" / "1.host:2,F").write_bytes(LARGE.replace(b"\r\n", b"\n").replace(b"large", b"back"))
    clients.run("mbsync", "-c", str(config), "c")
    with imap(clients.stack, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == MANY + 2


def test_neomutt(clients: Clients) -> None:
    """A mailbox whose name is not ASCII is made, filled and left (RFC 6855)."""
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For neomutt")
    server = f"imaps://{STORE_NAME}:{clients.number(Port.IMAPS)}/"
    clients.file(
        ".neomuttrc",
        f'set imap_user="{user.address}" imap_pass="{user.password}" charset=utf-8\n'
        f'set ssl_force_tls=yes ssl_ca_certificates_file="{clients.ca}"\n'
        f'set folder="{server}" pipe_decode=no wait_key=no confirmappend=no confirmcreate=no quit=yes\n',
    )
    keys = f"<pipe-message>cat >{clients.home}/got<enter><copy-message>=B\u00fccher<enter><quit>"
    options = ("-n", "-d", "2", "-l", str(clients.home / "log"))
    clients.run_on_terminal("neomutt", *options, "-f", f"{server}INBOX", "-e", f'push "{keys}"')
    assert (clients.home / "got").read_bytes() == content.replace(b"\r\n", b"\n")
    assert arrived(clients.stack, user, mailbox="B\u00fccher") == [content]
    (log,) = clients.home.glob("log*")
    assert "ENABLE UTF8=ACCEPT" in log.read_text(errors="replace")
