from __future__ import annotations

import pytest

from postroad.dns.name import ROOT, BadName, Name

ORIGIN = Name.parse("example.")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("www", (b"www", b"example")),
        ("www.", (b"www",)),
        ("a.b", (b"a", b"b", b"example")),
        ("@", (b"example",)),
        (".", ()),
        (r"dot\.ted", (b"dot.ted", b"example")),
        (r"\097\032\255.", (b"a \xff",)),
        (r"\@.", (b"@",)),
        ("x" * 63 + ".", (b"x" * 63,)),
    ],
)
def test_parse(text: str, labels: tuple[bytes, ...]) -> None:
    name = Name.parse(text, ORIGIN)
    assert name.labels == labels
    assert Name.parse(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", "a..b", ".a", "x" * 64, "a\\", r"\12", r"\256", "ünder", ".".join(["x" * 63] * 4)]
)
def test_no_name(text: str) -> None:
    with pytest.raises(BadName):
        Name.parse(text, ORIGIN)


def test_without_an_origin_names_are_absolute() -> None:
    assert Name.parse("www.example") == Name.parse("www.example.")
    assert Name.parse("@").labels == (b"@",)


def test_spellings_are_equal_and_keep_their_case() -> None:
    upper, lower = Name.parse("WWW.Example."), Name.parse("www.example.")
    assert upper == lower
    assert hash(upper) == hash(lower)
    assert str(upper) == "WWW.Example."
    assert upper != "www.example."
    assert repr(upper) == "Name(labels=(b'WWW', b'Example'))"
    # RFC 4343 §3: only ASCII letters fold
    assert Name((b"\xc4",)) != Name((b"\xe4",))


def test_the_longest_name_has_255_octets() -> None:
    labels = (b"x" * 63, b"x" * 63, b"x" * 63)
    assert len(Name((*labels, b"x" * 61)).octets()) == 255
    with pytest.raises(BadName, match="255"):
        Name((*labels, b"x" * 62))


def test_family() -> None:
    name = Name.parse("a.b.example.")
    assert name.parent() == Name.parse("b.example.")
    assert name.parent().child(b"a") == name
    assert name.is_under(name)
    assert name.is_under(ORIGIN)
    assert name.is_under(ROOT)
    assert not ORIGIN.is_under(name)
    assert not Name.parse("xexample.").is_under(ORIGIN)
    with pytest.raises(BadName):
        ROOT.parent()


def test_octets() -> None:
    assert Name.parse("a.bc.").octets() == b"\x01a\x02bc\x00"
    assert ROOT.octets() == b"\x00"
