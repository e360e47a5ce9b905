"""Clients that come back after somebody else has changed the mailbox: each finds out, by whatever it speaks."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aioimaplib
import pytest

from tests.harness.mailboxes import arrived, imap
from tests.harness.needs import require
from tests.harness.smtp import client_context, submit
from tests.harness.stack import STORE_NAME, Port, Stack
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import User
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop


def delivered(stack: Stack, user: User, count: int) -> None:
    """Have so many messages arrive, in this order."""
    for number in range(1, count + 1):
        submit(stack, user, [user.address], simple(f"Number {number}"))
        arrived(stack, user, count=number)


def changed_elsewhere(stack: Stack, user: User, *, count: int = 3) -> None:
    """Read the first of `count` messages, remove the second, and have one more arrive."""
    with imap(stack, user) as client:
        client.select_folder("INBOX")
        client.add_flags([1], [rb"\Seen", rb"\Flagged"])
        client.delete_messages([2])
        client.expunge()
    submit(stack, user, [user.address], simple("Number 4"))
    arrived(stack, user, count=count)


def files(folder: Path) -> dict[str, str]:
    """Return the flags of the messages of a Maildir by their subjects."""
    by_subject = {}
    for path in (*(folder / "new").iterdir(), *(folder / "cur").iterdir()):
        subject = re.search(rb"Subject: (.*)", path.read_bytes())
        assert subject is not None
        by_subject[subject[1].decode().strip()] = "".join(sorted(path.name.partition(":2,")[2]))
    return by_subject


BEFORE = {"Number 1": "", "Number 2": "", "Number 3": ""}
AFTER = {"Number 1": "FS", "Number 3": "", "Number 4": ""}


def test_mbsync(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    delivered(clients.stack, user, 3)
    folder = clients.home / "mail"
    folder.mkdir()
    config = clients.file(
        "mbsyncrc",
        f"IMAPAccount a\nHost {STORE_NAME}\nPort {clients.number(Port.IMAPS)}\nUser {user.address}\n"
        f"Pass {user.password}\nSSLType IMAPS\nSystemCertificates no\nCertificateFile {clients.ca}\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/\nInbox {folder}/INBOX\n\n"
        "Channel c\nFar :far:\nNear :near:\nExpunge Both\nSync All\nSyncState *\n",
    )
    clients.run("mbsync", "-c", str(config), "c")
    assert files(folder / "INBOX") == BEFORE
    changed_elsewhere(clients.stack, user)
    clients.run("mbsync", "-c", str(config), "c")
    assert files(folder / "INBOX") == AFTER


def test_offlineimap(clients: Clients) -> None:
    """It compares UIDs and flags, and speaks no CONDSTORE."""
    user = clients.stack.fresh_user()
    delivered(clients.stack, user, 3)
    folder = clients.home / "mail"
    config = clients.file(
        "offlineimaprc",
        f"[general]\naccounts = a\nmetadata = {clients.home}/meta\n\n[Account a]\nlocalrepository = near\n"
        f"remoterepository = far\n\n[Repository near]\ntype = Maildir\nlocalfolders = {folder}\n\n"
        f"[Repository far]\ntype = IMAP\nremotehost = {STORE_NAME}\nremoteport = {clients.number(Port.IMAPS)}\n"
        f"ssl = yes\nsslcacertfile = {clients.ca}\nremoteuser = {user.address}\nremotepass = {user.password}\n"
        "folderfilter = lambda name: name == 'INBOX'\n",
    )
    run = ("offlineimap", "-c", str(config), "-o", "-1", "-u", "quiet")
    clients.run(*run)
    assert files(folder / "INBOX") == BEFORE
    changed_elsewhere(clients.stack, user)
    clients.run(*run)
    assert files(folder / "INBOX") == AFTER


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
@pytest.mark.parametrize("options", ["", "set imap_condstore=yes", "set imap_condstore=yes imap_qresync=yes"])
def test_mutt_and_neomutt(clients: Clients, program: str, options: str) -> None:
    """Their header cache is filled, and corrected when they come back (RFC 7162)."""
    user = clients.stack.fresh_user()
    delivered(clients.stack, user, 3)
    server = f"imap://{STORE_NAME}:{clients.number(Port.IMAP)}/"
    (clients.home / "cache").mkdir()
    clients.file(
        f".{program}rc",
        f'set imap_user="{user.address}" imap_pass="{user.password}"\n'
        f'set ssl_force_tls=yes ssl_ca_certificates_file="{clients.ca}"\n'
        f'set folder="{server}" pipe_decode=no wait_key=no quit=yes header_cache="{clients.home}/cache"\n'
        f"{options}\n",
    )
    mutt = (program, "-n", "-f", f"{server}INBOX", "-e")
    clients.run_on_terminal(*mutt, 'push "<quit>"')
    changed_elsewhere(clients.stack, user)
    keys = f"<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >>{clients.home}/got<enter><quit>"
    clients.run_on_terminal(*mutt, f'push "{keys}"')
    got = (clients.home / "got").read_bytes()
    assert re.findall(rb"Subject: (.*)", got) == [b"Number 1", b"Number 3", b"Number 4"]
    flagged = f"<tag-pattern>~F<enter><tag-prefix><pipe-message>cat >>{clients.home}/flagged<enter><quit>"
    clients.run_on_terminal(*mutt, f'push "{flagged}"')
    assert re.findall(rb"Subject: (.*)", (clients.home / "flagged").read_bytes()) == [b"Number 1"]


DOVEADM = """
base_dir =
log_path = /dev/stderr
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
mail_location = sdbox:{folder}/mail
imapc_host = {server.host}
imapc_port = {server.port}
imapc_ssl = imaps
imapc_ssl_verify = no
imapc_user = {user.address}
imapc_password = {user.password}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@pytest.fixture
def dovecot_folder() -> Iterator[Path]:
    """A folder that Dovecot's own users can enter."""
    folder = Path(tempfile.mkdtemp(prefix="postroad-doveadm-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_doveadm(clients: Clients, dovecot_folder: Path) -> None:
    """Dovecot moves mail to itself by IMAP, comes again for what has changed, and carries its own changes back."""
    require(os.geteuid() == 0, "doveadm needs root to become its user")
    user = clients.stack.fresh_user()
    delivered(clients.stack, user, 3)
    with imap(clients.stack, user) as client:
        client.create_folder("Grüße/Inner")
        client.append("Grüße/Inner", simple("Inside"), [rb"\Answered", b"kept"])
    shutil.chown(dovecot_folder, "mail", "mail")
    clients.environment["USER"] = "somebody"
    server = clients.endpoint(Port.IMAPS)  # by address: Dovecot clears the environment, and libnss-wrapper with it
    config = clients.file("doveadm.conf", DOVEADM.format(folder=dovecot_folder, server=server, user=user))

    def doveadm(*words: str) -> str:
        return clients.run("doveadm", "-c", str(config), *words).decode()

    def there(mailbox: str) -> dict[str, set[str]]:
        lines = doveadm("-f", "tab", "fetch", "hdr.subject flags", "mailbox", mailbox, "all").splitlines()[1:]
        return {
            subject: set(flags.split()) - {r"\Recent"} for subject, _, flags in (line.partition("\t") for line in lines)
        }

    doveadm("backup", "-R", "imapc:")
    assert there("INBOX") == {"Number 1": set(), "Number 2": set(), "Number 3": set()}
    assert there("Grüße/Inner") == {"Inside": {r"\Answered", "kept"}}
    changed_elsewhere(clients.stack, user)
    doveadm("backup", "-R", "imapc:")
    assert there("INBOX") == {"Number 1": {r"\Seen", r"\Flagged"}, "Number 3": set(), "Number 4": set()}
    doveadm("flags", "add", r"\Answered own", "mailbox", "INBOX", "subject", "Number 3")
    doveadm("expunge", "mailbox", "INBOX", "subject", "Number 1")
    doveadm("copy", "INBOX", "mailbox", "INBOX", "subject", "Number 4")
    doveadm("flags", "add", "alone", "mailbox", "INBOX", "subject", "Number 4")  # imapc appends it as `( alone)`
    doveadm("sync", "imapc:")
    with imap(clients.stack, user) as client:
        client.select_folder("INBOX")
        flags = {uid: set(names) - {rb"\Recent"} for uid, names in client.get_flags(client.search()).items()}
        assert flags == {3: {rb"\Answered", b"own"}, 4: {b"alone"}, 5: {b"alone"}}


def test_imapclient(native: Stack) -> None:
    """It speaks ENABLE and FETCH with modifiers."""
    user = native.fresh_user()
    delivered(native, user, 3)
    with imap(native, user) as client:
        assert set(client.enable("CONDSTORE")) == {b"CONDSTORE"}
        before = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
        client.unselect_folder()
        changed_elsewhere(native, user)
        after = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
        assert after > before
        changed = client.fetch([1, 2, 3, 4], ["FLAGS"], [f"CHANGEDSINCE {before}"])
        assert {uid: set(data[b"FLAGS"]) - {rb"\Recent"} for uid, data in changed.items()} == {
            1: {rb"\Seen", rb"\Flagged"},
            4: set(),
        }
        assert all(data[b"MODSEQ"] for data in changed.values())
        assert client.search() == [1, 3, 4]


async def test_aioimaplib(native: Stack) -> None:
    """It is told while it idles, and fetches what has changed since by CHANGEDSINCE."""
    user = native.fresh_user()
    await asyncio.to_thread(delivered, native, user, 3)
    endpoint = native.endpoint(Port.IMAPS)
    client = aioimaplib.IMAP4_SSL(endpoint.host, endpoint.port, timeout=30, ssl_context=client_context(native))
    await client.wait_hello_from_server()
    assert (await client.login(user.address, user.password)).result == "OK"
    assert (await client.enable("QRESYNC")).result == "OK"
    selected = b"\n".join((await client.select("INBOX")).lines)
    modseq = re.search(rb"HIGHESTMODSEQ (\d+)", selected)
    assert modseq is not None
    await client.idle_start(timeout=30)
    changing = asyncio.create_task(asyncio.to_thread(changed_elsewhere, native, user))
    heard = b""
    while not (b"FETCH" in heard and b"VANISHED 2" in heard and b"EXISTS" in heard):
        heard += b"\n".join(await client.wait_server_push(timeout=30))
    client.idle_done()
    await changing
    answer = b"\n".join((await client.uid("fetch", "1:*", f"(FLAGS) (CHANGEDSINCE {int(modseq[1])})")).lines)
    assert sorted(map(int, re.findall(rb"UID (\d+)", answer))) == [1, 4]
    await client.logout()
