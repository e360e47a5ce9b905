"""The defaults of the libraries that apps send with: host and port, and the first mail arrives.

Each program of senders/ sends from noreply@shop.example to a customer whom the world does not know. Its library may
try STARTTLS, AUTH or SMTPUTF8 by itself; none of them is given an option but host and port.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.needs import require, require_program
from tests.harness.processes import output_of, plain_environment
from tests.harness.stack import WAIT, Port, Stack

pytestmark = pytest.mark.interop

SENDERS = Path(__file__).parent / "senders"
JAVA = Path("/usr/share/java")
NODE = Path("/usr/share/nodejs")
POSTROAD = Path(sys.executable).parent / "postroad"


def run(folder: Path, *command: str | Path, stdin: str = "", **environment: str) -> None:
    """Run a program to its end."""
    program = require_program(str(command[0]))
    environment = plain_environment() | {"HOME": str(folder)} | environment
    output_of([program, *command[1:]], folder=folder, environment=environment, limit=2 * WAIT, text=stdin)


def customer() -> str:
    """Return an address that no test has used before, in a domain that the world does not know."""
    return f"customer@{secrets.token_hex(8)}.example"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as the API shows it."""

    message: dict[str, Any]

    def __getitem__(self, name: str) -> str:
        """Return a header field's value; "" if there is none."""
        fields = self.message["content"]["headers"]
        return next((field["value"] for field in fields if field["name"].lower() == name.lower()), "")

    @property
    def lines(self) -> list[str]:
        text: str = self.message["content"]["text"]
        return text.rstrip().splitlines()


def waited(stack: Stack, recipient: str, **criteria: Any) -> Letter:
    """Return the one letter to this recipient, as soon as it has arrived."""
    host, port = stack.endpoint(Port.WEB)
    asked = {"recipient": recipient, "timeout": WAIT, "mode": {"exactly": 1}} | criteria
    request = urllib.request.Request(f"http://{host}:{port}/v1/wait", json.dumps(asked).encode())
    with urllib.request.urlopen(request, timeout=2 * WAIT) as answer:
        (message,) = json.load(answer)["messages"]
    return Letter(message)


def check(stack: Stack, recipient: str, program: str) -> None:
    """Assert that the letter has arrived, and that the relay has added what the library has not."""
    letter = waited(stack, recipient)
    assert letter.message["origin"] == "app"
    assert letter.message["state"] == "captured"
    assert letter.message["subject"] == f"By {program}"
    assert letter["From"] == "noreply@shop.example"
    assert letter["Return-Path"] == "<noreply@shop.example>"
    assert letter["Message-ID"]
    assert letter["Date"]
    assert letter.lines == ["Your order has been shipped."]


@pytest.mark.parametrize(
    ("program", "name"),
    [("with_smtplib", "smtplib"), ("with_django", "Django"), ("with_flask_mail", "Flask-Mail")],
)
def test_python(native: Stack, tmp_path: Path, program: str, name: str) -> None:
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    run(tmp_path, sys.executable, SENDERS / f"{program}.py", host, str(port), recipient)
    check(native, recipient, name)


@pytest.mark.parametrize(
    ("program", "name"), [("phpmailer", "PHPMailer"), ("symfony", "Symfony Mailer"), ("laravel", "Laravel")]
)
def test_php(native: Stack, tmp_path: Path, program: str, name: str) -> None:
    library = "libphp-phpmailer" if program == "phpmailer" else "Symfony/Component/Mailer"
    require(Path("/usr/share/php", library).exists(), f"{library} is not installed (tests/debian-packages.txt)")
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    run(tmp_path, "php", SENDERS / f"{program}.php", host, str(port), recipient)
    check(native, recipient, name)


def test_node(native: Stack, tmp_path: Path) -> None:
    require((NODE / "nodemailer").exists(), "node-nodemailer is not installed (tests/debian-packages.txt)")
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    run(tmp_path, "node", SENDERS / "nodemailer.js", host, str(port), recipient, NODE_PATH=str(NODE))
    check(native, recipient, "nodemailer")


def test_go(native: Stack, tmp_path: Path) -> None:
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    run(tmp_path, "go", "run", SENDERS / "send.go", host, str(port), recipient, GOFLAGS="-mod=mod", GOPROXY="off")
    check(native, recipient, "net/smtp")


def test_ruby(native: Stack, tmp_path: Path) -> None:
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    run(tmp_path, "ruby", SENDERS / "mail.rb", host, str(port), recipient)
    check(native, recipient, "Ruby")


def test_java(native: Stack, tmp_path: Path) -> None:
    require((JAVA / "javax.mail.jar").exists(), "libmail-java is not installed (tests/debian-packages.txt)")
    recipient, (host, port) = customer(), native.endpoint(Port.APP)
    classes = ":".join(str(JAVA / name) for name in ("javax.mail.jar", "javax.activation.jar"))
    run(tmp_path, "java", "-cp", classes, SENDERS / "Send.java", host, str(port), recipient)
    check(native, recipient, "JavaMail")


# Programs that want /usr/sbin/sendmail


def sendmail(native: Stack, folder: Path) -> str:
    """Return the command that takes the place of /usr/sbin/sendmail: a link to `postroad` of that name."""
    link = folder / "sendmail"
    link.symlink_to(POSTROAD)
    host, port = native.endpoint(Port.APP)
    return f"{link} --smtp-addr {host}:{port}"


def test_mail_of_php(native: Stack, tmp_path: Path) -> None:
    recipient = customer()
    path = f"{sendmail(native, tmp_path)} -t -i"
    run(tmp_path, "php", "-d", f"sendmail_path={path}", SENDERS / "mail.php", recipient)
    letter = waited(native, recipient)
    assert letter.message["subject"] == "By PHP"
    assert letter["From"] == "noreply@shop.example"
    assert letter.lines == ["Your order has been shipped.", ".", "Second line."]


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt(native: Stack, tmp_path: Path, program: str) -> None:
    recipient = customer()
    path = f"{sendmail(native, tmp_path)} -oem -oi"
    (tmp_path / "rc").write_text(
        f'set sendmail="{path}" from=noreply@shop.example use_envelope_from=yes copy=no\nset realname="The shop"\n'
    )
    run(tmp_path, program, "-n", "-F", tmp_path / "rc", "-s", "By mutt", "--", recipient, stdin="Grüße\n.\n")
    letter = waited(native, recipient)
    assert letter.message["subject"] == "By mutt"
    assert letter["Return-Path"] == "<noreply@shop.example>"
    assert letter.lines == ["Grüße", "."]


def test_cron(native: Stack, tmp_path: Path) -> None:
    """Debian's cron calls sendmail so, and gives it a letter without From, Date and Message-ID."""
    recipient = customer()
    command = f"{sendmail(native, tmp_path)} -FCronDaemon -i -B8BITMIME -oem {recipient}".split()
    run(tmp_path, *command, stdin=f"To: {recipient}\nSubject: Cron <job>\nAuto-Submitted: auto-generated\n\nDone.\n")
    letter = waited(native, recipient)
    assert letter["From"].startswith("CronDaemon <")
    assert letter["Date"]
    assert letter.lines == ["Done."]


def test_an_unknown_user_of_a_known_domain_comes_back(native: Stack) -> None:
    """As in real life: the app door takes it, and the sender gets a DSN."""
    user = native.fresh_user()
    program = SENDERS / "with_smtplib.py"
    text = program.read_text(encoding="utf-8").replace("noreply@shop.example", user.address)
    host, port = native.endpoint(Port.APP)
    missing = "nobody@beta.test"
    subprocess.run([sys.executable, "-c", text, host, str(port), missing], check=True, timeout=WAIT)
    report = waited(native, user.address, reports=True, sender="")
    assert report.message["origin"] == "report"
    assert report.message["state"] == "delivered"
    assert report["Content-Type"].startswith("multipart/report")
    assert missing in report.message["content"]["text"]
