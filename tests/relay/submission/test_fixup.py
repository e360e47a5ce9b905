from __future__ import annotations

import pytest

from postroad_relay.submission.fixup import FixUp, Header, fix_up, read_header


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
            Header(0, has_date=False, message_id="<first@b>", has_message_id=True, is_ascii=True),
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


@pytest.mark.parametrize(("fields", "loops"), [(49, False), (50, True), (51, True)])
def test_fifty_received_fields_are_a_loop(fields: int, loops: bool) -> None:
    assert read_header(b"Received: by x\r\n" * fields).loops is loops


NEW = "<new@relay.test>"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (b"Date: x\r\nMessage-ID: <a@b>\r\n", FixUp(b"", "<a@b>")),
        (b"Message-ID: <a@b>\r\n", FixUp(b"Date: Thu, 01 Jan 1970 00:00:10 +0000\r\n", "<a@b>")),
        (b"Date: x\r\n", FixUp(b"Message-ID: <new@relay.test>\r\n", NEW)),
        (b"Date: x\r\nMessage-ID: odd\r\n", FixUp(b"", None)),  # odd, but there: it is left alone
        (
            b"From: a\r\n",
            FixUp(b"Date: Thu, 01 Jan 1970 00:00:10 +0000\r\nMessage-ID: <new@relay.test>\r\n", NEW),
        ),
    ],
)
def test_date_and_message_id_are_added_and_nothing_else(section: bytes, expected: FixUp) -> None:
    assert fix_up(read_header(section), now=10.9, new_id=NEW) == expected
