"""Previews: of plain text, HTML, multiparts, and of what is not to be read."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.preview import HTML_OCTETS, LENGTH, PLAIN_OCTETS, preview
from postroad.mime.structure import parse, unpack

HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def of(content: bytes) -> str:
    parsed = parse(content)
    return preview(unpack(parsed.parts, parsed.header_size, len(content)), lambda start, end: content[start:end])


def mixed(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    delimited = b"".join(b"--x\r\n%b\r\n" % part for part in parts)
    return b"Content-Type: multipart/%b; boundary=x\r\n\r\n%b--x--\r\n" % (kind, delimited)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Subject: x\r\n\r\nHello,\r\n  there!\r\n\r\nBob\r\n", "Hello, there! Bob"),
        (b"Subject: x\r\n\r\n", ""),
        (b"Subject: x\r\n\r\n \r\n\t\r\n", ""),
        (b"\r\nOn Monday you wrote:\r\n> old\r\n>> older\r\nNew\r\n", "On Monday you wrote: New"),
        (b"\r\n> only\r\n> quoted\r\n", "only quoted"),
        (b"\r\nText\r\n-- \r\nBob\r\n+1 555\r\n", "Text"),
        (b"\r\n-- \r\nBob\r\n", "Bob"),
        (b"\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n", ""),
        (
            b"\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: X\n\r\nsigned text\n-----BEGIN PGP SIGNATURE-----",
            "signed text",
        ),
        (b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"coded"), "coded"),
        (b"Content-Transfer-Encoding: x-unknown\r\n\r\ncoded", ""),
        (
            b"Content-Type: text/plain; charset=latin1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9",
            "café",
        ),
        (b"\r\na\0b\x1b[1m\xe2\x80\x8bc", "ab[1mc"),
        (b"\r\none\xe2\x80\xa8two", "one two"),
        (b"Content-Type: image/png\r\n\r\nabc", ""),
        (b"Content-Type: Text/Enriched\r\n\r\nshown", "shown"),
        (b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR", ""),
        (b"Content-Type: nonsense\r\n\r\ntext after all", "text after all"),
        (b"Content-Disposition: attachment\r\n\r\nfile", ""),
        (b"Content-Disposition: inline\r\n\r\nshown", "shown"),
        (HTML + b"<p>One</p><p>two <b>t</b>hree", "One two three"),
        (
            HTML + b"<html><head><title>T</title><style>p {}</style></head><body><!-- no --><script>x()</script>"
            b"<style>q</style>Text &amp; &eacute;&nbsp;more</body></html>",
            "Text & é more",
        ),
        (HTML + b"new<blockquote>old<blockquote>older</blockquote>old</blockquote> end", "new end"),
        (HTML + b"<blockquote>only</blockquote>", "only"),
        (HTML + b"a</blockquote>b", "a b"),
        (HTML + b"1 < 2 <3", "1 < 2 <3"),
        (HTML + b"a<!doctype html>b<?xml?>c</>d", "abcd"),
        (HTML + b"text<!-- open", "text"),
        (HTML + b"text<style>open", "text"),
        (HTML + b"text<a href='", "text"),
        (HTML + b"<p>&zwnj;&nbsp;&#847;&zwnj; shown", "shown"),
        (mixed(b"\r\nplain", HTML + b"<b>rich</b>", kind=b"alternative"), "plain"),
        (mixed(b"\r\n  ", HTML + b"<b>rich</b>", kind=b"alternative"), "rich"),
        (mixed(b"Content-Type: image/png\r\n\r\nabc", b"\r\ntext"), "text"),
        (mixed(b"Content-Transfer-Encoding: x-unknown\r\n\r\ncoded", b"\r\ntext"), "text"),
        (mixed(b"Content-Disposition: attachment\r\n\r\nfile", b"\r\ntext"), "text"),
        (mixed(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner"), "inner"),
        (mixed(*[b"\r\n "] * 12, b"\r\nlate"), ""),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n", ""),
    ],
)
def test_messages(content: bytes, expected: str) -> None:
    assert of(content) == expected


# HTML §15.3.1, §15.3.2: what a browser does not put on lines of its own, and what it does
INLINE = (
    "a abbr acronym b bdi bdo big cite code dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u"
    " var wbr"
)
APART = "address article br center dd div dl dt figure footer h1 h6 header hr li main nav ol p pre section td tr ul x"


@pytest.mark.parametrize(("names", "expected"), [(INLINE, "onetwo"), (APART, "one two")])
def test_which_elements_part_words(names: str, expected: str) -> None:
    for name in names.split():
        assert of(HTML + f"one<{name}>two</{name.upper()}>".encode()) == expected, name


@pytest.mark.parametrize("name", ["head", "Script", "STYLE", "template", "Title"])
def test_what_is_not_shown_may_have_many_lines(name: str) -> None:
    inside = f"<{name}\n x='y'\n>\nno\n<b>no</b></{name}x>\nno\n</{name.swapcase()}\n>"
    assert of(HTML + f"one{inside}two".encode()) == "onetwo"
    assert of(HTML + f"one<{name}s>two</{name}s>three".encode()) == "one two three"
    assert of(HTML + b"one<!--\nno\n<b>\nno-->two<B\nx>three") == "onetwothree"


def test_the_length() -> None:
    assert of(b"\r\n" + b"word " * 100) == ("word " * 100)[:LENGTH].rstrip()
    accents = "e\N{COMBINING ACUTE ACCENT}" * 150
    shown = of(b"Content-Type: text/plain; charset=utf-8\r\n\r\nx" + accents.encode())
    assert shown == ("x" + accents)[: LENGTH - 1]
    marks = "e" + "\N{COMBINING ACUTE ACCENT}" * 500
    assert len(of(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + marks.encode())) == LENGTH - 20


def test_the_end_of_what_is_read() -> None:
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\nab" + b"\r\n" * (PLAIN_OCTETS // 2 - 2) + b"x\xc3\xa4"
    assert of(text) == "ab x"
    assert of(text.replace(b"x\xc3", b"X\xc3")) == "ab X"
    for more, shown in ((0, "a\N{REPLACEMENT CHARACTER}"), (1, "a")):  # half a character, and half of one that is cut
        text = b" " * (PLAIN_OCTETS - 2) + b"a\xc3" + b" " * more
        assert of(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text) == shown
    assert of(HTML + b"<style>" + b"x" * HTML_OCTETS + b"</style>text") == ""


@pytest.mark.parametrize(
    "text", [b"<!--", b"<style", b"<style>", b"<a ", b"</", b"&", b"<blockquote>", b"&amp;", b"<head><", b"> ", b" "]
)
def test_no_text_takes_long(text: bytes) -> None:
    began = time.process_time()
    for header in (HTML, b"\r\n"):
        of(header + text * (HTML_OCTETS // len(text)))
    assert time.process_time() - began < 0.5


@given(st.binary(), st.sampled_from([HTML, b"\r\n", b"Content-Transfer-Encoding: base64\r\n\r\n"]))
def test_any_text_has_a_preview(text: bytes, header: bytes) -> None:
    shown = of(header + text)
    assert len(shown) <= LENGTH
    assert "\r" not in shown
    assert "\n" not in shown
    assert "\0" not in shown
    shown.encode()
