"""Messages that come back, for the tests of DSNs."""

from __future__ import annotations

from dataclasses import dataclass, field

from postroad.mail.address import Address, parse_address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import EnhancedStatus, Reply, reply
from postroad.smtp.client.outcome import Deferred, Failed, failed, from_reply
from postroad_relay.dsn.report import RETURN_WHOLE, Report, Reporter, report
from postroad_relay.queue.spool.record import Message, QueueId

REPORTER = Reporter("relay.postroad.test", Address("postmaster", "postroad.test"))
HOST = "mx.postroad.test[127.0.0.143]"


def refused(answer: Reply, command: str = "RCPT TO") -> Failed:
    outcome = from_reply(answer, host=HOST, command=command)
    assert isinstance(outcome, Failed)
    return outcome


NO_USER = refused(reply(550, "5.1.1", "No such user here"))
SIMPLE = b"""Received: from [127.0.0.1] ([127.0.0.1])\r
	by relay.postroad.test with ESMTPA id 660F703BE1985;\r
	Mon, 23 Nov 2026 12:00:00 +0000\r
From: alice@alpha.test\r
To: nobody@beta.test\r
Subject: Hello\r
Message-ID: <hello@alpha.test>\r
\r
Are you there?\r
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One original and what failed of it."""

    name: str
    failures: dict[int, Failed | Deferred] = field(default_factory=lambda: {0: NO_USER})
    recipients: tuple[str, ...] = ("nobody@beta.test",)
    content: bytes = SIMPLE
    sender: str = "alice@alpha.test"
    smtputf8: bool = False
    retry_until: float | None = None  # they are delayed

    @property
    def original(self) -> Message:
        return Message(
            queue_id=QueueId("660F703BE1985"),
            arrived=1795435200.0,
            envelope=Envelope(
                reverse_path=parse_address(self.sender),
                recipients=tuple(Recipient(parse_address(recipient)) for recipient in self.recipients),
                body=None if self.content.isascii() else BodyType.EIGHT_BIT_MIME,
                smtputf8=self.smtputf8,
            ),
            message_id="<hello@alpha.test>" if b"hello@alpha" in self.content else None,
            size=len(self.content),
        )

    def report(self) -> Report:
        dsn = report(
            self.original,
            self.failures,
            self.content,
            reporter=REPORTER,
            queue_id=QueueId("660F703BE1999"),
            now=1795435260.0,
            unique="0123456789abcdef",
            retry_until=self.retry_until,
        )
        assert dsn is not None
        return dsn


def busy() -> Deferred:
    last = from_reply(reply(450, "4.2.1", "Mailbox busy"), host=HOST, command="RCPT TO")
    assert isinstance(last, Deferred)
    return last


def expired() -> Failed:
    last = busy()
    return Failed(EnhancedStatus(5, 4, 7), f"gave up after 5 days: {last.reason}", last.host, last.reply)


CASES = [
    Case("one recipient"),
    Case(
        "several recipients",
        failures={
            0: NO_USER,
            2: failed("5.1.2", "Domain nowhere.example does not exist"),
            3: expired(),
            4: refused(reply(552, None, "Your message is too large for us"), "MAIL FROM"),
        },
        recipients=("nobody@beta.test", "bob@beta.test", "a@nowhere.example", "c@beta.test", "d@[127.0.0.9]"),
    ),
    Case(
        "wordy server",
        failures={
            0: refused(
                reply(
                    550,
                    "5.7.1",
                    "This message was refused because of our policy on messages, which you will find described",
                    "at http://policy.example/" + "x" * 100,
                    "and <nowhere> else; ümlauts are refused too",
                ),
                "end of DATA",
            )
        },
    ),
    Case("without Message-ID", content=b"From: a\r\n\r\nbody\r\n"),
    Case("header section alone", content=b"From: a\r\n"),
    Case("empty", content=b""),
    Case("no final line end", content=b"From: a\r\n\r\nno end"),
    Case("8-bit body", content="From: a\r\nMessage-ID: <hello@alpha.test>\r\n\r\nKäse\r\n".encode()),
    Case("8-bit octets in the header section", content=b"Subject: \xe4\r\n\r\nbody\r\n"),
    Case("large", content=SIMPLE + b"x" * 70 * (RETURN_WHOLE // 70) + b"\r\n"),
    Case(
        "internationalized",
        failures={0: NO_USER, 1: failed("5.6.7", f"{HOST} does not take non-ASCII addresses (no SMTPUTF8)", HOST)},
        recipients=("nobody@beta.test", "почта@пример.test"),
        content="From: alice@alpha.test\r\nTo: почта@пример.test\r\nSubject: Grüße\r\n\r\nGrüße\r\n".encode(),
        smtputf8=True,
    ),
    Case("internationalized sender", sender="почта@alpha.test", smtputf8=True),
    Case(
        "internationalized and large",
        content="Subject: Grüße\r\n\r\n".encode() + b"x" * (RETURN_WHOLE + 1) + b"\r\n",
        smtputf8=True,
    ),
]
