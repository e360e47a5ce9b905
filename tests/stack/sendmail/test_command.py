"""`postroad sendmail` against a server with given answers."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

from postroad_stack import __main__ as postroad
from postroad_stack import queue
from postroad_stack.sendmail import command
from postroad_stack.sendmail.delivery import Exit, speak
from tests.stack.sendmail.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

LETTER = b"To: bob@beta.test\nSubject: x\n\nHello\n.dot\n"


@pytest.fixture(autouse=True)
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "me")
    monkeypatch.setattr("socket.gethostname", lambda: "here.test")


def run(monkeypatch: pytest.MonkeyPatch, port: int, *arguments: str, stdin: bytes = LETTER) -> int:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    monkeypatch.setenv("POSTROAD_APP_PORT", str(port))
    return postroad.main(["sendmail", *arguments])


def test_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        assert run(monkeypatch, server.port, "-t") == Exit.OK
    assert server.lines[1:] == ["mail FROM:<me@here.test>", "rcpt TO:<bob@beta.test>", "data", "QUIT"]
    assert server.content == b"From: me@here.test\r\nTo: bob@beta.test\r\nSubject: x\r\n\r\nHello\r\n.dot\r\n"


def test_options_that_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(EHLO="250-test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN") as server:
        arguments = ("-f", "Zoë <zoë@alpha.test>", "-N", "never", "-R", "hdrs", "-V", "a b", "bob@beta.test", "-F", "Z")
        assert run(monkeypatch, server.port, *arguments, stdin="Grüße\n".encode()) == Exit.OK
    assert "mail FROM:<zoë@alpha.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+20b" in server.lines
    assert "rcpt TO:<bob@beta.test> NOTIFY=NEVER" in server.lines
    assert server.content == "From: Z <zoë@alpha.test>\r\n\r\nGrüße\r\n".encode()


def test_the_null_reverse_path(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        assert run(monkeypatch, server.port, "-f", "<>", "bob@beta.test") == Exit.OK
    assert "mail FROM:<>" in server.lines
    assert server.content.startswith(b"From: me@here.test\r\n")


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        ({"RCPT": "550 5.1.1 No such user"}, Exit.NO_USER, "bob@beta.test: 550 5.1.1 No such user"),
        ({"RCPT": "451 4.3.0 Later"}, Exit.TEMPORARY, "bob@beta.test: 451"),
        ({"RCPT": "554 5.7.1 No"}, Exit.UNAVAILABLE, "bob@beta.test: 554"),
        ({"MAIL": "552 Too large"}, Exit.UNAVAILABLE, "552 Too large"),
        ({"DATA": "452 Full"}, Exit.TEMPORARY, "452 Full"),
        ({"dot": "550 Spam"}, Exit.UNAVAILABLE, "550 Spam"),
        ({"MAIL": ""}, Exit.TEMPORARY, "the server hung up"),
        ({"EHLO": "500 what", "HELO": "421 closing"}, Exit.TEMPORARY, "421 closing"),
    ],
)
def test_what_the_server_refuses(
    answers: dict[str, str],
    status: Exit,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(**answers) as server:
        assert run(monkeypatch, server.port, "-t") == status
    assert capsys.readouterr().err.startswith(f"sendmail: {said}")


def test_the_others_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(**{"rcpt TO:<a@b.test>": "550 unknown"}) as server:
        assert run(monkeypatch, server.port, "a@b.test", "c@d.test") == Exit.NO_USER
    assert server.content


def test_an_address_that_the_server_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        assert run(monkeypatch, server.port, "zoë@alpha.test") == Exit.UNAVAILABLE


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, 1, "-t") == Exit.TEMPORARY
    assert run(monkeypatch, 1, "-bs") == Exit.TEMPORARY
    assert capsys.readouterr().err.count("sendmail: no server at 127.0.0.1:1: ") == 2


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["-Z"], Exit.USAGE, "sendmail: -Z is not an option"),
        (["-S", "mail", "x"], Exit.USAGE, "sendmail: mail is not HOST:PORT"),
        (["-t"], Exit.USAGE, "sendmail: no recipients"),
    ],
)
def test_usage(
    arguments: list[str], status: Exit, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 1, *arguments, stdin=b"Subject: x\n\n") == status
    assert capsys.readouterr().err.startswith(said)
    monkeypatch.setenv("POSTROAD_APP_PORT", "x")
    assert command.main(["bob@beta.test"]) == Exit.CONFIG
    assert "POSTROAD_APP_PORT=x" in capsys.readouterr().err
    assert command.main(["-bi"]) == Exit.OK


def test_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "main", lambda arguments: 7 + len(arguments))
    assert command.main(["-bp"]) == 7


def test_smtp_on_standard_input(tmp_path: Path) -> None:
    """Called by the name sendmail, as mail programs call it, with line ends of Unix."""
    link = tmp_path / "sendmail"
    link.write_text(f"#!{sys.executable}\nimport sys\nfrom postroad_stack.__main__ import main\nsys.exit(main())\n")
    link.chmod(0o755)
    with serving() as server:
        done = subprocess.run(
            [link, "-bs", "-S", f"127.0.0.1:{server.port}"],
            input=b"EHLO me\nMAIL FROM:<>\nRCPT TO:<b@c.test>\nDATA\nSubject: x\n\n.\nQUIT\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        *(b"220 test ESMTP", b"250 fine", b"250 fine", b"250 fine", b"354 go on", b"250 queued", b"221 bye")
    ]
    assert server.content == b"Subject: x\r\n\r\n"


def test_starttls_is_used_where_it_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(EHLO="250-test\r\n250 STARTTLS", STARTTLS="454 not now") as server:
        assert run(monkeypatch, server.port, "-t") == Exit.TEMPORARY
    assert "STARTTLS" in server.lines


def test_smtp_between_streams() -> None:
    replies = io.BytesIO()
    with serving() as server:
        speak(("127.0.0.1", server.port), io.BytesIO(b"EHLO me\r\nQUIT\n"), replies)
    assert replies.getvalue() == b"220 test ESMTP\r\n250 fine\r\n221 bye\r\n"
    assert server.lines == ["EHLO me", "QUIT"]


def test_each_command_waits_for_the_reply_before() -> None:
    """A server refuses what comes too early (RFC 2920 §3.1), also when the whole dialogue comes from a file."""
    replies = io.BytesIO()

    def commands() -> Iterator[bytes]:
        dialogue = [(b"EHLO me\n", 1), (b"DATA\n", 3), (b"Subject: x\n", 4), (b"..\n", 4), (b".\n", 4), (b"NOOP\n", 5)]
        for line, lines in dialogue:
            assert replies.getvalue().count(b"\n") == lines
            yield line
        raise AssertionError("the server has hung up")

    with serving(EHLO="250-test\r\n250 PIPELINING", NOOP="") as server:
        speak(("127.0.0.1", server.port), cast("BinaryIO", commands()), replies)
    assert replies.getvalue().splitlines()[-1] == b"250 queued"
