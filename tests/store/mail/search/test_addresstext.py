"""The text of an ENVELOPE's addresses, from the octets that the store keeps."""

from __future__ import annotations

import pytest

from postroad.mime.envelope import envelope
from postroad_store.mail.search.addresstext import PLACES, addresses

SUBJECTS = [b"plain", b"", b'quo"te', b"{5}", b"(a (b", b"caf\xc3\xa9 ((", None]
VALUES = [
    (b"joe@d.example", "<joe@d.example>"),
    (b"Joe Doe <JOE@D.example>", "joe doe <joe@d.example>"),
    (b"joe@d.example (Joe Doe)", "joe doe <joe@d.example>"),
    (b'"Doe, Joe" <joe@d.example>, bob@x', "doe, joe <joe@d.example>, <bob@x>"),
    (b'"a \\"b\\" c" <"x y"@z>', 'a "b" c <x y@z>'),
    (b"=?utf-8?q?J=C3=B6rg?= <j@x>", "jo\u0308rg <j@x>"),
    (b"=?utf-8?b?SsO2cmc=?= =?utf-8?q?_M=C3=BCller?= <j@x>", "jo\u0308rg mu\u0308ller <j@x>"),
    (b"Stra\xc3\x9fe <j@x>", "straße <j@x>"),
    (b"<@a,@b:c@d>", "<@a,@b:c@d>"),
    (b"team: a@x, =?utf-8?q?=C3=89va?= <b@x>;, c@x", "team:, <a@x>, e\u0301va <b@x>, ;, <c@x>"),
    (b"team: a@x;", "team:, <a@x>, ;"),
    (b"undisclosed-recipients:;", "undisclosed-recipients:, ;"),
]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("message_id", [b"<1@x>", b"<{1}@x>", b'<">'])
@pytest.mark.parametrize(("value", "text"), VALUES)
def test_addresses(name: bytes, subject: bytes | None, message_id: bytes, value: bytes, text: str) -> None:
    fields = [(name, value), (b"message-id", message_id)]
    if subject is not None:
        fields.append((b"subject", subject))
    wire = envelope(fields)
    assert addresses(wire, name) == text.encode()
    for other in PLACES.keys() - {name}:
        assert addresses(wire, other) is None


def test_every_field_has_its_own() -> None:
    names = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
    for subject in (b"plain", b'"'):
        wire = envelope([(b"subject", subject), *[(name, name + b"@x") for name in names]])
        assert [addresses(wire, name) for name in PLACES] == [b"<%b@x>" % name for name in PLACES]


def test_no_address() -> None:
    for subject in (b"plain", b'"'):
        wire = envelope([(b"from", b""), (b"subject", subject)])
        assert addresses(wire, b"from") is None


def test_names_that_are_sent_as_they_are_are_folded() -> None:
    wire = envelope([(b"from", "JÖRG <j@x>".encode())])
    assert addresses(wire, b"from") == "jo\u0308rg <j@x>".encode()
