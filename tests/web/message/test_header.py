"""Header fields as they are written: where they are folded, quoted and encoded."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.catalog.record import Address
from postroad_web.message.header import HeaderError, address_field, parameter, text_field


def a(count: int) -> str:
    return "a" * count


TEXTS = [
    ("plain", b"X: plain\r\n"),
    ("", b"X: \r\n"),
    ("one  two", b"X: one  two\r\n"),
    (f"{a(36)} {a(36)}", f"X: {a(36)} {a(36)}\r\n".encode()),  # a line of 76 characters
    (f"{a(36)} {a(37)}", f"X: {a(36)}\r\n {a(37)}\r\n".encode()),
    (a(80), f"X: {a(80)}\r\n".encode()),  # nothing to fold at
    (f"{a(80)} {a(75)} b", f"X: {a(80)}\r\n {a(75)}\r\n b\r\n".encode()),
    (a(900), f"X: {a(900)}\r\n".encode()),
    (f"{a(36)}  {a(37)}", f"X: {a(36)} \r\n {a(37)}\r\n".encode()),  # 75 and the name: the blanks stay
    (f"{a(36)}  {a(38)}", f"X: =?utf-8?q?{a(36)}__{a(13)}?=\r\n =?utf-8?q?{a(25)}?=\r\n".encode()),
    (" a", b"X: =?utf-8?q?_a?=\r\n"),
    ("half a pair: \ud800", b"X: =?utf-8?q?half_a_pair=3A_=3F?=\r\n"),
    ("\ud800\ud800", b"X: =?utf-8?b?Pz8=?=\r\n"),
    ("a ", b"X: =?utf-8?q?a_?=\r\n"),
    ("a\tb", b"X: =?utf-8?b?YQli?=\r\n"),
    ("a =?x", b"X: =?utf-8?b?YSA9P3g=?=\r\n"),
    ("=?abcdefghijklm", b"X: =?utf-8?q?=3D=3Fabcdefghijklm?=\r\n"),
    ("caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait", b"X: =?utf-8?q?caf=C3=A9_au_lait?=\r\n"),
    ("\N{LATIN SMALL LETTER E WITH ACUTE}ab", b"X: =?utf-8?b?w6lhYg==?=\r\n"),  # more than a sixth is encoded
    (f"{a(10)}\N{LATIN SMALL LETTER E WITH ACUTE}", f"X: =?utf-8?q?{a(10)}=C3=A9?=\r\n".encode()),  # a sixth
    (f"{a(9)}\N{LATIN SMALL LETTER E WITH ACUTE}", b"X: =?utf-8?b?YWFhYWFhYWFhw6k=?=\r\n"),
]


@pytest.mark.parametrize(("value", "field"), TEXTS)
def test_text(value: str, field: bytes) -> None:
    assert text_field("X", value) == field


def test_a_word_that_is_too_long_is_cut() -> None:
    lines = text_field("X", a(901)).split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert lines[0] == f"X: =?utf-8?q?{a(51)}?=".encode()
    assert lines[1] == f" =?utf-8?q?{a(51)}?=".encode()
    accents = text_field("X", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 40).split(b"\r\n")
    assert accents[0] == b"X: =?utf-8?b?" + b"w6nDqcOp" * 5 + b"w6nDqQ==" + b"?="  # whole characters


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
def test_encoded_words_are_short_and_read_by_others(value: str) -> None:
    field = text_field("X-Longest-Of-Names", "\N{LATIN SMALL LETTER E WITH ACUTE}" + value)
    assert all(len(line) <= 76 + 8 for line in field.split(b"\r\n"))
    assert all(len(word) <= 75 for word in field.split()[1:])
    read = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)
    assert read["X-Longest-Of-Names"] == "\N{LATIN SMALL LETTER E WITH ACUTE}" + value


PEOPLE = [
    (("", "a@b.test"), b"To: a@b.test\r\n"),
    (("Some One", "a@b.test"), b"To: Some One <a@b.test>\r\n"),
    (("Some  One", "a@b.test"), b'To: "Some  One" <a@b.test>\r\n'),
    (("O'Neil & Sons", "a@b.test"), b"To: O'Neil & Sons <a@b.test>\r\n"),
    (('A. "B" \\', "a@b.test"), b'To: "A. \\"B\\" \\\\" <a@b.test>\r\n'),
    (("x =?y", "a@b.test"), b"To: =?utf-8?b?eCA9P3k=?= <a@b.test>\r\n"),
    (("", "\ud800@b.test"), b"To: ?@b.test\r\n"),
    (("x.", "a@b.test"), b'To: "x." <a@b.test>\r\n'),
    ((a(59) + ".", "a@b.test"), f'To: "{a(59)}."\r\n <a@b.test>\r\n'.encode()),
    ((a(60) + ".", "a@b.test"), f"To: =?utf-8?q?{a(51)}?=\r\n =?utf-8?q?{a(9)}=2E?= <a@b.test>\r\n".encode()),
]


def test_a_name_is_folded_between_its_words() -> None:
    field = address_field("Disposition-Notification-To", [Address(f"{a(30)} {a(25)}", "a@b.test")])
    assert field == f"Disposition-Notification-To: {a(30)}\r\n {a(25)} <a@b.test>\r\n".encode()


@pytest.mark.parametrize(("person", "field"), PEOPLE)
def test_addresses(person: tuple[str, str], field: bytes) -> None:
    assert address_field("To", [Address(*person)]) == field


def test_several_addresses() -> None:
    people = [Address("", "a@b.test"), Address("C", "c@d.test"), Address("", f"{a(50)}@b.test")]
    assert address_field("Cc", people) == f"Cc: a@b.test, C <c@d.test>,\r\n {a(50)}@b.test\r\n".encode()


PARAMETERS = [
    ("a.txt", b';\r\n filename="a.txt"'),
    ('a "b" \\', b';\r\n filename="a \\"b\\" \\\\"'),
    (a(60), f';\r\n filename="{a(60)}"'.encode()),
    (a(61), f";\r\n filename*0*=utf-8''{a(53)};\r\n filename*1*={a(8)}".encode()),
    ("\N{LATIN SMALL LETTER E WITH ACUTE} !#$&+^`{|}~*", b";\r\n filename*=utf-8''%C3%A9%20!#$&+^`{|}~%2A"),
    ("X\ud800", b";\r\n filename*=utf-8''X%3F"),
    (f"{a(47)}\N{LATIN SMALL LETTER E WITH ACUTE}", f";\r\n filename*=utf-8''{a(47)}%C3%A9".encode()),
    (
        f"{a(48)}\N{LATIN SMALL LETTER E WITH ACUTE}",
        f";\r\n filename*0*=utf-8''{a(48)};\r\n filename*1*=%C3%A9".encode(),
    ),
]


@pytest.mark.parametrize(("value", "written"), PARAMETERS)
def test_parameters(value: str, written: bytes) -> None:
    assert parameter("filename", value) == written


@pytest.mark.parametrize("character", ["\0", "\x08", "\n", "\r", "\x1f", "\x7f", "\x85", "\u2028", "\u2029"])
def test_what_could_begin_another_field(character: str) -> None:
    for write in (text_field, parameter):
        with pytest.raises(HeaderError, match="the value of X has a line end"):
            write("X", f"a{character}b")
    with pytest.raises(HeaderError, match="the value of To has a line end"):
        address_field("To", [Address(f"a{character}b", "a@b.test")])
