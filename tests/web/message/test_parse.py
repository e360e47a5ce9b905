"""Messages, read: structure, texts, charsets, file names, checksums."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.catalog.record import Address
from postroad_web.message.parse import parse_date, parse_message
from postroad_web.message.parsed import Role
from postroad_web.message.parts import part_octets
from postroad_web.message.reader import AT_ONCE, read_message, read_part
from tests.mail.corpus import Message, messages


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


NESTED = crlf("""\
From: =?utf-8?q?J=C3=BCrgen?= <j@alpha.test>
To: "Eve, A." <e@x.test>, team: <m@n.test>, o@p.test;
Cc: nobody
Subject: =?iso-8859-1?q?Gr=FC=DFe?= =?utf-8?b?8J+OiQ==?=
Message-ID: <one@alpha.test>
Date: Mon, 23 Nov 2026 12:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--inner
Content-Type: multipart/related; boundary=deep

--deep
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+R3LDvMOfZTwvcD4=
--deep
Content-Type: image/png
Content-ID: <logo@alpha>
Content-Transfer-Encoding: base64

iVBORw==
--deep--
--inner--
--outer
Content-Type: application/pdf; name="=?utf-8?q?f=C3=BCr?= dich.pdf"
Content-Disposition: attachment
Content-Transfer-Encoding: base64

JVBERg==
--outer
Content-Type: text/csv
Content-Disposition: inline; filename*0*=utf-8''a%E2%82%AC; filename*1=b.csv

1,2
--outer
Content-Type: message/rfc822

Subject: inside
Content-Type: multipart/mixed; boundary=x

--x

text of the embedded message
--x--
--outer--
""")


def test_parts_have_the_numbers_of_enmime() -> None:
    parsed = parse_message(NESTED)
    assert [(part.part_id, part.content_type, part.role.value) for part in parsed.parts] == [
        ("0", "multipart/mixed", "multipart"),
        ("1.0", "multipart/alternative", "multipart"),
        ("1.1", "text/plain", "text"),
        ("1.2.0", "multipart/related", "multipart"),
        ("1.2.1", "text/html", "html"),
        ("1.2.2", "image/png", "inline"),
        ("2", "application/pdf", "attachment"),
        ("3", "text/csv", "inline"),
        ("4", "message/rfc822", "inline"),
    ]
    assert [(part.part_id, part.filename) for part in parsed.attachments] == [("2", "für dich.pdf")]
    assert [(part.part_id, part.filename, part.content_id) for part in parsed.inline] == [
        ("3", "a€b.csv", ""),
        ("1.2.2", "", "logo@alpha"),
    ]
    pdf = parsed.part("2")
    assert pdf is not None
    assert (pdf.size, pdf.md5) == (4, hashlib.md5(b"%PDF").hexdigest())
    assert (pdf.sha1, pdf.sha256) == (hashlib.sha1(b"%PDF").hexdigest(), hashlib.sha256(b"%PDF").hexdigest())
    assert part_octets(NESTED, pdf) == b"%PDF"
    assert part_octets(NESTED, parsed.parts[1]).startswith(b"--inner\r\n")
    assert parsed.part("9") is None


def test_texts_and_fields_are_decoded() -> None:
    parsed = parse_message(NESTED)
    assert parsed.subject == "Grüße🎉"
    assert parsed.text == "Grüße"
    assert parsed.html == "<p>Grüße</p>"
    assert not parsed.text_is_generated
    assert parsed.from_ == (Address("Jürgen", "j@alpha.test"),)
    assert parsed.to == (Address("Eve, A.", "e@x.test"), Address("", "m@n.test"), Address("", "o@p.test"))
    assert parsed.cc == (Address("", "nobody"),)
    assert parsed.message_id == "one@alpha.test"
    assert parsed.date == 1795431600.0
    assert parsed.header("SUBJECT") == "Grüße🎉"
    assert parsed.header("X-None") is None
    assert dict(parsed.raw_headers)["From"] == "=?utf-8?q?J=C3=BCrgen?= <j@alpha.test>"
    assert parsed.size == len(NESTED)


def single(fields: str, body: str = "body") -> bytes:
    return crlf(f"{fields}\n\n{body}")


@pytest.mark.parametrize(
    ("content", "text", "html", "attachments", "inline"),
    [
        (single("Subject: a"), "body", "", 0, 0),
        (single("Content-Type: text/plain; name=a.csv\nContent-Disposition: attachment; filename=a"), "", "", 1, 0),
        (single("Content-Type: text/plain\nContent-Disposition: inline; filename=a"), "body", "", 0, 0),
        (single("Content-Type: application/pdf; name=a"), "", "", 1, 0),
        (single("Content-Type: application/pdf\nContent-Disposition: inline; filename=a"), "", "", 0, 1),
        (single("Content-Type: application/pdf"), "", "", 0, 0),  # no name, so clients of Mailpit do not see it
        (single("Content-Type: text/html", "<b>x</b> y"), "x y", "<b>x</b> y", 0, 0),
        (single("Content-Type: multipart/mixed"), "body", "", 0, 0),  # no boundary
        (single("Content-Type: multipart/mixed; boundary=b"), "", "", 0, 0),  # no part
        (single("Content-Type: multipart/digest; boundary=b", "--b\n\nSubject: x\n\ny\n--b--"), "", "", 0, 0),
        (
            single("Content-Type: multipart/mixed; boundary=b", "--b\n\none\n--b\n\ntwo\n--b--"),
            "one\n--\ntwo",
            "",
            0,
            0,
        ),
        (single("Content-Type: multipart/alternative; boundary=b", "--b\n\none\n--b\n\ntwo\n--b--"), "one", "", 0, 0),
        (
            single(
                "Content-Type: multipart/mixed; boundary=b",
                "--b\nContent-Type: application/octet-stream; name=x\n\none\n--b\n"
                "Content-Disposition: attachment; filename=y\n\ntwo\n--b\n"
                "Content-Type: text/html\nContent-Disposition: attachment; filename=z\n\n<p>\n--b--",
            ),
            "",
            "",
            3,
            0,
        ),
    ],
)
def test_what_a_part_is_for(content: bytes, text: str, html: str, attachments: int, inline: int) -> None:
    parsed = parse_message(content)
    assert (parsed.text, parsed.html) == (text, html)
    assert (len(parsed.attachments), len(parsed.inline)) == (attachments, inline)


@pytest.mark.parametrize(
    ("fields", "body", "text"),
    [
        ("Content-Type: text/plain; charset=utf-8", "Grüße".encode(), "Grüße"),
        ("Content-Type: text/plain; charset=shift_jis", "日本".encode("shift_jis"), "日本"),
        ("Content-Type: text/plain; charset=x-unknown", b"caf\xe9", "café"),
        ("Content-Type: text/plain; charset=utf-8", b"caf\xe9", "caf\ufffd"),
        ("Content-Type: text/plain; charset=unicode_escape", b"\\u0041", "\\u0041"),
        ("Content-Transfer-Encoding: base64", b"!!Ym9keQ", "body"),
        ("Content-Transfer-Encoding: x-unknown", b"body", "body"),
        ("Content-Type: text/plain; format=flowed", b"one \r\ntwo", "one \r\ntwo"),
    ],
)
def test_charsets_and_encodings(fields: str, body: bytes, text: str) -> None:
    assert parse_message(f"{fields}\r\n\r\n".encode() + body).text == text


def test_html_may_name_its_own_charset() -> None:
    source = '<html><head><meta charset="shift_jis"></head>日本'
    parsed = parse_message(b"Content-Type: text/html\r\n\r\n" + source.encode("shift_jis"))
    assert parsed.html == source
    assert parsed.text == "日本"
    assert parsed.text_is_generated


def test_multiparts_that_are_too_deep_are_octets() -> None:
    body = "deep"
    for level in range(110, 0, -1):
        body = f"Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n{body}\n--b{level}x--\n"
    parsed = parse_message(crlf(body))
    assert parsed.parts[-1].content_type == "application/octet-stream"
    assert parsed.parts[-1].role is Role.ATTACHMENT


@pytest.mark.parametrize("value", ["", "rubbish", "Mon, 23 Nov 99999999999999999999 12:00:00 +0000", "1 Jan"])
def test_an_unreadable_date_is_none(value: str) -> None:
    assert parse_date(value) is None


async def test_a_large_message_is_read_in_a_thread() -> None:
    content = b"Subject: large\r\n\r\n" + b"x" * AT_ONCE
    assert await read_message(content) == parse_message(content)
    assert (await read_message(NESTED)).subject == "Grüße🎉"


async def test_a_large_part_is_read_in_a_thread() -> None:
    for size in (3, AT_ONCE):
        content = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"x" * size)
        assert await read_part(content, parse_message(content).parts[0]) == b"x" * size


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.name)
def test_the_corpus_is_read(message: Message) -> None:
    content = message.content
    parsed = parse_message(content)
    assert parsed.size == len(content)
    assert parsed.parts[0].part_id == "0"
    assert len({part.part_id for part in parsed.parts}) == len(parsed.parts)


PIECES = st.sampled_from(
    [
        *(
            b"Content-Type: ",
            b"multipart/mixed; boundary=b",
            b"text/html; charset=",
            b"message/rfc822",
            b"--b",
            b"--b--",
        ),
        *(
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Disposition: attachment; filename*=",
            b"utf-8''%ff",
            b"=?utf-8?q?=ff?=",
            b"<a href=",
        ),
        *(
            b"Content-Transfer-Encoding: base64",
            b"Date: ",
            b"From: ",
            b"(",
            b'"',
            b"\\",
            b"<",
            b">",
            b"&#",
            b"9",
            b"x",
            b"\xff",
        ),
        *(b"List-Unsubscribe: ", b"https://", b"code 1234", b"Subject: "),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=60))
def test_nothing_makes_it_fail(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    parsed = parse_message(content)
    for part in parsed.parts:
        part_octets(content, part)
    "".join(link.url + link.text for link in parsed.links).encode("utf-8", "surrogatepass")
