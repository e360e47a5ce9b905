"""A stack as processes: what was said is on record without secrets, and a message's road leads to the lines."""

from __future__ import annotations

import imaplib
import json
import smtplib
import ssl
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.harness.processes import ProcessStack
from tests.harness.stack import ALICE, BOB, WAIT, Port, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.stack import Stack

MESSAGE = f"From: {ALICE.address}\r\nTo: {BOB.address}\r\nSubject: hello\r\n\r\n.body\r\n"


def get(stack: Stack, path: str) -> Any:
    host, port = stack.endpoint(Port.WEB)
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=WAIT) as answer:
        return json.loads(answer.read())


def known(stack: Stack) -> str:
    """Return the ID of the message, once the web service knows it."""
    host, port = stack.endpoint(Port.WEB)
    body = json.dumps({"recipient": BOB.address, "timeout": WAIT}).encode()
    asked = urllib.request.Request(f"http://{host}:{port}/v1/wait", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=WAIT + 5) as answer:
        return str(json.loads(answer.read())["messages"][0]["id"])


def walk(hops: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for hop in hops:
        yield hop
        yield from walk(hop["children"])


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_a_message_and_all_that_was_said(tmp_path: Path) -> None:
    with ProcessStack(tmp_path / "stack") as stack:
        with smtplib.SMTP(*stack.endpoint(Port.SUBMISSION)) as smtp:
            smtp.starttls(context=trusting())
            smtp.login(ALICE.address, ALICE.password)
            smtp.sendmail(ALICE.address, [BOB.address], MESSAGE)
        with imaplib.IMAP4_SSL(*stack.endpoint(Port.IMAPS), ssl_context=trusting()) as imap:
            imap.login(BOB.address, BOB.password)
            deadline = time.monotonic() + WAIT
            while imap.select()[1] == [b"0"]:
                assert time.monotonic() < deadline
            imap.fetch("1", "(BODY[])")
        stack.wait_journal(Service.STORE, "retrieved")
        ident = known(stack)
        road = get(stack, f"/v1/messages/{ident}/road")
        assert [hop["kind"] for hop in road["hops"]] == ["submission", "dns", "attempt", "delivery", "read"]
        texts = {}
        for hop in walk(road["hops"]):
            if hop["session"] is not None:
                session = get(stack, f"/v1/sessions/{hop['session']}")
                assert "".join(line["text"] for line in session["lines"])
                for secret in (ALICE.password, BOB.password):
                    assert secret not in str(session)
                (line,) = [line for line in session["lines"] if line["n"] == hop["line"]]
                texts[hop["kind"], hop["service"]] = line["text"]
                assert session["protocol"] == "dns" or session["messages"] == [ident]
        assert texts["submission", "relay"].lower().startswith("mail from:<alice@alpha.test>")
        assert texts["attempt", "relay"].startswith("MAIL FROM:<alice@alpha.test>")
        assert texts["delivery", "store"] == texts["attempt", "relay"]
        assert texts["read", "store"].endswith(" FETCH 1 (BODY[])")
        assert texts["dns", "dns"] == "mx.postroad.test. IN A"
        heard = get(stack, f"/v1/sessions?message={ident}")["sessions"]
        assert {
            (session["service"], session["protocol"], session["outbound"], session["tls"]) for session in heard
        } == {
            ("relay", "smtp", False, True),
            ("relay", "smtp", True, True),
            ("store", "smtp", False, True),
            ("store", "imap", False, True),
        }
        assert {session["account"] for session in heard} == {ALICE.address, BOB.address, None}

        # A kill loses what was said, and nothing else.
        stack.kill(Service.RELAY, Service.STORE)
        stack.start(Service.RELAY, Service.STORE)
        road = get(stack, f"/v1/messages/{ident}/road")
        assert [hop["kind"] for hop in road["hops"]] == ["submission", "dns", "attempt", "delivery", "read"]
        assert {hop["session"] for hop in road["hops"]} == {None}
        assert get(stack, f"/v1/sessions?message={ident}")["sessions"] == []


def test_nothing_is_recorded_when_transcripts_are_off(tmp_path: Path) -> None:
    with ProcessStack(tmp_path / "stack", settings={"POSTROAD_TRANSCRIPTS": "off"}) as stack:
        with smtplib.SMTP(*stack.endpoint(Port.APP)) as smtp:
            smtp.sendmail(ALICE.address, [BOB.address], MESSAGE)
        ident = known(stack)
        assert get(stack, "/v1/sessions") == {"sessions": [], "next": None, "away": []}
        assert get(stack, f"/v1/messages/{ident}/road")["hops"][0]["kind"] == "submission"
