"""Messages, read: structure, texts, charsets, file names, checksums."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.catalog.record import Address
from postroad_web.message.parse import header_lines, parse_date, parse_message, without_fields
from postroad_web.message.parsed import Part, Role, Unsubscribe
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


@pytest.mark.parametrize("fast", [True, False])
def test_the_header_as_searches_see_it(fast: bool) -> None:
    """What is all ASCII is written a shorter way, and reads the same."""
    more = [] if fast else [(b"x-more", "é".encode())]
    end = "" if fast else "x-more: é\n"
    assert header_lines(more) == ("\n\n" if fast else f"\n{end}")
    assert header_lines([(b"subject", b"a: b"), (b"to", b""), *more]) == f"\nsubject: a: b\nto: \n{end}"
    assert header_lines([(b"x", b"nul\0cr\r."), *more]) == f"\nx: nul cr .\n{end}"
    assert header_lines([*more, (b"x", b"a" * 40_000)]) == f"\n{end}x: {'a' * (32_768 - len(end) - 3)}\n"
    assert header_lines([*more, (b"x", b"a" * 10_000)]) == f"\n{end}x: {'a' * 10_000}\n"


def test_encoded_words_of_the_header_are_decoded_and_stay_on_their_line() -> None:
    assert header_lines([(b"subject", b"=?utf-8?q?ab?= c"), (b"to", b"d")]) == "\nsubject: ab c\nto: d\n"
    assert header_lines([(b"subject", b"=?utf-8?q?a=0D=0Ab=00=C3=A9?=")]) == "\nsubject: a  b é\n"
    assert header_lines([(b"\xe9", b"a\0\r\nb\xe9")]) == "\né: a   bé\n"


HEADER = b"From: a@b\r\nBcc: x,\r\n\ty\r\nSubject: bcc: z\r\nBCC \t:\tw \r\nX-Bcc: v\r\n"


def test_fields_are_taken_out_of_a_message() -> None:
    kept = b"From: a@b\r\nSubject: bcc: z\r\nX-Bcc: v\r\n"
    for end in (b"\r\nBcc: body\r\n", b"\r\n", b""):
        assert without_fields(HEADER + end, frozenset({b"bcc"}), of=frozenset({b"from", b"to"})) == (
            kept + end,
            {b"bcc": [b"x,\ty", b"w"], b"from": [b"a@b"], b"to": []},
        )
    assert without_fields(HEADER, frozenset()) == (HEADER, {})
    assert without_fields(b"\nbcc: x", frozenset({b"bcc"})) == (b"\nbcc: x", {b"bcc": []})


def test_only_white_space_around_a_value_is_dropped() -> None:
    content = b"X-A: XMAX \t\r\nX-B:\tX\r\n\r\n"
    assert parse_message(content).raw_headers == (("X-A", "XMAX"), ("X-B", "X"))
    assert without_fields(content, frozenset({b"x-a"}), of=frozenset({b"x-b"}))[1] == {
        b"x-a": [b"XMAX"],
        b"x-b": [b"X"],
    }


def test_all_fields_in_their_order() -> None:
    content = crlf(
        "To: a@b\nTO : c@d\nX-TabX \t:\t \tXone\n twoX \t \nno field\nCc: e@f\ncc: g@h\nBcc: i@j\nReply-To: k@l\n"
        "reply-to: m@n\nDate: Thu, 01 Jan 1970 00:00:10 +0000\nDate: x\nSubject: first\nSubject: second\n"
        "Message-ID:  <id@x> \nList-Unsubscribe: <https://x.test/u>\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nTo: body"
    )
    parsed = parse_message(content)
    assert parsed.raw_headers[:4] == (("To", "a@b"), ("TO", "c@d"), ("X-TabX", "Xone twoX"), ("Cc", "e@f"))
    assert [name for name, _ in parsed.headers][-5:] == [
        *("Subject", "Subject", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"),
    ]
    people = (parsed.from_, parsed.to, parsed.cc, parsed.bcc, parsed.reply_to)
    assert [[person.address for person in some] for some in people] == [
        *([], ["a@b", "c@d"], ["e@f", "g@h"], ["i@j"], ["k@l", "m@n"]),
    ]
    assert (parsed.subject, parsed.date, parsed.message_id) == ("first", 10.0, "id@x")
    assert parsed.list_unsubscribe == Unsubscribe(
        "<https://x.test/u>", "List-Unsubscribe=One-Click", ("https://x.test/u",), one_click=True
    )
    assert (parsed.text, parsed.html, parsed.text_is_generated) == ("To: body", "", False)
    assert parse_message(b"\nTo: a@b\n\nx").headers == parse_message(b"\r\nTo: a@b\r\n\r\nx").headers == ()
    empty = parse_message(b"")
    assert (empty.subject, empty.message_id, empty.date, empty.text, empty.links, empty.codes) == (
        *("", "", None, "", (), ()),
    )
    assert empty.list_unsubscribe == Unsubscribe("", "", (), one_click=False, errors=())
    assert (empty.headers, empty.raw_headers, empty.size) == ((), (), 0)


def test_links_and_codes_are_those_of_what_people_read() -> None:
    written = "Code: 482913 at https://x.test/a\n"
    html = '<p>Code: 135790 <a href="https://x.test/b">go</a>'
    alone = parse_message(single("Content-Type: text/html\nList-Unsubscribe: <https://x.test/b>", html))
    assert [(link.url, link.kind, link.source) for link in alone.links] == [("https://x.test/b", "unsubscribe", "html")]
    assert [code.value for code in alone.codes] == ["135790"]
    both = parse_message(
        single(
            "Content-Type: multipart/alternative; boundary=b",
            f"--b\n\n{written}--b\nContent-Type: text/html\n\n{html}\n--b--\n",
        )
    )
    assert [(link.url, link.kind, link.source) for link in both.links] == [
        ("https://x.test/b", "link", "html"),
        ("https://x.test/a", "link", "text"),
    ]
    assert [code.value for code in both.codes] == ["482913"]
    assert not both.text_is_generated
    subject = parse_message(b"Subject: OTP: 482913\r\n\r\n")
    assert [code.reason for code in subject.codes] == ["follows “OTP”"]


def test_of_very_long_html_the_beginning_is_read() -> None:
    limit = 4 * 1024 * 1024
    parsed = parse_message(b"Content-Type: text/html\r\n\r\n" + b"x" * (limit + 1))
    assert (len(parsed.html), len(parsed.text)) == (limit + 1, limit)


@pytest.mark.parametrize(
    ("fields", "body", "text"),
    [
        ("text/html", b'<meta charset=shift_jis>"\x93\xfa', '"日'),
        ("text/html", b"<META http-equiv=x content='text/html; CharSet = shift_jis'>\x93\xfa", "日"),
        ("text/html; charset=utf-8", b"<meta charset=shift_jis>\x93\xfa", "\ufffd\ufffd"),  # the parameter counts
        ("text/html", b"<p charset=shift_jis>\x93\xfa", "\x93ú"),
        ("text/html", b"<meta charset=shift_jis>".rjust(4096) + b"\x93\xfa", "日"),
        ("text/html", b"<meta charset=".rjust(4096) + b"shift_jis>\x93\xfa", "\x93ú"),
        ("text/plain", b"<meta charset=shift_jis>\x93\xfa", "<meta charset=shift_jis>\x93ú"),
        ('text/plain; charset="\xe9"', b"\x93\xfa", "\x93ú"),
        ("text/plain; charset=", "é".encode(), "é"),
    ],
)
def test_what_tells_the_charset(fields: str, body: bytes, text: str) -> None:
    assert parse_message(f"Content-Type: {fields}\r\n\r\n".encode("latin-1") + body).text == text


def test_a_date_is_read_from_the_first_200_characters() -> None:
    date = "Mon, 23 Nov 2026 12:00:00 +0100"
    assert parse_date(date) == parse_date(date.rjust(200)) == 1795431600.0
    assert parse_date(date.rjust(201)) != 1795431600.0
    assert parse_date("Mon, 23 Nov 2026 12:00:00") == parse_date("Mon, 23 Nov 2026 12:00:00 -0000") == 1795435200.0


DEEP = """\
Content-Type: MULTIPART/Mixed; boundary=a
CONTENT-TYPE: text/plain

--a
Content-Type: multipart/related; boundary=b

--b
Content-Type: TEXT/HTML; Charset=UTF-8
Content-Transfer-Encoding: Quoted-Printable
Content-Disposition: INLINE; filename="in.html"

<p>deep=21
--b
Content-Type: application/octet-stream; name=second.bin
Content-Disposition: inline

abc
--b--
--a
Content-Type: text/html
Content-ID:  <html@x> 

<p>high
--a
Content-Type: text/plain; file=third.txt
Content-Disposition: ATTACHMENT
Content-Transfer-Encoding: =?x?=

text
--a
Content-Type: image/gif

gif
--a--
"""  # noqa: W291 - a blank behind the Content-ID


def test_every_field_of_every_part() -> None:
    content = crlf(DEEP)
    parsed = parse_message(content)
    plain = {"charset": "", "encoding": "7bit", "disposition": "", "filename": "", "content_id": ""}
    unread = {"md5": "", "sha1": "", "sha256": ""}

    def sums(octets: bytes) -> dict[str, str]:
        return {name: hashlib.new(name, octets).hexdigest() for name in unread}

    def place(octets: bytes) -> dict[str, int]:
        return {"body": content.index(octets), "end": content.index(octets) + len(octets)}

    whole = content.index(b"--a\r\n")
    inner = content.index(b"--b\r\n")
    expected: list[dict[str, object]] = [
        {"part_id": "0", "role": "multipart", "content_type": "multipart/mixed", "size": 0, "body": whole}
        | {"end": len(content)},
        {"part_id": "1.0", "role": "multipart", "content_type": "multipart/related", "size": 0, "body": inner}
        | {"end": content.index(b"\r\n--a\r\nContent-Type: text/html")},
        {"part_id": "1.1", "role": "inline", "content_type": "text/html", "size": 8, "charset": "utf-8"}
        | {"encoding": "quoted-printable", "disposition": "inline", "filename": "in.html"}
        | place(b"<p>deep=21") | sums(b"<p>deep!"),
        {"part_id": "1.2", "role": "attachment", "content_type": "application/octet-stream", "size": 3}
        | {"disposition": "inline", "filename": "second.bin"} | place(b"abc") | sums(b"abc"),
        {"part_id": "2", "role": "html", "content_type": "text/html", "size": 7, "content_id": "html@x"}
        | place(b"<p>high"),
        {"part_id": "3", "role": "attachment", "content_type": "text/plain", "size": 4, "filename": "third.txt"}
        | {"disposition": "attachment"} | place(b"text\r\n--a") | {"end": content.index(b"text\r\n--a") + 4}
        | sums(b"text"),
        {"part_id": "4", "role": "inline", "content_type": "image/gif", "size": 3} | place(b"gif\r\n--a--")
        | {"end": content.index(b"gif\r\n--a--") + 3} | sums(b"gif"),
    ]  # fmt: skip
    for part, fields in zip(parsed.parts, expected, strict=True):
        assert part == Part(**{**plain, **unread, **fields})  # type: ignore[arg-type]
    assert parsed.html == "<p>high"  # the highest, though a deeper one comes first
    assert [part.part_id for part in parsed.attachments] == ["3", "1.2"]
    assert [part.part_id for part in parsed.inline] == ["1.1"]  # what has neither name nor Content-ID is not listed


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "image/png", "application/octet-stream", "message/rfc822"])
@pytest.mark.parametrize("disposition", ["", "inline", "attachment", "x-other"])
@pytest.mark.parametrize("alone", [True, False])
def test_the_role_of_a_part(kind: str, disposition: str, alone: bool) -> None:
    """Alone it is an attachment unless it is text or inline; among others unknown dispositions leave it out."""
    fields = f"Content-Type: {kind}; name=n" + (f"\nContent-Disposition: {disposition}" if disposition else "")
    multipart = "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    content = single(fields) if alone else crlf(f"{multipart}{fields}\n\nbody\n--b--\n")
    parsed = parse_message(content)
    is_text = kind.startswith("text/")
    if disposition == "attachment":
        role = "attachment"
    elif is_text:
        role = {"text/plain": "text", "text/html": "html"}[kind]
    elif alone:
        role = "inline" if disposition == "inline" else "attachment"
    elif kind == "application/octet-stream":
        role = "attachment"
    else:
        role = "other" if disposition == "x-other" else "inline"
    assert parsed.parts[-1].role == role
    # A text that says that it is inline is read and listed.
    is_listed = role in {"attachment", "inline"} or (is_text and disposition == "inline" and not alone)
    assert [part.role for part in (*parsed.attachments, *parsed.inline)] == [role] * is_listed


def test_an_alternative_has_one_text_the_first_that_is_highest() -> None:
    parts = [
        "Content-Type: text/html\n\nhtml",
        "Content-Type: multipart/mixed; boundary=c\n\n--c\n\ndeep\n--c--",
        "Content-Type: text/plain\nContent-Disposition: attachment\n\nattached",
        "\nfirst",
        "\nsecond",
    ]
    joined = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    assert parse_message(crlf(f"Content-Type: multipart/alternative; boundary=b\n\n{joined}")).text == "first"
    mixed = parse_message(crlf(f"Content-Type: multipart/mixed; boundary=b\n\n{joined}"))
    assert mixed.text == "deep\n--\nfirst\n--\nsecond"


@pytest.mark.parametrize(
    ("fields", "filename"),
    [
        ("Content-Disposition: attachment; filename=a", "a"),
        ("Content-Type: x/y; name=b; file=c\nContent-Disposition: attachment; filename=a", "a"),
        ("Content-Type: x/y; name=b; file=c\nContent-Disposition: attachment", "b"),
        ("Content-Type: x/y; file=c\nContent-Disposition: attachment", "c"),
        ("Content-Disposition: attachment; FileName*=UTF-8'de'f%C3%BCr", "für"),
        ("Content-Disposition: attachment; filename*=utf-8''a%27'b'c", "a''b'c"),
        ("Content-Disposition: attachment; filename*=''caf%E9", "café"),
        ("Content-Disposition: attachment; filename*=iso-8859-1''%A4; filename=x", "¤"),
        ("Content-Disposition: attachment; filename=x; filename*=utf-8'y", "x"),  # one quote is no charset
        ("Content-Disposition: attachment; names*=utf-8''y", ""),
        ("Content-Disposition: attachment; filename==?utf-8?q?f=C3=BCr?=", "für"),
        ("Content-Type: x/y", ""),
        ("Content-Type: rubbish; name=a", ""),
    ],
)
def test_the_name_of_a_file(fields: str, filename: str) -> None:
    assert parse_message(single(fields)).parts[0].filename == filename


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ("Subject: x", "text/plain"),
        ("Content-Type: multipart/mixed; boundary=", "text/plain"),
        ("Content-Type: Text/CSV", "text/csv"),
        ("Content-Type: text/html\nContent-Type: text/csv", "text/html"),  # the first counts
        ("X-Content-Type: text/html", "text/plain"),
    ],
)
def test_the_type_of_a_part(fields: str, kind: str) -> None:
    assert parse_message(single(fields)).parts[0].content_type == kind


def test_the_octets_of_a_part_whose_encoding_is_not_ascii() -> None:
    content = b"Content-Transfer-Encoding: b\xe9se64\r\nContent-Type: a/b; name=x\r\n\r\nYQ=="
    part = parse_message(content).parts[0]
    assert part_octets(content, part) == b"YQ=="
    assert part.size == 4
