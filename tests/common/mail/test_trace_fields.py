"""Received and Return-Path: the clauses by session, the grammar, the count."""

from __future__ import annotations

import datetime as dt
import email.parser
import email.policy
import email.utils
import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.trace_fields import received, return_path, with_protocol
from postroad.smtp.server.service import Purpose, Session
from postroad.world.world import Account

WHEN = dt.datetime(2026, 11, 3, 9, 8, 7, tzinfo=dt.timezone(dt.timedelta(hours=1)))
BOB = Recipient(Address("bob", "beta.test"))
ALICE = Account(Address("alice", "alpha.test"), "secret")


def session(**facts: Any) -> Session:
    transfer = Session(
        Purpose.TRANSFER, ipaddress.ip_address("192.0.2.1"), 1, "1", client_name="client.test", extended=True
    )
    return replace(transfer, host="", **facts)


def field(of: Session, envelope: Envelope) -> str:
    return received(of, envelope, hostname="mx.test", queue_id="4F3C", when=WHEN).decode()


def test_one_recipient_over_tls() -> None:
    of = session(tls_version="TLSv1.3", tls_cipher="TLS_AES_256_GCM_SHA384", account=ALICE)
    assert field(of, Envelope(None, (BOB,))) == (
        "Received: from client.test ([192.0.2.1])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
        "\tby mx.test with ESMTPSA id 4F3C\r\n"
        "\tfor <bob@beta.test>;\r\n"
        "\tTue, 03 Nov 2026 09:08:07 +0100\r\n"
    )


def test_several_recipients_are_not_told_of_each_other() -> None:
    envelope = Envelope(None, (BOB, Recipient(Address("dave", "beta.test"))))
    assert field(session(extended=False), envelope) == (
        "Received: from client.test ([192.0.2.1])\r\n"
        "\tby mx.test with SMTP id 4F3C;\r\n"
        "\tTue, 03 Nov 2026 09:08:07 +0100\r\n"
    )


def test_ipv6_and_no_name() -> None:
    of = session(peer=ipaddress.ip_address("2001:db8::1"), client_name=None)
    assert field(of, Envelope(None)).startswith("Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n\tby ")


def test_quoted_and_internationalized_recipient() -> None:
    envelope = Envelope(None, (Recipient(Address("jürgen b", "bücher.test")),), smtputf8=True)
    text = field(session(), envelope)
    assert 'for <"jürgen b"@bücher.test>;' in text
    assert " with UTF8SMTP " in text


@pytest.mark.parametrize(
    ("extended", "tls", "auth", "utf8", "name"),
    [
        (False, False, False, False, "SMTP"),
        (False, True, False, False, "SMTP"),
        (True, False, False, False, "ESMTP"),
        (True, True, False, False, "ESMTPS"),
        (True, False, True, False, "ESMTPA"),
        (True, True, True, False, "ESMTPSA"),
        (True, False, False, True, "UTF8SMTP"),
        (True, True, False, True, "UTF8SMTPS"),
        (True, False, True, True, "UTF8SMTPA"),
        (True, True, True, True, "UTF8SMTPSA"),
    ],
)
def test_with(extended: bool, tls: bool, auth: bool, utf8: bool, name: str) -> None:
    of = session(extended=extended, tls_version="TLSv1.3" if tls else None, account=ALICE if auth else None)
    assert with_protocol(of, Envelope(None, smtputf8=utf8)) == name


@pytest.mark.parametrize("extended", [False, True])
def test_with_lmtp(extended: bool) -> None:
    of = session(purpose=Purpose.LMTP, extended=extended)
    assert with_protocol(of, Envelope(None)) == "LMTP"
    assert with_protocol(replace(of, tls_version="TLSv1.3"), Envelope(None, smtputf8=True)) == "UTF8LMTPS"


def test_a_parser_reads_it_back() -> None:
    octets = received(session(), Envelope(None, (BOB,)), hostname="mx.test", queue_id="4F3C", when=WHEN)
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(octets + b"\r\n")
    assert message.keys() == ["Received"]
    assert email.utils.parsedate_to_datetime(str(message["Received"]).rpartition(";")[2]) == WHEN
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))


def test_return_path() -> None:
    assert return_path(None) == b"Return-Path: <>\r\n"
    assert return_path(Address("a b", "alpha.test")) == b'Return-Path: <"a b"@alpha.test>\r\n'
