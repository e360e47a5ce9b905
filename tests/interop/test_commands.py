"""The commands that ask the API, against a running stack: what a shell script in CI does."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import ProcessStack
from tests.harness.stack import WAIT, Port, Service, Stack, User

if TYPE_CHECKING:
    from pathlib import Path


def postroad(stack: Stack, *arguments: str, stdin: str = "", status: int = 0) -> str:
    """Run the command against the stack's API and return what it prints, of both kinds if it fails."""
    host, port = stack.endpoint(Port.WEB)
    done = subprocess.run(
        [sys.executable, "-m", "postroad_stack", arguments[0], "--url", f"http://{host}:{port}", *arguments[1:]],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        check=False,
    )
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if status == 0 else done.stdout + done.stderr


def customer() -> str:
    return f"customer@{secrets.token_hex(8)}.example"


def test_send_and_wait(native: Stack) -> None:
    recipient = customer()
    text = "Your code is 493817.\nhttps://shop.example/confirm?t=1\n"
    ident = postroad(
        native, "send", "--from", "noreply@shop.example", "--to", recipient, "--subject", "Your order", stdin=text
    ).strip()
    waited = postroad(native, "wait", "--recipient", recipient, "--subject", "order")
    head, row = waited.splitlines()
    assert head.split() == ["ID", "STATE", "FROM", "TO", "SUBJECT"]
    assert row.split() == [ident, "captured", "noreply@shop.example", recipient, "Your", "order"]
    assert postroad(native, "wait", "--id", ident, "--print", "code") == "493817\n"
    assert postroad(native, "wait", "--id", ident, "--print", "link") == "https://shop.example/confirm?t=1\n"
    listed = postroad(native, "messages", f"rcpt:{recipient}")
    assert listed.splitlines()[1].split()[0] == ident
    assert "Your code is 493817." in postroad(native, "messages", "--show", ident)
    assert json.loads(postroad(native, "messages", "--json", f"rcpt:{recipient}"))["total"] == 1


def test_a_letter_as_it_is(native: Stack, tmp_path: Path) -> None:
    recipient = customer()
    (tmp_path / "letter.eml").write_text(f"From: a@shop.example\nTo: {recipient}\nSubject: Raw\n\nHello.\n")
    ident = postroad(native, "send", "--raw", str(tmp_path / "letter.eml")).strip()
    assert postroad(native, "wait", "--recipient", recipient, "--print", "id") == f"{ident}\n"


def test_what_does_not_come(native: Stack) -> None:
    recipient = customer()
    arguments = ("--from", "noreply@shop.example", "--to", recipient, "--text", "x")
    ident = postroad(native, "send", *arguments, "--subject", "Another").strip()
    postroad(native, "wait", "--id", ident)
    said = postroad(native, "wait", "--recipient", recipient, "--subject", "Your order", "--timeout", "0.2", status=1)
    assert "within 0.2 s" in said
    (row,) = [line for line in said.splitlines() if line.startswith(f"  {ident} ")]
    assert row.split()[-2:] == ["Another", "subject"]
    postroad(native, "wait", "--recipient", customer(), "--none")
    assert "regex" in postroad(native, "wait", "--regex", "(", status=2)


@pytest.mark.slow
def test_the_queue(tmp_path: Path) -> None:
    with ProcessStack(tmp_path / "stack", settings={"POSTROAD_RETRY": "1h"}) as stack:
        stack.stop(Service.STORE)
        user = User("bob@beta.test", "builder")
        arguments = ("--from", "noreply@shop.example", "--to", user.address, "--text", "x", "--subject")
        ident = postroad(stack, "send", *arguments, "Queued").strip()
        stack.wait_journal(Service.RELAY, "deferred", queue_id=ident)
        (row,) = postroad(stack, "queue").splitlines()[1:]
        assert re.match(f"{ident}  noreply@shop.example  {user.address}  in [56][0-9] min  mx.postroad.test", row)
        said = postroad(stack, "wait", "--recipient", user.address, "--timeout", "0.2", status=1)
        assert "Still under way:" in said
        assert f"{ident}  {user.address}  deferred" in said
        held = postroad(stack, "send", *arguments, "Held").strip()
        postroad(stack, "queue", "hold", held)
        assert "  held  " in postroad(stack, "queue")
        stack.start(Service.STORE)
        postroad(stack, "queue", "retry", ident)
        postroad(stack, "wait", "--recipient", user.address, "--subject", "Queued")
        said = postroad(stack, "wait", "--subject", "Held", "--timeout", "0.2", status=1)
        assert f"{held}  {user.address}  held by an administrator" in said
        postroad(stack, "queue", "release", held)
        postroad(stack, "wait", "--recipient", user.address, "--subject", "Held")
        assert postroad(stack, "queue") == ""
        assert f"no message {ident}" in postroad(stack, "queue", "delete", ident, status=1)
        stack.stop(Service.WEB)
        assert "Does the stack run?" in postroad(stack, "queue", status=3)
        stack.check_logs()
