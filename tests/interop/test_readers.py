"""Programs that read: each fetches what has arrived, and those that can change it do."""

from __future__ import annotations

import imaplib
import poplib
import re
from typing import TYPE_CHECKING

import imap_tools
import imapclient
import pytest

from tests.harness.mailboxes import arrived, imap, pop3, retrieved
from tests.harness.smtp import client_context, submit
from tests.harness.stack import STORE_NAME, Port, Stack
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop


def unix(content: bytes) -> bytes:
    """Return content with the line ends that programs on Unix store."""
    return content.replace(b"\r\n", b"\n")


def only_file(*folders: Path) -> bytes:
    """Return the content of the only file in the folders."""
    (file,) = [file for folder in folders for file in folder.iterdir()]
    return file.read_bytes()


def maildir(path: Path) -> Path:
    """Make an empty Maildir."""
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def test_curl_imap(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For curl")
    common = ("--silent", "--show-error", "--cacert", clients.ca, "--user", f"{user.address}:{user.password}")
    secure = f"imaps://{STORE_NAME}:{clients.number(Port.IMAPS)}"
    upgraded = f"imap://{STORE_NAME}:{clients.number(Port.IMAP)}"
    assert b'"/" INBOX' in clients.run("curl", *common, secure).replace(b'"INBOX"', b"INBOX")
    assert clients.run("curl", *common, f"{secure}/INBOX;MAILINDEX=1") == content
    assert clients.run("curl", *common, "--ssl-reqd", f"{upgraded}/INBOX;UID=1") == content
    header = clients.run("curl", *common, f"{secure}/INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)")
    assert header == b"Subject: For curl\r\n\r\n"
    assert clients.run("curl", *common, f"{secure}/INBOX?SUBJECT%20curl") == b"* SEARCH 1\r\n"
    clients.file("letter", simple("Put there by curl").decode())  # APPEND has to know the size before
    clients.run("curl", *common, f"{secure}/INBOX", "--upload-file", "letter")
    assert len(arrived(clients.stack, user, count=2)) == 2
    clients.run("curl", *common, f"{secure}/INBOX", "--request", r"STORE 1 +FLAGS (\Deleted)")
    clients.run("curl", *common, f"{secure}/INBOX", "--request", "EXPUNGE")
    assert len(arrived(clients.stack, user)) == 1


def test_curl_pop3(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For curl")
    common = ("--silent", "--show-error", "--cacert", clients.ca, "--user", f"{user.address}:{user.password}")
    secure = f"pop3s://{STORE_NAME}:{clients.number(Port.POP3S)}"
    upgraded = f"pop3://{STORE_NAME}:{clients.number(Port.POP3)}"
    assert clients.run("curl", *common, secure) == f"1 {len(content)}\r\n".encode()
    assert clients.run("curl", *common, f"{secure}/1") == content
    assert clients.run("curl", *common, "--ssl-reqd", f"{upgraded}/1") == content
    clients.run("curl", *common, f"{secure}/1", "--request", "DELE", "--list-only")
    assert clients.run("curl", *common, secure).strip() == b""


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_fetchmail(clients: Clients, protocol: str) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For fetchmail")
    port = clients.number(Port.POP3 if protocol == "pop3" else Port.IMAP)
    config = clients.file(
        "fetchmailrc",
        f'poll {STORE_NAME} protocol {protocol} service {port} user "{user.address}" password "{user.password}"\n'
        f'sslproto "TLS1.2+" sslcertck sslcertfile "{clients.ca}" no rewrite mda "cat >>{clients.home}/got"\n',
    )
    clients.run(
        "fetchmail", "--fetchmailrc", str(config), "--pidfile", f"{clients.home}/pid", "--invisible", "--silent"
    )
    assert (clients.home / "got").read_bytes() == unix(content)
    with imap(clients.stack, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0  # it takes away what it fetched


@pytest.mark.parametrize("port", [Port.POP3, Port.POP3S])
def test_mpop(clients: Clients, port: Port) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For mpop")
    folder = maildir(clients.home / "mail")
    config = clients.file(
        "mpoprc",
        f"account default\nhost {STORE_NAME}\nport {clients.number(port)}\nuser {user.address}\n"
        f"password {user.password}\nauth plain\nkeep off\nreceived_header off\ndelivery maildir {folder}\n"
        f"uidls_file {clients.home}/uidls\n"
        f"tls on\ntls_starttls {'on' if port is Port.POP3 else 'off'}\ntls_trust_file {clients.ca}\n",
    )
    clients.run("mpop", "-C", str(config))
    assert only_file(folder / "new") == unix(content)
    with pop3(clients.stack, user) as maildrop:
        assert maildrop.stat() == (0, 0)


@pytest.mark.parametrize(("tls", "port"), [("IMAPS", Port.IMAPS), ("STARTTLS", Port.IMAP)])
def test_mbsync(clients: Clients, tls: str, port: Port) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For mbsync")
    folder = clients.home / "mail"
    folder.mkdir()
    config = clients.file(
        "mbsyncrc",
        f"IMAPAccount a\nHost {STORE_NAME}\nPort {clients.number(port)}\nUser {user.address}\nPass {user.password}\n"
        f"SSLType {tls}\nSystemCertificates no\nCertificateFile {clients.ca}\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/\nInbox {folder}/INBOX\n\n"
        "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
    )
    sync = ("mbsync", "-c", str(config), "c")
    clients.run(*sync)
    inbox = folder / "INBOX"
    # mbsync adds a field by which it finds a message again; nothing else is changed.
    assert re.sub(rb"(?m)^X-TUID: .*\n", b"", only_file(inbox / "cur", inbox / "new")) == unix(content)

    # What changes here changes there: a message is read, another is put in a mailbox of its own.
    (file,) = [*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()]
    file.rename(inbox / "cur" / (file.name.partition(":")[0] + ":2,S"))
    archive = folder / "Archive"  # of the mailboxes that every account has
    (archive / "cur" / "1.host:2,F").write_bytes(unix(simple("Put there by mbsync")))
    clients.run(*sync)
    with imap(clients.stack, user) as client:
        client.select_folder("INBOX")
        assert rb"\Seen" in client.get_flags([1])[1]
        client.select_folder("Archive")
        assert rb"\Flagged" in client.get_flags([1])[1]

        # ... and what changes there changes here.
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge()
    clients.run(*sync)
    assert [*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()] == []


def test_neomutt(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For neomutt")
    server = f"imap://{STORE_NAME}:{clients.number(Port.IMAP)}/"
    clients.file(
        ".neomuttrc",
        f'set imap_user="{user.address}" imap_pass="{user.password}"\n'
        f'set ssl_force_tls=yes ssl_ca_certificates_file="{clients.ca}"\n'
        f'set folder="{server}" pipe_decode=no wait_key=no confirmappend=no quit=yes delete=yes\n',
    )
    keys = f"<pipe-message>cat >{clients.home}/got<enter><copy-message>=Sent<enter><delete-message><quit>"
    clients.run_on_terminal("neomutt", "-n", "-f", f"{server}INBOX", "-e", f'push "{keys}"')
    assert unix((clients.home / "got").read_bytes()) == unix(content)
    assert arrived(clients.stack, user, mailbox="Sent") == [content]
    with imap(clients.stack, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


@pytest.mark.parametrize("protocol", ["POP3", "IMAP"])
def test_getmail(clients: Clients, protocol: str) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For getmail")
    port = clients.number(Port.POP3S if protocol == "POP3" else Port.IMAPS)
    clients.file(
        "getmailrc",
        f"[retriever]\ntype = Simple{protocol}SSLRetriever\nserver = {STORE_NAME}\nport = {port}\n"
        f"username = {user.address}\npassword = {user.password}\nca_certs = {clients.ca}\n"
        f"[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ('-c', 'cat >{clients.home}/got')\n"
        "unixfrom = false\nallow_root_commands = true\n"
        "[options]\ndelete = true\ndelivered_to = false\nreceived = false\n",
    )
    clients.run("getmail", "--getmaildir", str(clients.home), "--rcfile", "getmailrc")
    got = re.sub(rb"(?m)^X-getmail-retrieved-from-mailbox: .*\n", b"", (clients.home / "got").read_bytes())
    assert got == unix(content)
    with imap(clients.stack, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


def test_s_nail(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For s-nail")
    login, host = user.address.replace("@", "%40"), f"{STORE_NAME}:{clients.number(Port.IMAPS)}"
    printed = clients.run(
        "s-nail",
        *("-:u", "-S", "v15-compat", "-S", "tls-verify=strict", "-S", f"tls-ca-file={clients.ca}"),
        *("-S", "tls-ca-no-defaults", "-S", "imap-auth=login", "-S", f"imap-cache={clients.home}/cache"),
        *("-Y", "type 1", "-Y", "xit", "-f", f"imaps://{login}:{user.password}@{host}/INBOX"),
    )
    assert b"Subject: For s-nail" in printed


def test_poplib(native: Stack) -> None:
    user = native.fresh_user()
    for number in range(3):
        submit(native, user, [user.address], simple(f"Number {number}", b".\r\n..\r\n"))
    contents = arrived(native, user, count=3)
    endpoint = native.endpoint(Port.POP3)
    client = poplib.POP3(*endpoint, timeout=30)
    assert "STLS" in client.capa()
    client.stls(client_context(native))
    client.user(user.address)
    client.pass_(user.password)
    assert client.stat() == (3, sum(map(len, contents)))
    assert [int(line.split()[1]) for line in client.list()[1]] == [len(content) for content in contents]
    assert len({line.split()[1] for line in client.uidl()[1]}) == 3
    assert [retrieved(client, number) for number in (1, 2, 3)] == contents
    assert b"\r\n".join(client.top(2, 1)[1]) == contents[1].removesuffix(b"..\r\n").removesuffix(b"\r\n")
    client.dele(1)
    client.rset()
    client.dele(2)
    client.quit()
    with pop3(native, user) as again:
        assert again.stat()[0] == 2
        assert [retrieved(again, number) for number in (1, 2)] == [contents[0], contents[2]]


def test_poplib_apop(native: Stack) -> None:
    """In UTF-8 (RFC 6856 §2); RPOP, which the library knows too, is gone since RFC 1725."""
    user = native.fresh_user()
    submit(native, user, [user.address], simple("By APOP"))
    (content,) = arrived(native, user)
    client = poplib.POP3(*native.endpoint(Port.POP3), timeout=30)
    client.utf8()
    client.apop(user.address, user.password)
    assert retrieved(client, 1) == content
    assert client.uidl(1).startswith(b"+OK 1 ")
    with pytest.raises(poplib.error_proto, match="-ERR Unknown command"):
        client.rpop(user.address)
    client.quit()


def test_imaplib(native: Stack) -> None:
    user = native.fresh_user()
    endpoint = native.endpoint(Port.IMAP)
    content = simple("By APPEND")
    with imaplib.IMAP4(*endpoint, timeout=30) as client:
        assert "LOGINDISABLED" in client.capabilities
        client.starttls(client_context(native))
        client.login(user.address, user.password)
        assert client.create('"Some mailbox"')[0] == "OK"
        assert client.append('"Some mailbox"', r"(\Draft)", '"23-Nov-2026 12:00:00 +0000"', content)[0] == "OK"
        assert client.select('"Some mailbox"') == ("OK", [b"1"])
        assert client.search(None, "DRAFT", "SUBJECT", "append") == ("OK", [b"1"])
        assert client.fetch("1", "(RFC822)")[1][0][1] == content  # type: ignore[index]
        assert client.uid("COPY", "1", "INBOX")[0] == "OK"
        assert client.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert client.expunge() == ("OK", [b"1"])
        assert client.select("INBOX") == ("OK", [b"1"])
        _, (envelope,) = client.fetch("1", "(ENVELOPE)")
        assert b'"By APPEND"' in envelope  # type: ignore[operator]
        assert client.rename('"Some mailbox"', "Other")[0] == "OK"
        assert client.delete("Other")[0] == "OK"


def test_imapclient(native: Stack) -> None:
    user = native.fresh_user()
    with imap(native, user) as client:
        for capability in (b"UIDPLUS", b"MOVE", b"IDLE", b"NAMESPACE", b"ID", b"SPECIAL-USE", b"UNSELECT"):
            assert client.has_capability(capability), capability
        assert client.id_({"name": "test"})
        assert client.namespace().personal == (("", "/"),)
        client.select_folder("INBOX")
        client.idle()
        submit(native, user, [user.address], simple("During IDLE"))
        assert (1, b"EXISTS") in client.idle_check(timeout=30)
        client.idle_done()
        data = client.fetch([1], ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "FLAGS"])[1]
        assert data[b"ENVELOPE"].subject == b"During IDLE"
        assert data[b"BODYSTRUCTURE"][0].lower() == b"text"
        client.create_folder("Grüße/Inner")
        client.move([1], "Grüße/Inner")
        assert client.search() == []
        client.select_folder("Grüße/Inner")
        assert client.search(["SUBJECT", "idle"]) == [1]
        client.add_flags([1], ["$Label1", imapclient.FLAGGED])
        assert {b"$Label1", imapclient.FLAGGED} <= set(client.get_flags([1])[1])
        assert {name for _, _, name in client.list_folders()} >= {"INBOX", "Grüße/Inner"}
        status = client.folder_status("Grüße/Inner")
        assert status[b"MESSAGES"] == 1


def test_imap_tools(native: Stack) -> None:
    user = native.fresh_user()
    endpoint = native.endpoint(Port.IMAPS)
    for number in range(3):
        submit(native, user, [user.address], simple(f"Number {number}"))
        arrived(native, user, count=number + 1)  # the relay does not keep their order
    box = imap_tools.MailBox(endpoint.host, endpoint.port, timeout=30, ssl_context=client_context(native))
    with box.login(user.address, user.password):
        assert [message.subject for message in box.fetch(mark_seen=False)] == ["Number 0", "Number 1", "Number 2"]
        (matched,) = box.fetch(imap_tools.AND(subject="Number 1", seen=False))
        assert matched.from_ == "sender@alpha.test"
        assert [message.uid for message in box.fetch(imap_tools.AND(seen=True))] == [matched.uid]
        box.folder.create("Kept")
        assert matched.uid
        box.move(matched.uid, "Kept")
        assert len(box.uids()) == 2
        box.delete(box.uids())
        assert box.folder.status("INBOX")["MESSAGES"] == 0
        assert box.folder.status("Kept")["MESSAGES"] == 1
