"""A client that logs in, or sends nothing."""

from __future__ import annotations

import base64

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import Event, Finished, Ready, Refused, StartTls, Transaction
from postroad.smtp.client.login import with_login
from postroad.smtp.client.transitions import State

PLAIN = base64.b64encode("\0bob\0bü".encode()).decode()
BOB = base64.b64encode(b"bob").decode()
PASSWORD = base64.b64encode("bü".encode()).decode()


def run(script: str, *, plaintext: bool = True) -> tuple[Client, list[Event]]:
    """Let a client hear what the server says (`S:`), and check what it says (`C:`)."""
    client = Client("relay.test", "mx.test[127.0.0.9]", with_login("bob", "bü", plaintext=plaintext))
    events: list[Event] = []
    for line in filter(None, map(str.strip, script.splitlines())):
        side, _, text = line.partition(" ")
        if side == "S:":
            client.receive_data(text.replace("|", "\r\n").encode() + b"\r\n")
        elif side == "T:":
            client.tls_started()
        else:
            assert client.data_to_send().decode() == f"{text}\r\n"
        while isinstance(event := client.next_event(), (Ready, Refused, StartTls, Finished)):
            events.append(event)
    assert client.data_to_send() == b""
    return client, events


def opening(offer: str) -> str:
    return f"S: 220 mx.test\nC: EHLO relay.test\nS: 250-mx.test|250 {offer}\n"


def test_plain() -> None:
    client, events = run(f"{opening('AUTH LOGIN plain')}C: AUTH PLAIN {PLAIN}")
    assert (events, client.timeout) == ([], 300.0)
    client, events = run(f"{opening('AUTH LOGIN plain')}C: AUTH PLAIN {PLAIN}\nS: 235 in")
    assert (events, client.state) == ([Ready()], State.READY)


def test_login() -> None:
    script = (
        f"{opening('AUTH CRAM-MD5 LOGIN')}C: AUTH LOGIN\nS: 334 VXNlcg==\nC: {BOB}\nS: 334 UGFzcw==\nC: {PASSWORD}\n"
    )
    client, events = run(f"{script}S: 235 in")
    assert (events, client.state) == ([Ready()], State.READY)


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (f"{opening('AUTH PLAIN')}C: AUTH PLAIN {PLAIN}\nS: 535 5.7.8 no", "5.7.8 no (in reply to AUTH)"),
        (f"{opening('AUTH PLAIN')}C: AUTH PLAIN {PLAIN}\nS: 334 and", "said 334 and to AUTH"),
        (f"{opening('AUTH PLAIN')}C: AUTH PLAIN {PLAIN}\nS: 250 in", "said 250 in to AUTH"),
        # a refusal ends the exchange, and the password is not said
        (f"{opening('AUTH LOGIN')}C: AUTH LOGIN\nS: 504 5.5.4 what", "5.5.4 what (in reply to AUTH)"),
        (f"{opening('AUTH LOGIN')}C: AUTH LOGIN\nS: 334 a\nC: {BOB}\nS: 535 5.7.8 no", "5.7.8 no (in reply to AUTH)"),
        (
            f"{opening('AUTH LOGIN')}C: AUTH LOGIN\nS: 334 a\nC: {BOB}\nS: 334 b\nC: {PASSWORD}\nS: 334 c",
            "said 334 c to AUTH",
        ),
        (opening("AUTH CRAM-MD5"), ": it offers neither PLAIN nor LOGIN to log in by ("),
        (opening("AUTH"), ": it offers neither PLAIN nor LOGIN to log in by ("),
    ],
)
def test_who_cannot_log_in_sends_nothing(script: str, outcome: str) -> None:
    client, (event,) = run(script)
    assert isinstance(event, Refused)
    assert outcome in event.outcome.reason
    assert client.state is State.CLOSED


def test_a_password_that_others_could_use_is_said_in_tls_alone() -> None:
    _, (event,) = run(opening("AUTH PLAIN"), plaintext=False)
    assert isinstance(event, Refused)
    assert ": it offers no TLS, and a password is not sent without it (" in event.outcome.reason
    tls = f"{opening('STARTTLS')}C: STARTTLS\nS: 220 go\nT:\nC: EHLO relay.test\nS: 250-mx.test|250 AUTH PLAIN\n"
    client, events = run(f"{tls}C: AUTH PLAIN {PLAIN}\nS: 235 in", plaintext=False)
    assert (events, client.state) == ([StartTls(), Ready()], State.READY)


def test_a_server_without_auth_gets_no_mail() -> None:
    client, events = run(opening("SIZE"))
    assert events == [Ready()]
    to = tuple(Recipient(Address(name, "beta.test")) for name in ("bob", "dave"))
    client.send(Transaction(Envelope(None, to), 8))
    event = client.next_event()
    assert isinstance(event, Finished)
    assert [str(outcome) for outcome in event.outcomes] == [str(event.outcomes[0])] * 2
    assert "host mx.test[127.0.0.9] offers no AUTH" in str(event.outcomes[0])
    assert client.data_to_send() == b""
