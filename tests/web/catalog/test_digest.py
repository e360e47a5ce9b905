"""What the catalog takes from a content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.catalog.digest import MAX_TEXT, SNIPPET, read_content
from postroad_web.catalog.searchable import searchable
from postroad_web.message.parse import header_lines

HEADER = (
    b"Return-Path: <alice@alpha.test>\r\nFrom: =?utf-8?q?Al=C3=ADce?= <alice@alpha.test>\r\n"
    b"To: Bob <bob@beta.test>,\r\n carol@beta.test\r\nCc: dan+blue@beta.test\r\nReply-To: <reply@alpha.test>\r\n"
    b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMessage-ID: <1@alpha.test>\r\nX-Tags: red, two words\r\n"
)
ALTERNATIVE = (
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    b"--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlain w\xc3\xb6rds\r\n"
    b"--a\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<style>hidden</style><p>Shown <a href=3D"https://a.test/x?y=3D1">here</a></p>\r\n--a--\r\n'
    b"--m\r\nContent-Type: application/pdf; name=bill.pdf\r\nContent-Disposition: attachment\r\n\r\nbinary\r\n"
    b"--m\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\n\r\nbinary\r\n--m--\r\n"
)


def test_a_message_with_everything() -> None:
    digest, text, header = read_content(
        HEADER + b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n" + ALTERNATIVE, ["eve@b.test"]
    )
    assert digest.subject == "Grüße"
    assert digest.from_ == (("Alíce", "alice@alpha.test"),)
    assert digest.to == (("Bob", "bob@beta.test"), ("", "carol@beta.test"))
    assert digest.cc == (("", "dan+blue@beta.test"),)
    assert digest.bcc == ()
    assert digest.reply_to == (("", "reply@alpha.test"),)
    assert digest.date == 1772442000.0
    assert (digest.attachments, digest.inline) == (1, 1)
    assert digest.tags == ("blue", "red", "two words")
    assert digest.snippet.startswith("Shown here")
    for words in (
        "grüße",
        "alíce alice@alpha.test",
        "eve@b.test",
        "bill.pdf",
        "plain wörds",
        "a.test/x?y=1",
    ):
        assert words in text
    assert "hidden" not in text
    assert "\nsubject: Grüße\n" in header


def test_attachments_and_what_is_shown_within_the_text_are_counted_apart() -> None:
    kinds = [b"attachment; filename=a", b"attachment; filename=b", b"attachment; filename=c", b"attachment"]
    parts = [b"--m\r\nContent-Type: image/png\r\nContent-Disposition: %b\r\n\r\nx\r\n" % kind for kind in kinds]
    parts.append(b"--m\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\nx\r\n")
    content = b'Content-Type: multipart/related; boundary="m"\r\n\r\n' + b"".join(parts) + b"--m--\r\n"
    digest = read_content(content, []).digest
    assert (digest.attachments, digest.inline) == (3, 1)  # what has no name is none


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (b"Mon, 2 Mar 2026 10:00:00 +0000 (UTC)", 1772445600.0),
        (b"2 Mar 2026 10:00:00 -0130", 1772451000.0),
        (b"Mon,2 Mar 2026 10:00:00 +0100", 1772442000.0),
        (b"Mon, 02 Mar 26 10:00 GMT", 1772445600.0),
        (b"2 Xyz 2026 10:00:00 +0000", None),
        (b"yesterday", None),
    ],
)
def test_dates(date: bytes, seconds: float | None) -> None:
    assert read_content(b"Date: " + date + b"\r\n\r\n", []).digest.date == seconds


def test_a_snippet_has_no_urls_of_links() -> None:
    html = b"<h1>Hi</h1><a href=https://x.test/view?id=1>View in browser</a> or <a href=https://y.test></a><p>Dear"
    content = b"Content-Type: text/html\r\n\r\n" + html
    assert read_content(content, []).digest.snippet == "Hi View in browser or Dear"
    assert "https://x.test/view?id=1" in read_content(content, []).text
    long = b"Content-Type: text/html\r\n\r\n" + b"<a href=https://x.test>word</a> " * 500
    assert read_content(long, []).digest.snippet == ("word " * 40).strip() + "..."


def test_snippets() -> None:
    assert read_content(b"\r\nOne\r\n two\r\n", []).digest.snippet == "One two"
    assert read_content(b"\r\n" + b"word " * 100, []).digest.snippet == ("word " * 40).strip() + "..."
    umlauts = read_content(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ü".encode() * 150, []).digest.snippet
    assert umlauts == "ü" * (SNIPPET // 2) + "..."
    whole = read_content(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ü".encode() * 100, []).digest.snippet
    assert whole == "ü" * 100
    short = read_content(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ü".encode() * 50, []).digest.snippet
    assert short == "ü" * 50


def test_a_snippet_is_cut_between_characters_at_200_octets() -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    for text, snippet in (
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "..."),
        ("é" * 100, "é" * 100),
        ("é" * 100 + "x", "é" * 100 + "..."),
        ("日" * 66, "日" * 66),
        ("日" * 67, "日" * 66 + "..."),
        ("x" * 199 + " " + "x", "x" * 199 + "..."),
        (" ".join("x" * 500), " ".join("x" * 100) + "..."),
    ):
        assert read_content(head + text.encode(), []).digest.snippet == snippet


def test_a_header_without_a_subject_and_with_hidden_recipients() -> None:
    digest, text, _ = read_content(b"Return-Path: <path@a.test>\r\nBcc: Eve <eve@b.test>\r\nBcc: f@b.test\r\n\r\n", [])
    assert (digest.subject, digest.snippet, digest.date, digest.from_) == ("", "", None, ())
    assert digest.bcc == (("Eve", "eve@b.test"), ("", "f@b.test"))
    assert "path@a.test" in text


def test_a_charset_and_an_encoding_that_are_not_ascii_are_unknown_ones() -> None:
    head = "Content-Type: text/plain; charset=utf-é\r\nContent-Transfer-Encoding: 7é\r\n\r\n".encode()
    assert read_content(head + "grün".encode(), []).digest.snippet == "grün"


def test_charsets() -> None:
    text = read_content(b"Content-Type: text/plain; charset=iso-8859-5\r\n\r\n\xbf\xe0\xd8\xd2\xd5\xe2", []).text
    assert "привет" in text


def test_the_text_is_bounded() -> None:
    assert len(read_content(b"\r\n" + b"word " * MAX_TEXT, []).text) <= MAX_TEXT


def test_nothing_that_sqlite_cannot_take() -> None:
    digest, text, header = read_content(
        b"Subject: =?utf-7?q?+2AA-?= a\0b \xff\r\nFrom: =?utf-16?b?ANg=?= <a@b.test>\r\n\r\na\0b", []
    )
    for value in (digest.subject, digest.from_[0].name, digest.snippet, text, header):
        value.encode()
        assert "\0" not in value


def test_tags_are_in_the_addresses_of_all_who_are_named() -> None:
    content = (
        b"From: a+one@x.test\r\nTo: b+two@x.test, c+three@x.test\r\nCc: d+four@x.test\r\nBcc: e+five@x.test\r\n"
        b"Reply-To: f+no@x.test\r\nReturn-Path: <g+no@x.test>\r\nX-Tags: , ,six,\r\nX-Tags: seven\r\n\r\n"
    )
    tags = read_content(content, ["h+eight@x.test"]).digest.tags
    assert tags == ("eight", "five", "four", "one", "seven", "six", "three", "two")


def test_a_nul_is_shown_as_a_space() -> None:
    assert read_content(b"Subject: a\0b\r\n\r\n", []).digest.subject == "a b"
    assert read_content("Subject: é\0b\r\n\r\n".encode(), []).digest.subject == "é b"


@given(st.binary(max_size=300))
def test_anything_can_be_read(octets: bytes) -> None:
    digest, text, header = read_content(octets, ["a@b.test"])
    assert "a@b.test" in text
    for value in (digest.subject, digest.snippet, text, header):
        value.encode()


@given(st.text(max_size=60))
def test_searchable_is_searchable(text: str) -> None:
    once = searchable(text)
    assert searchable(once) == once
    once.encode()


def test_words_are_parted_by_single_spaces() -> None:
    assert searchable('A,"B"\r\n\t(C) <d@e.test>; É\0') == "a b c d@e.test é"
    assert searchable("A\u030a") == "å"


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_ascii_is_done_as_other_text_is(text: str) -> None:
    """The quick way for ASCII gives what the plain one gives."""
    assert searchable(text) == searchable(f"é {text}").removeprefix("é").removeprefix(" ")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"subject", b"x-a"]),
            st.text(max_size=20).map(lambda text: text.replace("\n", " ").encode("utf-8", "replace")),
        )
    )
)
def test_header_lines_of_ascii_are_as_those_of_others(header: list[tuple[bytes, bytes]]) -> None:
    plain = header_lines([*header, (b"x-last", "é".encode())])
    assert plain == f"{header_lines(header)[:-1]}\nx-last: é\n" if header else plain == "\nx-last: é\n"


def test_what_begins_with_an_empty_line_has_no_header() -> None:
    digest, text, header = read_content(b"\r\nSubject: x\r\n\r\nbody", [])
    assert digest.subject == ""
    assert "subject: x" in text.lower()
    assert "subject" not in header
