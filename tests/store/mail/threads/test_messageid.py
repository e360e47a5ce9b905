from __future__ import annotations

import pytest

from postroad_store.mail.threads.messageid import message_ids


@pytest.mark.parametrize(
    ("field", "ids"),
    [
        (b"<a@b>", [b"a@b"]),
        (b"<a@b> <c@d>\r\n\t<e@f>", [b"a@b", b"c@d", b"e@f"]),
        (b'<"01KF8JCEOCBS0045PS"@xxx.yyy.com>', [b"01KF8JCEOCBS0045PS@xxx.yyy.com"]),  # RFC 5256 section 3
        (b'<"a b\\"c"@d>', [b'a b"c@d']),
        (b"< a @ b >", [b"a@b"]),
        (b"joe@d of Monday <x> <a@b>", [b"a@b"]),
        (b"<a@[127.0.0.1]>", [b"a@[127.0.0.1]"]),
        (b"<a@b", []),
        (b"a@b", []),
        (b"<<a@b>>", [b"a@b"]),
        (b"<@>", []),
        (b'<"a" b@c>', []),
        (b"", []),
    ],
)
def test_message_ids(field: bytes, ids: list[bytes]) -> None:
    assert list(message_ids(field)) == ids


@pytest.mark.parametrize("piece", [b"<", b"@", b'<"', b"<@", b'<"\\', b"<a@b> "])
def test_a_field_of_a_megabyte(piece: bytes) -> None:
    assert len(list(message_ids(piece * 200_000))) in {0, 200_000}
