from __future__ import annotations

import pytest

from postroad.mail.header import read_header
from postroad_relay.submission.fixup import FixUp, fix_up

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
