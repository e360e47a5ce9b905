"""Header sections, read by one grammar: what relay and store ask of them, by table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.mail.content import Content
from postroad.mail.header import Header, read_header, without_return_path

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (b"", Header(0, has_date=False, message_id=None, has_message_id=False, is_ascii=True)),
        (
            b"From: a\r\nDate: now\r\nMessage-ID: <a@b>\r\nReceived: x\r\n",
            Header(1, has_date=True, message_id="<a@b>", has_message_id=True, is_ascii=True),
        ),
        (
            b"RECEIVED: x\r\n by y\r\nreceived : z\r\nMESSAGE-id \t:<a@b> (comment)\r\ndate:\r\n",
            Header(2, has_date=True, message_id="<a@b>", has_message_id=True, is_ascii=True),
        ),
        (
            b"Message-ID:\r\n <folded@b>\r\n",
            Header(0, has_date=False, message_id="<folded@b>", has_message_id=True, is_ascii=True),
        ),
        (
            b"Message-ID: nonsense\r\nX-Date: no\r\nDate2: no\r\n Date: folded\r\n",
            Header(0, has_date=False, message_id=None, has_message_id=True, is_ascii=True),
        ),
        (
            b"Message-ID: <first@b>\r\nMessage-ID: <second@b>\r\n",
            Header(
                0,
                has_date=False,
                message_id="<first@b>",
                has_message_id=True,
                is_ascii=True,
                further_message_ids=("<second@b>",),
            ),
        ),
        (
            "Subject: Käse\r\nMessage-ID: <ä@b>\r\n".encode(),
            Header(0, has_date=False, message_id="<ä@b>", has_message_id=True, is_ascii=False),
        ),
        (
            b"Message-ID: <\xff@b>\r\n",
            Header(0, has_date=False, message_id="<\ufffd@b>", has_message_id=True, is_ascii=False),
        ),
    ],
)
def test_a_header_section_is_read(section: bytes, expected: Header) -> None:
    assert read_header(section) == expected


def test_so_many_message_ids_are_kept() -> None:
    header = read_header(b"".join(b"Message-ID: <%d@b>\r\n" % number for number in range(1000)))
    assert (header.message_id, *header.further_message_ids) == tuple(f"<{number}@b>" for number in range(10))


@pytest.mark.parametrize(("fields", "loops"), [(49, False), (50, True), (51, True)])
def test_fifty_received_fields_are_a_loop(fields: int, loops: bool) -> None:
    assert read_header(b"Received: by x\r\n" * fields).loops() is loops


def test_each_host_of_ours_adds_a_field_that_the_next_does_not_count() -> None:
    assert not read_header(b"Received: by x\r\n" * 50).loops(hops=1)
    assert read_header(b"Received: by x\r\n" * 51).loops(hops=1)


@pytest.mark.parametrize(
    ("section", "separator"),
    [
        (b"", b""),
        (b"Subject: x\r\n", b""),
        (b"Subject \t: x\r\n", b""),
        (b"Subject:\r\n", b""),
        (b"From alice Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n", b""),
        (b">From alice Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n", b""),
        (b"From now on\r\nall is text\r\n", b"\r\n"),
        (b"hello world\r\n", b"\r\n"),
        (b"hello world", b"\r\n"),
        (b" Subject: folded\r\n", b"\r\n"),
        (b": no name\r\n", b"\r\n"),
        ("Käse: x\r\n".encode(), b"\r\n"),
        (b".\r\n", b"\r\n"),
    ],
)
def test_an_empty_line_goes_before_a_first_line_that_is_no_field(section: bytes, separator: bytes) -> None:
    header = read_header(section)
    assert header.separator == separator
    assert header.is_missing is bool(separator)


def test_what_is_no_header_section_has_nothing_of_one() -> None:
    section = "hällo\r\nDate: x\r\nMessage-ID: <a@b>\r\nReceived: x\r\n".encode()
    assert read_header(section) == Header(0, False, None, False, True, is_missing=True)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (b"A: b\r\n\r\nReturn-Path: <x>\r\n", b"A: b\r\n\r\nReturn-Path: <x>\r\n"),
        (b"Return-Path: <x>\r\nA: b\r\n\r\n", b"A: b\r\n\r\n"),
        (b"A: b\r\nRETURN-path :\r\n\t<x>\r\nC: d\r\nReturn-Path: <y>\r\n\r\nz", b"A: b\r\nC: d\r\n\r\nz"),
        (b"A: b\r\n Return-Path: <x>\r\n\r\n", b"A: b\r\n Return-Path: <x>\r\n\r\n"),
        (b"X-Return-Path: <x>\r\n\r\n", b"X-Return-Path: <x>\r\n\r\n"),
        (b"\r\nReturn-Path: <x>\r\n", b"\r\nReturn-Path: <x>\r\n"),
    ],
)
def test_return_paths_that_were_there(tmp_path: Path, message: bytes, kept: bytes) -> None:
    content = Content(tmp_path)
    content.write(message)
    assert without_return_path(message, len(content.header_section())) == kept


@pytest.mark.parametrize(
    ("header", "message_id"),
    [
        (b"Message-ID: <a@b>\r\n", "<a@b>"),
        (b"A: b\r\nMESSAGE-ID :\r\n <a@b> (comment)\r\nMessage-ID: <second@b>\r\n", "<a@b>"),
        ("Message-ID: <ä@b>\r\n".encode(), "<ä@b>"),
        (b"Message-ID: none\r\n", None),
        (b"Resent-Message-ID: <a@b>\r\n", None),
        (b"", None),
    ],
)
def test_find_message_id(header: bytes, message_id: str | None) -> None:
    assert read_header(header).message_id == message_id


@pytest.mark.parametrize(
    ("header", "count"),
    [
        (b"", 0),
        (b"Received: x\r\n", 1),
        (b"RECEIVED:x\r\nreceived : y\r\nSubject: Received: z\r\n", 2),
        (b"Subject: x\r\n Received: folded\r\nX-Received: y\r\nReceived-SPF: pass\r\n", 0),
        (b"Received: x\r\n\tby y\r\n" * 60, 60),
    ],
)
def test_count(header: bytes, count: int) -> None:
    assert read_header(header).received == count
