from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest
from flufl.bounce import all_failures

from postroad.mail.envelope import BodyType, Recipient
from postroad.mail.reply import reply
from postroad.smtp.client.outcome import deferred
from postroad_relay.dsn.report import report
from postroad_relay.queue.spool import QueueId
from tests.relay.dsns import CASES, NO_USER, REPORTER, SIMPLE, Case, busy, refused

if TYPE_CHECKING:
    from email.message import Message as MimePart

BY_NAME = {case.name: case for case in CASES}


def parsed(case: Case) -> EmailMessage:
    message = email.message_from_bytes(case.report().content, policy=email.policy.SMTPUTF8)
    assert isinstance(message, EmailMessage)
    return message


def parts(case: Case) -> list[MimePart]:
    message = parsed(case)
    payload = message.get_payload()
    assert isinstance(payload, list)
    return [part for part in payload if not isinstance(part, str)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_envelope_is_that_of_a_notification(case: Case) -> None:
    message = case.report().message
    assert message.envelope.reverse_path is None
    assert message.envelope.recipients == (Recipient(case.original.envelope.reverse_path),)  # type: ignore[arg-type]
    assert message.reports == case.original.queue_id
    assert message.size == len(case.report().content)
    eight_bit = not case.report().content.isascii()
    assert message.eight_bit is (eight_bit or message.envelope.smtputf8)
    assert (message.envelope.body is BodyType.EIGHT_BIT_MIME) is message.eight_bit


def test_it_belongs_to_the_world_of_the_original() -> None:
    case = Case("worldly")
    original = replace(case.original, envelope=replace(case.original.envelope, world="shop"))
    dsn = report(original, case.failures, case.content, reporter=REPORTER, queue_id=QueueId("1"), now=0.0, unique="u")
    assert dsn is not None
    assert dsn.message.world == "shop"


def test_a_delay_is_told_with_the_header_section_alone() -> None:
    case = Case(
        "delayed",
        failures={0: busy(), 1: deferred("4.4.1", "connect to mx2: connection refused")},
        recipients=("nobody@beta.test", "bob@beta.test"),
        retry_until=1795435200.0 + 5 * 86400,
    )
    assert case.report().action == "delayed"
    assert parsed(case)["Subject"] == "Delivery Status Notification (Delay)"
    human, machine, returned = parts(case)
    assert "has not been delivered to these recipients yet" in human.as_string()
    words = " ".join(human.as_string().split())
    assert "You need not send it again: it will be tried until Sat, 28 Nov 2026 12:00:00 +0000." in words
    first, second = machine.as_string().replace("\r", "").strip().split("\n\n")[-2:]
    assert first.splitlines() == [
        "Final-Recipient: rfc822; nobody@beta.test",
        "Action: delayed",
        "Status: 4.2.1",
        "Remote-MTA: dns; mx.postroad.test",
        "Diagnostic-Code: smtp; 450 4.2.1 Mailbox busy",
        "Will-Retry-Until: Sat, 28 Nov 2026 12:00:00 +0000",
    ]
    assert second.splitlines()[1:3] == ["Action: delayed", "Status: 4.4.1"]
    assert returned.get_content_type() == "text/rfc822-headers"  # RFC 3461 §4.3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_a_multipart_report_of_three_parts(case: Case) -> None:
    message = parsed(case)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["To"] == case.sender
    assert message["From"] == "Mail Delivery System <postmaster@postroad.test>"
    assert message["Date"] == "Mon, 23 Nov 2026 12:01:00 +0000"
    human, machine, returned = parts(case)
    assert human.get_content_type() == "text/plain"
    utf8 = case.report().message.envelope.smtputf8
    assert machine.get_content_type() == ("message/global-delivery-status" if utf8 else "message/delivery-status")
    whole = len(case.content) <= 64 * 1024
    expected = {
        (True, False): "message/rfc822",
        (False, False): "text/rfc822-headers",
        (True, True): "message/global",
        (False, True): "message/global-headers",
    }
    assert returned.get_content_type() == expected[whole, utf8]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_lines_are_short_and_end_in_crlf(case: Case) -> None:
    own = case.report().content.replace(case.content, b"")
    assert own.endswith(b"--\r\n")
    assert b"\n" not in own.replace(b"\r\n", b"")
    assert b"\r" not in own.replace(b"\r\n", b"")
    assert max(map(len, own.split(b"\r\n"))) <= 998


def test_a_word_that_is_longer_than_a_line_is_cut_and_not_lost() -> None:
    endless = refused(reply(550, "5.1.1", "x" * 2500))
    content = Case("endless", failures={0: endless}).report().content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    human, machine = content.split(b"Content-Type: ")[2:4]
    assert human.count(b"x" * 900) == machine.count(b"x" * 900) == 2
    assert human.count(b"x" * 100) == machine.count(b"x" * 100) == 25


def test_what_is_returned_is_what_was_sent() -> None:
    content = BY_NAME["one recipient"].report().content
    assert b"\r\n\r\n" + SIMPLE + b"\r\n--=_" in content
    assert b"Content-Type: message/rfc822\r\n" in content
    large = BY_NAME["large"].report().content
    assert SIMPLE.partition(b"\r\n\r\n")[0] in large
    assert b"Are you there?" not in large


def fields(case: Case) -> list[dict[str, str]]:
    """The groups of the delivery-status part, by RFC 3464 §2.1."""
    octets = case.report().content
    start = octets.index(b"delivery-status\r\nContent-Description")
    body = octets[octets.index(b"\r\n\r\n", start) + 4 :].partition(b"\r\n\r\n--=_")[0].decode()
    groups = body.replace("\r\n ", " ").split("\r\n\r\n")
    return [dict(line.split(": ", 1) for line in group.split("\r\n") if line) for group in groups]


@pytest.mark.parametrize(("size", "whole"), [(65536, True), (65537, False)])
def test_an_original_of_64_kib_comes_back_whole_and_a_larger_one_does_not(size: int, whole: bool) -> None:
    content = b"Subject: x\r\n\r\nbody " + b"x" * (size - 19)
    assert (b"body x" in Case("", content=content).report().content) is whole


def test_the_machine_part_has_the_fields_of_rfc_3464() -> None:
    about, *recipients = fields(BY_NAME["several recipients"])
    assert about == {
        "Reporting-MTA": "dns; relay.postroad.test",
        "X-Postroad-Queue-ID": "660F703BE1985",
        "Arrival-Date": "Mon, 23 Nov 2026 12:00:00 +0000",
    }
    assert recipients == [
        {
            "Final-Recipient": "rfc822; nobody@beta.test",
            "Action": "failed",
            "Status": "5.1.1",
            "Remote-MTA": "dns; mx.postroad.test",
            "Diagnostic-Code": "smtp; 550 5.1.1 No such user here",
        },
        {
            "Final-Recipient": "rfc822; a@nowhere.example",
            "Action": "failed",
            "Status": "5.1.2",
            "Diagnostic-Code": "x-postroad; Domain nowhere.example does not exist",
        },
        {
            "Final-Recipient": "rfc822; c@beta.test",
            "Action": "failed",
            "Status": "5.4.7",
            "Remote-MTA": "dns; mx.postroad.test",
            "Diagnostic-Code": "smtp; 450 4.2.1 Mailbox busy",
        },
        {
            "Final-Recipient": "rfc822; d@[127.0.0.9]",
            "Action": "failed",
            "Status": "5.0.0",
            "Remote-MTA": "dns; mx.postroad.test",
            "Diagnostic-Code": "smtp; 552 Your message is too large for us",
        },
    ]


def test_an_internationalized_recipient_has_the_utf_8_type() -> None:
    _, _, recipient = fields(BY_NAME["internationalized"])
    assert recipient["Final-Recipient"] == "utf-8; почта@пример.test"


def test_the_human_part_has_the_remotes_own_words() -> None:
    human, _, _ = parts(BY_NAME["several recipients"])
    text = human.get_payload(decode=True)
    assert isinstance(text, bytes)
    words = " ".join(text.decode().split())
    assert "could not be delivered to these recipients" in words
    assert "<nobody@beta.test>: host mx.postroad.test[127.0.0.143] said: 550 5.1.1 No such user here" in words
    assert "gave up after 5 days: host mx.postroad.test[127.0.0.143] said: 450 4.2.1 Mailbox busy" in words
    assert "bob@beta.test" not in words


@pytest.mark.parametrize("case", [case for case in CASES if not case.smtputf8], ids=lambda case: case.name)
def test_flufl_bounce_understands_it(case: Case) -> None:
    message = email.message_from_bytes(case.report().content)
    failures = {case.recipients[index].encode() for index in case.failures}
    temporary, permanent = all_failures(message)
    assert not temporary
    # It reads addresses by email.utils.parseaddr(), which from Python 3.13 on finds no address with a domain literal.
    assert {address for address in permanent if address and b"@[" not in address} == {
        address for address in failures if b"@[" not in address
    }


def test_nobody_is_told_of_a_notification_that_failed() -> None:
    original = BY_NAME["one recipient"].original
    notification = replace(original, envelope=replace(original.envelope, reverse_path=None))
    dsn = report(
        notification,
        {0: NO_USER},
        SIMPLE,
        reporter=REPORTER,
        queue_id=QueueId("0000000000001"),
        now=0.0,
        unique="x",
    )
    assert dsn is None


@pytest.mark.parametrize(
    ("case", "utf8"),
    [
        (Case("plain"), False),
        (Case("sender", sender="почта@alpha.test"), True),
        (Case("one recipient", failures={1: NO_USER}, recipients=("a@beta.test", "почта@beta.test")), True),
        (Case("the other one", failures={0: NO_USER}, recipients=("a@beta.test", "почта@beta.test")), False),
        (Case("header", content="Subject: ü\r\n\r\n".encode(), smtputf8=True), True),
        (Case("header that was not said to be", content="Subject: ü\r\n\r\n".encode()), False),
        (Case("only said to be", smtputf8=True), False),
        (Case("body", content="Subject: u\r\n\r\nü\r\n".encode(), smtputf8=True), False),
    ],
    ids=lambda value: value.name if isinstance(value, Case) else "",
)
def test_what_makes_it_internationalized(case: Case, utf8: bool) -> None:
    assert case.report().message.envelope.smtputf8 is utf8  # RFC 6533 §4.4


def test_a_message_id_that_a_header_section_may_not_have_is_named_to_people_alone() -> None:
    original = replace(Case("odd").original, message_id="<hellö@alpha.test>")
    dsn = report(original, {0: NO_USER}, SIMPLE, reporter=REPORTER, queue_id=QueueId("1"), now=0.0, unique="u")
    assert dsn is not None
    assert b"In-Reply-To" not in dsn.content
    assert b"References" not in dsn.content
    assert "Message-ID: <hellö@alpha.test>\r\n".encode() in dsn.content
