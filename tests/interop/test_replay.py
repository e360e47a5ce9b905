"""`postroad replay`: what was recorded here is played against our own servers, Debian's Dovecot and Postfix."""

from __future__ import annotations

import imaplib
import json
import os
import poplib
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.peers import (
    IMAP_PORT,
    PASSWORD,
    POP3_PORT,
    SMTP_PORT,
    SUBMISSION_ADDRESS,
    Dovecot,
    Postfix,
)
from tests.harness.needs import require, require_program
from tests.harness.processes import ProcessStack
from tests.harness.stack import ALICE, BOB, WAIT, Port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import Endpoint, Stack

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port
MESSAGE = f"From: {ALICE.address}\r\nTo: {BOB.address}\r\nSubject: hello\r\n\r\n.body\r\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"POSTROAD_PLAINTEXT_AUTH": "on"}
    with ProcessStack(tmp_path_factory.mktemp("replay") / "stack", settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def recorded(stack: Stack) -> dict[str, str]:
    """Return a dialogue of each protocol that the stack has recorded."""
    with smtplib.SMTP(*stack.endpoint(Port.APP)) as smtp:
        smtp.sendmail(ALICE.address, [BOB.address], MESSAGE)
    deadline = time.monotonic() + WAIT
    while True:
        pop3 = poplib.POP3(*stack.endpoint(Port.POP3))
        pop3.user(BOB.address)
        pop3.pass_(BOB.password)
        if pop3.stat()[0]:
            break
        pop3.quit()
        assert time.monotonic() < deadline
    pop3.retr(1)
    pop3.quit()
    imap = imaplib.IMAP4(*stack.endpoint(Port.IMAP))
    imap.login(BOB.address, BOB.password)
    imap.append("INBOX", None, None, MESSAGE.encode())
    imap.select()
    imap.fetch("1", "(UID FLAGS)")
    imap.logout()
    dialogues = {}
    for protocol in ("smtp", "pop3", "imap"):
        service = "relay" if protocol == "smtp" else "store"
        sessions = json.loads(_get(stack, f"/v1/sessions?protocol={protocol}&service={service}"))["sessions"]
        session = next(session for session in sessions if not session["outbound"])
        dialogues[protocol] = _get(stack, f"/v1/sessions/{session['id']}/dialogue")
    return dialogues


def _get(stack: Stack, path: str) -> str:
    host, port = stack.endpoint(Port.WEB)
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=WAIT) as answer:
        return str(answer.read().decode())


def replay(dialogue: str, server: tuple[str, int] | Endpoint, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "postroad_stack", "replay", *options, "-", f"{server[0]}:{server[1]}"]
    return subprocess.run(command, input=dialogue, capture_output=True, text=True, timeout=WAIT, check=False)


LOGIN = ("--user", BOB.address, "--password", BOB.password)
PORTS = {"smtp": Port.APP, "pop3": Port.POP3, "imap": Port.IMAP}


@pytest.mark.parametrize("protocol", ["smtp", "pop3", "imap"])
def test_our_own_server_answers_as_before(stack: Stack, recorded: dict[str, str], protocol: str) -> None:
    dialogue = recorded[protocol]
    # The mailbox has what IMAP has appended by now, so that texts are others there.
    for options in (["--codes"], *([[]] if protocol == "smtp" else [])):
        done = replay(dialogue, stack.endpoint(PORTS[protocol]), *options, *LOGIN)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == "The server answers as on record\n"


def test_dovecot(recorded: dict[str, str]) -> None:
    require_program("dovecot")
    require(os.geteuid() == 0, "Dovecot needs root to become its users")
    folder = Path(tempfile.mkdtemp(prefix="postroad-replay-"))
    try:
        folder.chmod(0o755)  # for its own users
        with Dovecot(folder / "dovecot", "sdbox") as dovecot:
            login = ("--user", BOB.address, "--password", PASSWORD)
            imap = replay(recorded["imap"], (dovecot.address, IMAP_PORT), "--codes", *login)
            pop3 = replay(recorded["pop3"], (dovecot.address, POP3_PORT), "--codes", *login)
            exact = replay(recorded["imap"], (dovecot.address, IMAP_PORT), "--quiet", *login)
    finally:
        shutil.rmtree(folder)
    # It does the same; it says so in other words, and it has other capabilities.
    for done in (imap, pop3):
        assert done.returncode == 0, done.stdout + done.stderr
    assert exact.returncode == 1
    assert "+ S: * OK [CAPABILITY IMAP4rev1" in exact.stdout
    assert PASSWORD not in imap.stdout + pop3.stdout + exact.stdout


def test_postfix(recorded: dict[str, str]) -> None:
    require_program("postfix")
    require(os.geteuid() == 0, "Postfix needs root")
    folder = Path(tempfile.mkdtemp(prefix="postroad-replay-"))
    try:
        folder.chmod(0o755)
        with Postfix(folder, SUBMISSION_ADDRESS, {"smtpd_client_restrictions": "static:HOLD"}):
            done = replay(recorded["smtp"], (SUBMISSION_ADDRESS, SMTP_PORT), "--codes")
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  S: 250 2.0.0 Ok: queued as " in done.stdout
