"""Programs that send: each hands a letter to the relay and it arrives."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from tests.harness.mailboxes import arrived, parse
from tests.harness.smtp import client_context
from tests.harness.stack import BOB, RELAY_NAME, Port, Stack, User

if TYPE_CHECKING:
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop

LETTER = "From: {user}\nTo: {user}\nSubject: By {program}\n\nHello,\n.\n..dots\n. and Grüße\n"


def letter(program: str, user: User) -> bytes:
    """Return a letter as a program reads it from its user: with line ends of Unix."""
    return LETTER.format(program=program, user=user.address).encode()


def check(stack: Stack, user: User, program: str) -> None:
    """Assert that the letter has arrived, once and whole."""
    (content,) = arrived(stack, user)
    message = parse(content)
    assert message["Subject"] == f"By {program}"
    assert content.endswith("\r\n\r\nHello,\r\n.\r\n..dots\r\n. and Grüße\r\n".encode())


@pytest.mark.parametrize(
    ("port", "options"),
    [
        (Port.SUBMISSION, ["--tls", "--auth", "PLAIN"]),
        (Port.SUBMISSION, ["--tls", "--auth", "LOGIN", "--pipeline"]),
        (Port.SUBMISSIONS, ["--tls-on-connect", "--auth", "PLAIN"]),
    ],
)
def test_swaks(clients: Clients, port: Port, options: list[str]) -> None:
    user = clients.stack.fresh_user()
    clients.file("letter", letter("swaks", user).decode().removesuffix("\n"))  # it adds the last line end itself
    clients.run(
        "swaks",
        *("--server", RELAY_NAME, "--port", str(clients.number(port)), "--from", user.address, "--to", user.address),
        *("--auth-user", user.address, "--auth-password", user.password),
        *("--tls-verify", "--tls-ca-path", clients.ca, "--data", "@letter", *options),
    )
    check(clients.stack, user, "swaks")


def test_swaks_to_port_25(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    port = str(clients.number(Port.SMTP))
    clients.file("letter", letter("swaks", user).decode().removesuffix("\n"))  # it adds the last line end itself
    common = ("--server", RELAY_NAME, "--port", port, "--from", "me@elsewhere.example", "--tls-optional")
    clients.run("swaks", *common, "--to", user.address, "--data", "@letter")
    check(clients.stack, user, "swaks")
    # swaks ends with 24 when every recipient was refused
    clients.run("swaks", *common, "--to", "you@elsewhere.example", codes=(24,))


@pytest.mark.parametrize("port", [Port.SUBMISSION, Port.SUBMISSIONS])
def test_msmtp(clients: Clients, port: Port) -> None:
    user = clients.stack.fresh_user()
    starttls = "on" if port is Port.SUBMISSION else "off"
    config = clients.file(
        "msmtprc",
        f"account default\nhost {RELAY_NAME}\nport {clients.number(port)}\nfrom {user.address}\n"
        f"auth on\nuser {user.address}\npassword {user.password}\n"
        f"tls on\ntls_starttls {starttls}\ntls_trust_file {clients.ca}\n",
    )
    clients.run("msmtp", "-C", str(config), "-t", stdin=letter("msmtp", user))
    check(clients.stack, user, "msmtp")


@pytest.mark.parametrize(("scheme", "port"), [("smtp", Port.SUBMISSION), ("smtps", Port.SUBMISSIONS)])
def test_curl(clients: Clients, scheme: str, port: Port) -> None:
    user = clients.stack.fresh_user()
    clients.run(
        "curl",
        *("--silent", "--show-error", f"{scheme}://{RELAY_NAME}:{clients.number(port)}", "--ssl-reqd", "--crlf"),
        *("--cacert", clients.ca, "--user", f"{user.address}:{user.password}"),
        *("--mail-from", user.address, "--mail-rcpt", user.address, "--upload-file", "-"),
        stdin=letter("curl", user),
    )
    check(clients.stack, user, "curl")


def test_neomutt(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    clients.file(
        ".neomuttrc",
        f'set from="{user.address}" realname="A user" use_from=yes use_envelope_from=yes\n'
        f'set smtp_url="smtp://{user.address}@{RELAY_NAME}:{clients.number(Port.SUBMISSION)}"\n'
        f'set smtp_pass="{user.password}" copy=no\n'
        f'set ssl_force_tls=yes ssl_ca_certificates_file="{clients.ca}"\n',
    )
    clients.run("neomutt", "-s", "By neomutt", user.address, stdin="Hello,\n.\n..dots\n. and Grüße\n".encode())
    (content,) = arrived(clients.stack, user)
    assert parse(content)["Subject"] == "By neomutt"
    text = parse(content).get_content()  # in a charset of its choice
    assert text.splitlines() == ["Hello,", ".", "..dots", ". and Grüße"]


def test_s_nail(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    login, host = user.address.replace("@", "%40"), f"{RELAY_NAME}:{clients.number(Port.SUBMISSIONS)}"
    clients.run(
        "s-nail",
        *("-:u", "-S", "v15-compat", "-S", f"mta=smtps://{login}:{user.password}@{host}", "-S", "smtp-auth=plain"),
        *("-S", "tls-verify=strict", "-S", f"tls-ca-file={clients.ca}", "-S", "tls-ca-no-defaults"),
        *("-r", user.address, "-s", "By s-nail", user.address),
        stdin=b"Hello.\n",
    )
    (content,) = arrived(clients.stack, user)
    assert parse(content)["Subject"] == "By s-nail"


def test_smtplib(native: Stack) -> None:
    user = native.fresh_user()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = user.address, user.address, "By smtplib"
    message.set_content("Grüße\n")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="a.bin")
    endpoint = native.endpoint(Port.SUBMISSION)
    with smtplib.SMTP(*endpoint) as client:
        assert not client.has_extn("auth")
        client.starttls(context=client_context(native))
        client.login(user.address, user.password)
        assert client.send_message(message) == {}
    (content,) = arrived(native, user)
    (attachment,) = parse(content).iter_attachments()
    assert attachment.get_content() == bytes(range(256))

    with smtplib.SMTP_SSL(*native.endpoint(Port.SUBMISSIONS), context=client_context(native)) as tls_client:
        tls_client.login(user.address, user.password)
        assert tls_client.verify(user.address)[0] in {250, 252}
        with pytest.raises(smtplib.SMTPSenderRefused):
            tls_client.sendmail("someone@elsewhere.example", [user.address], b"Subject: x\r\n\r\n")
        # Wrong recipients are told one by one, the right one still gets it.
        refused = tls_client.sendmail(user.address, [user.address, "not an address"], b"Subject: y\r\n\r\n")
        assert list(refused) == ["not an address"]
    assert len(arrived(native, user, count=2)) == 2


async def test_aiosmtplib(native: Stack) -> None:
    user = native.fresh_user()
    endpoint = native.endpoint(Port.SUBMISSION)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = user.address, user.address, "By aiosmtplib"
    message.set_content("Hello.\n")
    errors, _ = await aiosmtplib.send(
        message,
        hostname=endpoint.host,
        port=endpoint.port,
        start_tls=True,
        tls_context=client_context(native),
        username=user.address,
        password=user.password,
    )
    assert errors == {}
    (content,) = arrived(native, user)
    assert parse(content)["Subject"] == "By aiosmtplib"


def test_open_relay_is_refused_to_smtplib(native: Stack) -> None:
    with smtplib.SMTP(*native.endpoint(Port.SMTP)) as client:
        client.starttls(context=client_context(native))
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("me@elsewhere.example", ["you@elsewhere.example"], b"Subject: x\r\n\r\n")
        assert client.sendmail("me@elsewhere.example", [BOB.address], b"Subject: to bob\r\n\r\n") == {}
