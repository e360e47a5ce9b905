"""Programs that log in by other ways than a password: one flow a mechanism."""

from __future__ import annotations

import imaplib
import time
from typing import TYPE_CHECKING

import pytest

from postroad.control.token import KEY_FILE, read_token
from postroad.sasl.token import Grant, mint
from tests.harness.mailboxes import arrived
from tests.harness.processes import ProcessStack
from tests.harness.smtp import client_context
from tests.harness.stack import RELAY_NAME, STORE_NAME, Port, User
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop


def token_of(clients: Clients, user: User, *scopes: str, life: float = 600.0) -> str:
    """Mint a token, as `postroad token` does."""
    stack = clients.stack
    assert isinstance(stack, ProcessStack)
    key = read_token(stack.data / "control", KEY_FILE).encode()
    now = time.time()
    return mint(key, Grant(user.address, frozenset(scopes or ("mail",)), now + life), now=now, unique=user.address)


def certificate_of(clients: Clients, user: User) -> Path:
    """Make a client certificate by `postroad cert`."""
    stack = clients.stack
    assert isinstance(stack, ProcessStack)
    path = clients.home / "client.pem"
    stack.run("cert", user.address, "-o", str(path))
    return path


# -- sending


@pytest.mark.parametrize("port", [Port.SUBMISSION, Port.SUBMISSIONS])
@pytest.mark.parametrize(
    "mechanism", ["cram-md5", "scram-sha-1", "scram-sha-256", "oauthbearer", "xoauth2", "login", "external"]
)
def test_msmtp(clients: Clients, mechanism: str, port: Port) -> None:
    user = clients.stack.fresh_user()
    secret = token_of(clients, user, "smtp") if "auth" in mechanism else user.password
    more = f"user {user.address}\npassword {secret}\n"
    if mechanism == "external":
        certificate = certificate_of(clients, user)
        more = f"user {user.address}\ntls_cert_file {certificate}\ntls_key_file {certificate}\n"
    config = clients.file(
        "msmtprc",
        f"account default\nhost {RELAY_NAME}\nport {clients.number(port)}\nfrom {user.address}\n"
        f"auth {mechanism}\n{more}"
        f"tls on\ntls_starttls {'on' if port is Port.SUBMISSION else 'off'}\ntls_trust_file {clients.ca}\n",
    )
    clients.run("msmtp", "-C", str(config), user.address, stdin=simple(mechanism))
    (content,) = arrived(clients.stack, user)
    assert mechanism.encode() in content


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_swaks(clients: Clients, mechanism: str) -> None:
    user = clients.stack.fresh_user()
    clients.run(
        "swaks",
        *("--server", RELAY_NAME, "--port", str(clients.number(Port.SUBMISSION)), "--tls", "--auth", mechanism),
        *("--auth-user", user.address, "--auth-password", user.password, "--from", user.address, "--to", user.address),
    )
    assert len(arrived(clients.stack, user)) == 1


@pytest.mark.parametrize("options", ["AUTH=XOAUTH2", "AUTH=OAUTHBEARER"])
def test_curl_sends_with_a_token(clients: Clients, options: str) -> None:
    user = clients.stack.fresh_user()
    send = (
        *("curl", "--silent", "--show-error", f"smtps://{RELAY_NAME}:{clients.number(Port.SUBMISSIONS)}"),
        *("--cacert", clients.ca, "--user", user.address, "--login-options", options),
        *("--mail-from", user.address, "--mail-rcpt", user.address, "--upload-file", "-"),
    )
    clients.run(*send, "--oauth2-bearer", token_of(clients, user), stdin=simple("By curl"))
    assert len(arrived(clients.stack, user)) == 1
    # 67: "the user name, password, or similar was not accepted"
    clients.run(*send, "--oauth2-bearer", token_of(clients, user, "imap"), stdin=simple("By curl"), codes=(67,))
    clients.run(*send, "--oauth2-bearer", token_of(clients, user, life=-1), stdin=simple("By curl"), codes=(67,))


# -- reading


@pytest.mark.parametrize(
    ("scheme", "port"), [("imaps", Port.IMAPS), ("pop3s", Port.POP3S), ("imap", Port.IMAP), ("pop3", Port.POP3)]
)
@pytest.mark.parametrize(
    "options", ["AUTH=CRAM-MD5", "AUTH=LOGIN", "AUTH=OAUTHBEARER", "AUTH=XOAUTH2", "AUTH=EXTERNAL"]
)
def test_curl(clients: Clients, scheme: str, port: Port, options: str) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For curl")
    more: tuple[str, ...] = ("--user", f"{user.address}:{user.password}")
    if "OAUTH" in options:
        more = ("--user", user.address, "--oauth2-bearer", token_of(clients, user, "imap", "pop"))
    if "EXTERNAL" in options:
        more = ("--user", f"{user.address}:", "--cert", str(certificate_of(clients, user)))
    place = "INBOX;MAILINDEX=1" if "imap" in scheme else "1"
    got = clients.run(
        *("curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", clients.ca, "--login-options", options, *more),
        f"{scheme}://{STORE_NAME}:{clients.number(port)}/{place}",
    )
    assert got == content


@pytest.mark.parametrize("options", ["APOP", "APOP plaintext", "CRAM-MD5 plaintext"])
def test_curl_without_a_password_on_the_wire(clients: Clients, options: str) -> None:
    user = clients.stack.fresh_user()
    content = clients.mail_for(user, "For curl")
    way, _, plaintext = options.partition(" ")
    login = "AUTH=+APOP" if way == "APOP" else f"AUTH={way}"
    got = clients.run(
        *("curl", "--silent", "--show-error", *(() if plaintext else ("--ssl-reqd", "--cacert", clients.ca))),
        *("--login-options", login, "--user", f"{user.address}:{user.password}"),
        f"pop3://{STORE_NAME}:{clients.number(Port.POP3)}/1",
    )
    assert got == content


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "EXTERNAL"])
def test_mbsync(clients: Clients, mechanism: str) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For mbsync")
    folder = clients.home / "mail"
    folder.mkdir()
    more = ""
    if mechanism == "EXTERNAL":
        certificate = certificate_of(clients, user)
        more = f"ClientCertificate {certificate}\nClientKey {certificate}\n"
    config = clients.file(
        "mbsyncrc",
        f"IMAPAccount a\nHost {STORE_NAME}\nPort {clients.number(Port.IMAPS)}\nUser {user.address}\n"
        f"Pass {user.password}\nAuthMechs {mechanism}\n{more}"
        f"SSLType IMAPS\nSystemCertificates no\nCertificateFile {clients.ca}\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/\nInbox {folder}/INBOX\n\n"
        "Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n",
    )
    clients.run("mbsync", "-c", str(config), "c")
    assert len([*(folder / "INBOX" / "new").iterdir(), *(folder / "INBOX" / "cur").iterdir()]) == 1


@pytest.mark.parametrize(
    "mechanism", ["apop", "cram-md5", "scram-sha-1", "scram-sha-256", "oauthbearer", "xoauth2", "external"]
)
def test_mpop(clients: Clients, mechanism: str) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For mpop")
    secret = token_of(clients, user, "pop") if "auth" in mechanism else user.password
    more = f"password {secret}\n"
    if mechanism == "external":
        certificate = certificate_of(clients, user)
        more = f"tls_cert_file {certificate}\ntls_key_file {certificate}\n"
    folder = clients.home / "mail"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    config = clients.file(
        "mpoprc",
        f"account default\nhost {STORE_NAME}\nport {clients.number(Port.POP3S)}\nuser {user.address}\n{more}"
        f"auth {mechanism}\nkeep off\nreceived_header off\ndelivery maildir {folder}\nuidls_file {clients.home}/uidls\n"
        f"tls on\ntls_starttls off\ntls_trust_file {clients.ca}\n",
    )
    clients.run("mpop", "-C", str(config))
    assert len(list((folder / "new").iterdir())) == 1


@pytest.mark.parametrize(
    ("protocol", "auth", "port"),
    [
        *(("imap", auth, Port.IMAPS) for auth in ("cram-md5", "external", "any")),
        *(("pop3", auth, Port.POP3S) for auth in ("password", "cram-md5", "any")),
    ],
)
def test_fetchmail(clients: Clients, protocol: str, auth: str, port: Port) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For fetchmail")
    more = ""
    if auth == "external":
        certificate = certificate_of(clients, user)
        more = f'sslcert "{certificate}" sslkey "{certificate}"'
    config = clients.file(
        "fetchmailrc",
        f'poll {STORE_NAME} protocol {protocol} service {clients.number(port)} auth {auth} user "{user.address}" '
        f'password "{user.password}" ssl {more}\n'
        f'sslproto "TLS1.2+" sslcertck sslcertfile "{clients.ca}" no rewrite mda "cat >>{clients.home}/got"\n',
    )
    clients.run("fetchmail", "--fetchmailrc", str(config), "--pidfile", f"{clients.home}/pid", "--invisible")
    assert b"For fetchmail" in (clients.home / "got").read_bytes()


def test_fetchmail_apop(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For fetchmail")
    config = clients.file(
        "fetchmailrc",
        f'poll {STORE_NAME} protocol apop service {clients.number(Port.POP3)} user "{user.address}" '
        f'password "{user.password}" sslproto "" no rewrite mda "cat >>{clients.home}/got"\n',
    )
    clients.run("fetchmail", "--fetchmailrc", str(config), "--pidfile", f"{clients.home}/pid", "--invisible")
    assert b"For fetchmail" in (clients.home / "got").read_bytes()


@pytest.mark.parametrize("way", ["cram", "xoauth2"])
def test_getmail(clients: Clients, way: str) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For getmail")
    more = "use_cram_md5 = true\npassword = " + user.password
    if way == "xoauth2":
        more = f'use_xoauth2 = true\npassword_command = ("echo", "{token_of(clients, user)}")'
    clients.file(
        "getmailrc",
        f"[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = {STORE_NAME}\nport = {clients.number(Port.IMAPS)}\n"
        f"username = {user.address}\nca_certs = {clients.ca}\n{more}\n"
        f"[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ('-c', 'cat >{clients.home}/got')\n"
        "unixfrom = false\nallow_root_commands = true\n[options]\ndelivered_to = false\nreceived = false\n",
    )
    clients.run("getmail", "--getmaildir", str(clients.home), "--rcfile", "getmailrc")
    assert b"For getmail" in (clients.home / "got").read_bytes()


@pytest.mark.parametrize("way", ["plain", "oauthbearer", "external"])
def test_s_nail(clients: Clients, way: str) -> None:
    """By POP3."""
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For s-nail")
    secret = token_of(clients, user, "pop") if way == "oauthbearer" else user.password
    more: tuple[str, ...] = ()
    if way == "external":
        more = ("-S", f"tls-config-pairs=Certificate={certificate_of(clients, user)}")
    login, host = user.address.replace("@", "%40"), f"{STORE_NAME}:{clients.number(Port.POP3S)}"
    printed = clients.run(
        "s-nail",
        *("-:u", "-S", "v15-compat", "-S", "tls-verify=strict", "-S", f"tls-ca-file={clients.ca}"),
        *("-S", "tls-ca-no-defaults", "-S", f"pop3-auth={way}", *more),
        *("-Y", "type 1", "-Y", "xit", "-f", f"pop3s://{login}:{secret}@{host}"),
    )
    assert b"Subject: For s-nail" in printed


@pytest.mark.parametrize("authenticators", ["scram-sha-256", "cram-md5", "oauthbearer", "xoauth2"])
def test_neomutt(clients: Clients, authenticators: str) -> None:
    user = clients.stack.fresh_user()
    clients.mail_for(user, "For neomutt")
    token = token_of(clients, user, "imap") if "auth" in authenticators else ""
    server = f"imaps://{user.address.replace('@', '%40')}@{STORE_NAME}:{clients.number(Port.IMAPS)}/"
    clients.file(
        ".neomuttrc",
        f'set imap_pass="{user.password}" imap_authenticators="{authenticators}"\n'
        f'set imap_oauth_refresh_command="echo {token}"\n'
        f'set ssl_force_tls=yes ssl_ca_certificates_file="{clients.ca}"\n'
        f'set folder="{server}" pipe_decode=no wait_key=no confirmappend=no quit=yes delete=yes\n',
    )
    keys = f"<pipe-message>cat >{clients.home}/got<enter><quit>"
    clients.run_on_terminal("neomutt", "-f", f"{server}INBOX", "-e", f'push "{keys}"')
    assert b"For neomutt" in (clients.home / "got").read_bytes()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "CRAM-MD5", "PLAIN", "LOGIN"])
def test_gsasl(clients: Clients, mechanism: str) -> None:
    """The GNU SASL library binds SCRAM to the TLS 1.3 channel (tls-exporter), and falls for no downgrade."""
    user = clients.stack.fresh_user()
    clients.run(
        *("gsasl", "--imap", "--mechanism", mechanism, "--no-client-first", "--quiet"),
        *("--authentication-id", user.address, "--password", user.password, "--x509-ca-file", clients.ca),
        *("--connect", f"{STORE_NAME}:{clients.number(Port.IMAP)}"),
    )


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_gsasl_over_tls_1_2(clients: Clients, protocol: str, mechanism: str) -> None:
    """There the default is tls-unique, which both services have."""
    user = clients.stack.fresh_user()
    place = f"{STORE_NAME}:{clients.number(Port.IMAP)}"
    if protocol == "smtp":
        place = f"{RELAY_NAME}:{clients.number(Port.SUBMISSION)}"
    clients.run(
        *("gsasl", f"--{protocol}", "--mechanism", mechanism, "--no-client-first", "--quiet"),
        *("--priority", "NORMAL:-VERS-TLS1.3"),
        *("--authentication-id", user.address, "--password", user.password, "--x509-ca-file", clients.ca),
        *("--connect", place),
    )


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"])
def test_gsasl_sends(clients: Clients, mechanism: str) -> None:
    """Over TLS 1.3 the relay has no -PLUS; the program, as the library's users do, goes on without."""
    user = clients.stack.fresh_user()
    clients.run(
        *("gsasl", "--smtp", "--mechanism", mechanism, "--no-client-first", "--quiet", "--no-cb"),
        *("--authentication-id", user.address, "--password", user.password, "--x509-ca-file", clients.ca),
        *("--connect", f"{RELAY_NAME}:{clients.number(Port.SUBMISSION)}"),
    )


def test_imaplib_cram_md5(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    endpoint = clients.endpoint(Port.IMAPS)
    with imaplib.IMAP4_SSL(endpoint.host, endpoint.port, ssl_context=client_context(clients.stack)) as client:
        assert client.login_cram_md5(user.address, user.password)[0] == "OK"
