from __future__ import annotations

import dataclasses

import pytest

from postroad.control import names
from postroad_web.mailpit import source
from tests.web.mailpit.records import BARE, RECORD

BY_RELAY = (
    b"Received: from app ([127.0.0.1])\r\n\tby relay.postroad.test with ESMTP id 00056A1B2C3D4;\r\n"
    b"\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
)
BY_STORE = (
    b"Return-Path: <bounces@alpha.test>\r\nReceived: from relay.postroad.test\r\n"
    b"\tby mx.postroad.test id 1;\r\n\tdate\r\n"
)
SENT = b"Subject: hello\r\nReceived: from 00056A1B2C3D4\r\n\r\nid 00056A1B2C3D4\r\n"
FRONT = b"Bcc: hidden@gamma.test\r\nReturn-Path: <bounces@alpha.test>\r\n"


def test_the_source_is_the_same_before_and_after_delivery() -> None:
    record = dataclasses.replace(RECORD, size=len(BY_RELAY + SENT))
    queued = source.source(record, BY_RELAY + SENT)
    assert queued == FRONT + BY_RELAY + SENT
    assert source.source(record, BY_STORE + BY_RELAY + SENT) == queued
    assert source.size(record, source.envelope_only(record)) == len(queued)


def test_what_came_by_http_has_no_received_field() -> None:
    record = dataclasses.replace(RECORD, client=names.WEB)
    assert source.source(record, BY_STORE + BY_RELAY + SENT) == FRONT + SENT


def test_mail_of_an_unknown_form_is_shown_as_it_is() -> None:
    assert source.source(BARE, BY_STORE + SENT) == b"Return-Path: <>\r\n" + BY_STORE.partition(b"\n")[2] + SENT
    assert source.source(BARE, b"") == b"Return-Path: <>\r\n"


def test_a_return_path_of_the_client_is_replaced() -> None:
    shown = source.source(RECORD, BY_RELAY + b"Return-Path: <old@alpha.test>\r\n" + SENT)
    assert shown == FRONT + BY_RELAY + SENT


def test_a_return_path_in_the_body_stays() -> None:
    for content in (b"\nReturn-Path: <old@alpha.test>\n\nx", b"\r\nReturn-Path: <old@alpha.test>\r\n\r\nx"):
        assert source.taken(RECORD, content) == (b"", content)
        assert source.header_map(content) == {}


def test_a_message_without_a_header_section_is_renewed_in_front_of_its_body() -> None:
    head = b"Date: d\r\nMessage-ID: <1@a>\r\n"
    for body in (b"\r\nDate: x\r\n\r\ny", b"\nDate: x\n\ny", b""):
        assert source.renewed(body, date="d", message_id="<1@a>") == head + body
    sent = b"date: x\r\nSubject: s\r\nMessage-Id: <0@a>\r\n\r\nDate: y\r\n"
    assert source.renewed(sent, date="d", message_id="<1@a>") == head + b"Subject: s\r\n\r\nDate: y\r\n"


def test_header_map() -> None:
    content = (
        b"Subject: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\nMIME-version : 1.0\r\nX-A:1\r\nx-a: 2 \r\n"
        b"no field\r\n\r\nBody: x\r\n"
    )
    assert source.header_map(content) == {
        "Mime-Version": ["1.0"],
        "Subject": ["=?utf-8?q?a?= =?utf-8?q?b?="],
        "X-A": ["1", "2"],
    }


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("message-id", "Message-Id"),
        ("DKIM-SIGNATURE", "Dkim-Signature"),
        ("X--Y", "X--Y"),
        ("x(y)-z", "x(y)-z"),
    ],
)
def test_names_of_fields(name: str, written: str) -> None:
    assert source.canonical(name) == written
