"""Clients that were written for Mailpit, unchanged, against a running Postroad.

They empty the whole world between their steps, so they have a stack of their own. It asks for a password, as each of
them can give one.
"""

from __future__ import annotations

import json
import smtplib
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_mailpit import MailpitClient
from pytest_mailpit.chaos import Chaos
from pytest_mailpit.errors import MailpitAPIError, MailpitAssertionError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.harness.needs import require, require_program
from tests.harness.processes import ProcessStack, plain_environment
from tests.harness.stack import WAIT, Port, Service, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("mailpit-clients")]

USER, PASSWORD = "tester", "sesame"
CLIENTS = Path(__file__).parent / "mailpit"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"POSTROAD_WEB_AUTH": f"{USER}:{PASSWORD}"}
    with ProcessStack(tmp_path_factory.mktemp("mailpit"), settings=settings) as stack:
        stack.logs[Service.WEB].wait("the catalog has caught up")  # /readyz is 503 until then
        yield stack
        stack.check_logs()


@pytest.fixture
def url(stack: Stack) -> str:
    host, port = stack.endpoint(Port.WEB)
    return f"http://{host}:{port}"


@pytest.mark.parametrize("client", ["mailpit-api", "cypress-mailpit"])
def test_node(url: str, client: str) -> None:
    require((CLIENTS / "node_modules" / client).exists(), f"no {client}: npm ci --prefix tests/interop/mailpit")
    done = subprocess.run(
        [require_program("node"), CLIENTS / f"{client}.mjs", url, USER, PASSWORD],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


@pytest.fixture
def mailpit(url: str) -> Iterator[MailpitClient]:
    with MailpitClient(url, username=USER, password=PASSWORD, wait_timeout=WAIT, poll_interval=0.05) as client:
        yield client


def mail(stack: Stack, subject: str, *to: str, text: str = "Text.", html: str = "") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <shop@alpha.test>", to[0], subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="invoice.pdf")
    with smtplib.SMTP(*stack.endpoint(Port.APP)) as smtp:
        smtp.send_message(message, to_addrs=to)


def test_pytest_mailpit(stack: Stack, mailpit: MailpitClient) -> None:
    assert mailpit.is_ready()
    assert mailpit.info().version.startswith("v1.")
    mailpit.delete_all()
    since = mailpit.server_time()
    mail(
        stack,
        "Confirm your account",
        "new@beta.test",
        "hidden@beta.test",
        text="Your code: 314159\nhttps://alpha.test/confirm?token=abc",
        html='<p>Your code: <b>314159</b></p><a href="https://alpha.test/confirm?token=abc">Confirm</a>',
    )
    # No waiting: what has got its 250 is there.
    assert [summary.subject for summary in mailpit.messages().messages] == ["Confirm your account"]
    message = mailpit.wait_for_message(recipient="new@beta.test", subject="Confirm", since=since)
    assert message.code() == "314159"
    assert message.link("confirm") == "https://alpha.test/confirm?token=abc"
    assert [address.address for address in message.bcc] == ["hidden@beta.test"]
    assert mailpit.get_attachment(message.attachment("*.pdf")) == b"%PDF"
    assert mailpit.get_headers(message.id)["Subject"] == ["Confirm your account"]
    assert len(mailpit.get_raw(message.id)) == message.size
    assert mailpit.check_links(message.id).links[0].url == "https://alpha.test/confirm?token=abc"
    assert mailpit.check_html(message.id).tests > 200
    mailpit.assert_no_message(recipient="other@beta.test", within=0.2)
    with pytest.raises(MailpitAssertionError, match="Confirm your account"):
        mailpit.wait_for_message(recipient="other@beta.test", timeout=0.1)


def test_chaos_of_pytest_mailpit(stack: Stack, mailpit: MailpitClient) -> None:
    chaos = Chaos(mailpit)
    try:
        chaos.reject_recipients(550)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            mail(stack, "refused", "new@beta.test")
        assert refused.value.recipients["new@beta.test"] == (550, b"Chaos recipient error")
        chaos.reset()
        chaos.reject_senders(451)
        with pytest.raises(smtplib.SMTPSenderRefused) as no_sender:
            mail(stack, "refused", "new@beta.test")
        assert no_sender.value.smtp_code == 451
    finally:
        chaos.reset()
    mail(stack, "taken", "new@beta.test")
    with pytest.raises(MailpitAPIError, match="404"):
        mailpit.get_message("unknown")


def test_websocket(stack: Stack, url: str, mailpit: MailpitClient) -> None:
    """`mailpit-ws` and Mailpit's own pages listen here."""
    mailpit.delete_all()
    events = f"ws://{USER}:{PASSWORD}@{url.removeprefix('http://')}/api/events"
    with connect(events, origin=Origin(url), open_timeout=WAIT) as socket:

        def until(kind: str) -> Any:
            while (frame := json.loads(socket.recv(WAIT)))["Type"] != kind:
                pass
            return frame["Data"]

        assert until("stats")["Total"] == 0
        mail(stack, "live", "new+tag@beta.test")
        arrived = until("new")
        assert (arrived["Subject"], arrived["Tags"], arrived["Read"]) == ("live", ["tag"], False)
        assert (stats := until("stats"))["Unread"] == 1
        assert stats["Version"] == mailpit.info().version
        mailpit.get_message(arrived["ID"])
        assert until("update") == {"ID": arrived["ID"], "Read": True}
        mailpit.delete_all()
        assert until("truncate") is None
    with pytest.raises(InvalidStatus) as refused:
        connect(events, origin=Origin("http://evil.test"), open_timeout=WAIT)
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as stranger:
        connect(events.replace(PASSWORD, "wrong"), origin=Origin(url), open_timeout=WAIT)
    assert stranger.value.response.status_code == 401


def test_no_password(url: str) -> None:
    with MailpitClient(url) as stranger:
        assert stranger.is_ready()
        with pytest.raises(MailpitAPIError, match="401") as refused:
            stranger.info()
    assert refused.value.detail == "Unauthorized."
