"""Fields of an ENVELOPE, with and without literals in it."""

from __future__ import annotations

import pytest

from postroad.mime.envelope import envelope
from postroad_store.mail.search.envelopes import Place, first, listing, string

STRINGS = {
    Place.DATE: b"date",
    Place.SUBJECT: b"subject",
    Place.IN_REPLY_TO: b"in-reply-to",
    Place.MESSAGE_ID: b"message-id",
}
LISTS = {Place.FROM: b"from", Place.TO: b"to", Place.CC: b"cc", Place.BCC: b"bcc"}


@pytest.mark.parametrize("odd", [None, b'quo"te', b"caf\xc3\xa9", b"{5}"])
@pytest.mark.parametrize("left_out", [None, *STRINGS])
def test_strings(odd: bytes | None, left_out: Place | None) -> None:
    fields = [(name, b"a " + name) for place, name in STRINGS.items() if place is not left_out]
    fields += [(b"from", b"Joe (x) <joe@d>, bob@x"), (b"cc", b"team: a@x;")]
    if odd is not None:
        fields.append((b"sender", b'"%b" <a@b>' % odd.replace(b'"', b'\\"')))
    wire = envelope(fields)
    for place, name in STRINGS.items():
        assert string(wire, place) == (b"" if place is left_out else b"a " + name)


@pytest.mark.parametrize("subject", [b"plain", b'quo"te', None])
def test_addresses(subject: bytes | None) -> None:
    fields = [(b"from", b"Joe <joe@d>, bob@x"), (b"to", b"team: a@x;"), (b"bcc", b"<@r:z@q>")]
    wire = envelope(fields if subject is None else [*fields, (b"subject", subject)])
    assert listing(wire, Place.FROM) == [(b"Joe", b"", b"joe", b"d"), (b"", b"", b"bob", b"x")]
    assert first(wire, Place.FROM) == (b"Joe", b"", b"joe", b"d")
    assert first(wire, Place.TO) == (b"", b"", b"team", b"")
    assert first(wire, Place.CC) is None
    assert listing(wire, Place.CC) == []
    assert first(wire, Place.BCC) == (b"", b"@r", b"z", b"q")


@pytest.mark.parametrize("wire", [b"", b"(", b"(NIL"])
def test_what_no_store_has_written(wire: bytes) -> None:
    assert first(wire, Place.FROM) is None
    assert listing(wire, Place.FROM) == []
    assert string(wire, Place.SUBJECT) == b""
