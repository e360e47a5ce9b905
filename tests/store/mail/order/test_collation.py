from __future__ import annotations

import pytest

from postroad_store.mail.order.collation import casemap


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("", ""),
        ("Hello", "HELLO"),
        ("étude", "E\u0301TUDE"),
        ("ÉTUDE", "E\u0301TUDE"),
        ("\u01c4", "Dz\u030c"),  # the example of RFC 5051 §2
        ("ß", "ß"),  # UnicodeData.txt has no title case for it
        ("ﬁn", "fiN"),
        ("\u212b", "A\u030a"),
        ("ǆ", "Dz\u030c"),
        ("Ж", "Ж"),
        ("ж", "Ж"),
    ],
)
def test_casemap(text: str, mapped: str) -> None:
    assert casemap(text) == mapped.encode()


def test_order_is_that_of_the_code_points() -> None:
    words = ["b", "A", "é", "Zebra", "", "a", "\U0001f600", "\uffee"]
    assert sorted(words, key=casemap) == ["", "A", "a", "b", "é", "Zebra", "\uffee", "\U0001f600"]
