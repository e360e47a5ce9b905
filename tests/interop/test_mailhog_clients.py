"""Clients that were written for MailHog, unchanged, against a running Postroad, beside those of Mailpit."""

from __future__ import annotations

import json
import smtplib
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mailhog import Mailhog
from websockets.sync.client import connect

from tests.harness.needs import require, require_program
from tests.harness.processes import ProcessStack, plain_environment
from tests.harness.stack import WAIT, Port, Service, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("mailhog-clients")]

USER, PASSWORD = "tester", "sesame"
CLIENTS = Path(__file__).parent / "mailhog"
MAILHOG_PORT = 8125


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"POSTROAD_WEB_AUTH": f"{USER}:{PASSWORD}", "POSTROAD_MAILHOG_PORT": str(MAILHOG_PORT)}
    with ProcessStack(tmp_path_factory.mktemp("mailhog"), settings=settings) as stack:
        stack.logs[Service.WEB].wait("the catalog has caught up")  # /readyz is 503 until then
        yield stack
        stack.check_logs()


@pytest.fixture
def host(stack: Stack) -> str:
    return stack.endpoint(Port.WEB).host


@pytest.fixture
def web(stack: Stack) -> Iterator[httpx.Client]:
    """Return a client of the usual port; the world is empty."""
    host, port = stack.endpoint(Port.WEB)
    with httpx.Client(base_url=f"http://{host}:{port}", auth=(USER, PASSWORD), timeout=WAIT) as client:
        client.delete("/api/v1/messages").raise_for_status()
        client.delete("/api/v2/jim")
        yield client


def send(stack: Stack, message: EmailMessage, *to: str) -> None:
    with smtplib.SMTP(*stack.endpoint(Port.APP)) as smtp:
        smtp.send_message(message, "bounces@alpha.test", to)


def plain(subject: str, to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <shop@alpha.test>", to, subject
    message.set_content("Only a line.\n")
    return message


@pytest.fixture
def two(stack: Stack, web: httpx.Client) -> None:
    """Send what the clients expect."""
    rich = EmailMessage()
    rich["From"], rich["To"] = "Shop <shop@alpha.test>", "customer@elsewhere.example"
    rich["Subject"] = "Grüße"
    rich.set_content("Grüße\n", cte="quoted-printable")
    rich.add_alternative("<p>Grüße</p>\n", subtype="html")
    rich.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="invoice.pdf")
    send(stack, rich, "customer@elsewhere.example", "hidden@elsewhere.example")
    send(stack, plain("second", "second@elsewhere.example"), "second@elsewhere.example")
    assert web.get("/api/v2/messages").json()["total"] == 2


def run_node(client: str, *arguments: object) -> None:
    require((CLIENTS / "node_modules" / client).exists(), f"no {client}: npm ci --prefix tests/interop/mailhog")
    done = subprocess.run(
        [require_program("node"), CLIENTS / f"{client}.mjs", *map(str, arguments)],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("port", [8025, MAILHOG_PORT])
def test_npms_mailhog(stack: Stack, host: str, port: int) -> None:
    run_node("mailhog", host, port, stack.endpoint(Port.APP).port, USER, PASSWORD)


@pytest.mark.usefixtures("two")
def test_cypress_mailhog(stack: Stack) -> None:
    host, port = stack.endpoint(Port.WEB)
    run_node("cypress-mailhog", f"http://{host}:{port}", USER, PASSWORD)


@pytest.mark.usefixtures("two")
def test_pythons_mailhog(stack: Stack) -> None:
    host, port = stack.endpoint(Port.WEB)
    client = Mailhog(f"{USER}:{PASSWORD}@{host}", port)
    messages = client.messages()
    assert (messages.total, messages.count, messages.start) == (2, 2, 0)
    second, rich = messages.items
    assert second.get_subject() == "second"
    assert second.get_sender() == "bounces@alpha.test"
    assert rich.get_recipients() == ["customer@elsewhere.example", "hidden@elsewhere.example"]
    assert rich.mime is not None
    assert client.search("second@elsewhere.example", "to").items[0].id == second.id
    assert client.search("line").total == 1
    client.delete(second)
    assert [message.id for message in client.messages(limit=5).items] == [rich.id]
    client.delete_all()
    assert client.messages().total == 0


def test_both_streams(stack: Stack, web: httpx.Client) -> None:
    socket = f"ws://{USER}:{PASSWORD}@{web.base_url.netloc.decode()}/api/v2/websocket"
    with connect(socket, open_timeout=WAIT) as frames, web.stream("GET", "/api/v1/events") as lines:
        assert lines.headers["content-type"].startswith("text/event-stream")
        send(stack, plain("live", "new@beta.test"), "new@beta.test")
        told = json.loads(frames.recv(WAIT))
        assert told["Content"]["Headers"]["Subject"] == ["live"]
        data: list[str] = []
        for line in lines.iter_lines():
            if not line and data:
                break
            data += [line.removeprefix("data: ")] if line.startswith("data: ") else []
        assert json.loads("".join(data)) == told
    assert web.get(f"/api/v1/messages/{told['ID']}").json() == told


class TestJim:
    """What he does to those who send."""

    @pytest.fixture(autouse=True)
    def alone(self, web: httpx.Client) -> Iterator[None]:
        yield
        assert web.delete("/api/v2/jim").status_code == 200

    def come(self, web: httpx.Client, **chances: Any) -> None:
        assert web.post("/api/v2/jim", json={"AcceptChance": 1} | chances).status_code == 201

    def test_he_refuses(self, stack: Stack, web: httpx.Client) -> None:
        self.come(web, RejectRecipientChance=1)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as recipients:
            send(stack, plain("x", "b@beta.test"), "b@beta.test")
        assert recipients.value.recipients == {"b@beta.test": (550, b"Invalid recipient b@beta.test")}
        assert web.put("/api/v2/jim", json={"AcceptChance": 1, "RejectSenderChance": 1}).status_code == 200
        with pytest.raises(smtplib.SMTPSenderRefused) as sender:
            send(stack, plain("x", "b@beta.test"), "b@beta.test")
        assert sender.value.smtp_error == b"Invalid sender bounces@alpha.test"
        assert web.put("/api/v2/jim", json={"AcceptChance": 1, "RejectAuthChance": 1}).status_code == 200
        with smtplib.SMTP(*stack.endpoint(Port.APP)) as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("any", "any")
        assert web.get("/api/v2/messages").json()["total"] == 0

    def test_he_turns_away_and_hangs_up(self, stack: Stack, web: httpx.Client) -> None:
        self.come(web, AcceptChance=0)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
            smtplib.SMTP(*stack.endpoint(Port.APP))
        assert web.put("/api/v2/jim", json={"AcceptChance": 1, "DisconnectChance": 1}).status_code == 200
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError, BrokenPipeError)):
            send(stack, plain("x", "b@beta.test"), "b@beta.test")

    def test_he_slows_down(self, stack: Stack, web: httpx.Client) -> None:
        self.come(web, LinkSpeedAffect=1, LinkSpeedMin=2000, LinkSpeedMax=2000)
        letter, began = plain("slow", "b@beta.test"), time.monotonic()
        send(stack, letter, "b@beta.test")
        assert time.monotonic() - began > len(bytes(letter)) / 2000
        assert web.get("/api/v2/messages").json()["total"] == 1
