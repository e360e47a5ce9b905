"""Messages, written: what goes in comes out when they are read, and no value gets out of its field."""

from __future__ import annotations

import email
import email.policy
import hashlib
import mimetypes
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.catalog.record import Address
from postroad_web.message.compose import (
    MAX_LINE,
    Attachment,
    ComposeError,
    Draft,
    compose_message,
    media_type_of,
    octets_of,
)
from postroad_web.message.parse import parse_message

FROM = Address("", "app@alpha.test")
TO = (Address("Eve", "eve@beta.test"),)


def checked(draft: Draft) -> bytes:
    """Return the message, its lines checked."""
    content = compose_message(draft)
    assert content.endswith(b"\r\n")
    for line in content.split(b"\r\n"):
        assert len(line) <= 998
        assert b"\n" not in line
        assert b"\r" not in line
    header = content.partition(b"\r\n\r\n")[0]
    for line in header.split(b"\r\n"):
        assert line.strip(), "a line of white space alone"
    return content


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a" * MAX_LINE, "7bit"),
        ("a" * (MAX_LINE + 1), "quoted-printable"),
        ("b\n" + "a" * MAX_LINE + "\nb", "7bit"),
        ("b\n" + "a" * (MAX_LINE + 1) + "\nb", "quoted-printable"),
        ("\x7f", "7bit"),
        ("aaaaaaa" + "é" + "a", "quoted-printable"),  # two octets of ten
        ("é" * 3 + "a" * 14, "quoted-printable"),  # six of 20: three tenths
        ("é" * 3 + "a" * 13, "base64"),
    ],
)
def test_the_encoding_of_a_text_changes_least_of_it(text: str, encoding: str) -> None:
    content = checked(Draft(from_=FROM, to=TO, subject="Hello", text=text))
    assert f"\r\nContent-Transfer-Encoding: {encoding}\r\n".encode() in content
    assert parse_message(content).text.replace("\r\n", "\n").removesuffix("\n") == text


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    content = checked(Draft(from_=FROM, to=TO, subject="Hello", text="a\ud800b", html="<p>\udc00</p>"))
    parsed = parse_message(content)
    assert (parsed.text.strip(), parsed.html.strip()) == ("a?b", "<p>?</p>")


@pytest.mark.parametrize("kind", ["message/rfc822", "Message/RFC822", "message/rfc822; charset=utf-8"])
def test_a_message_is_attached_as_octets(kind: str) -> None:
    """RFC 2046 §5.2.1 allows no base64 for message/rfc822."""
    assert media_type_of(Attachment(content=b"x", content_type=kind)) == "application/octet-stream"
    assert media_type_of(Attachment(content=b"x", content_type="message/global")) == "message/global"


def test_the_plainest_message() -> None:
    assert checked(Draft(from_=FROM, to=TO, subject="Hello", text="One\nTwo\r\nThree\n")) == (
        b"From: app@alpha.test\r\n"
        b"To: Eve <eve@beta.test>\r\n"
        b"Subject: Hello\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"One\r\nTwo\r\nThree\r\n"
    )


def test_every_kind_of_part_has_its_place() -> None:
    draft = Draft(
        from_=Address("Grüße, Inc.", "app@alpha.test"),
        to=(Address('Eve "E." A', "eve@beta.test"), Address("", '"a b"@beta.test')),
        cc=(Address("日本" * 20, "cc@beta.test"),),
        bcc=(Address("", "hidden@beta.test"),),
        reply_to=(Address("Re", "re@alpha.test"),),
        subject="Grüße aus Köln",
        text="Grüße\n",
        html="<img src=cid:logo>",
        attachments=(
            Attachment(content=b"\x89PNG\r\n\x1a\n", content_id="logo", filename="logo"),
            Attachment(content=bytes(range(256)), filename="für dich €.bin"),
            Attachment(content=b"a,b", filename="x" * 80 + ".csv"),
            Attachment(content=b"Subject: x\r\n\r\n", filename="m.eml"),
        ),
        headers=(
            ("X-Tags", "a, b"),
            ("References", "<a@b> <c@d>"),
            ("Message-ID", "<1@alpha.test>"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 +0000"),
        ),
    )
    content = checked(draft)
    assert content == compose_message(draft)
    assert b"hidden" not in content
    parsed = parse_message(content)
    assert [(part.part_id, part.content_type, part.filename) for part in parsed.parts] == [
        ("0", "multipart/mixed", ""),
        ("1.0", "multipart/alternative", ""),
        ("1.1", "text/plain", ""),
        ("1.2.0", "multipart/related", ""),
        ("1.2.1", "text/html", ""),
        ("1.2.2", "image/png", "logo"),
        ("2", "application/octet-stream", "für dich €.bin"),
        ("3", "text/csv", "x" * 80 + ".csv"),
        ("4", "application/octet-stream", "m.eml"),
    ]
    assert (parsed.from_, parsed.to, parsed.cc, parsed.reply_to) == ((draft.from_,), draft.to, draft.cc, draft.reply_to)
    assert (parsed.subject, parsed.text, parsed.html) == (draft.subject, "Grüße\r\n", draft.html)
    assert (parsed.message_id, parsed.date, parsed.header("X-Tags")) == ("1@alpha.test", 0.0, "a, b")
    assert draft.recipients == ("eve@beta.test", '"a b"@beta.test', "cc@beta.test", "hidden@beta.test")
    python = email.message_from_bytes(content, policy=email.policy.default)
    assert python["subject"] == draft.subject
    names = [part.get_filename() for part in python.walk() if part.get_filename()]
    assert names == ["logo", "für dich €.bin", "x" * 80 + ".csv", "m.eml"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", b"7bit"),
        ("", b"7bit"),
        ("Grüße aus Köln am Rhein", b"quoted-printable"),
        ("x" * 998, b"7bit"),
        ("x" * 999, b"quoted-printable"),
        (("x" * 76 + "\n") * 20, b"7bit"),
        ("é" * 3 + "x" * 14, b"quoted-printable"),  # 6 octets of 20 are not ASCII
        ("é" * 3 + "x" * 13, b"base64"),
        ("Ā" * 2 + "x" * 4, b"base64"),  # of U+0100 both octets count, 0xC4 and 0x80
        ("nul\0", b"quoted-printable"),
        ("trailing \nüü ü\t\nx = y\n.\nFrom here", b"quoted-printable"),
        ("日本語\n日本語", b"base64"),
    ],
)
def test_the_encoding_of_a_text(text: str, encoding: bytes) -> None:
    content = checked(Draft(from_=FROM, to=TO, text=text, html="<p>"))
    assert b"Content-Transfer-Encoding: %b\r\n" % encoding in content
    assert parse_message(content).text == text.replace("\n", "\r\n")


def test_a_message_with_a_file_octet_by_octet() -> None:
    logo = Attachment(content=b"logo", content_id="logo@alpha", filename="logo.png")
    data = Attachment(content=b"x" * 60)
    content = checked(Draft(from_=FROM, text="Hi", html="<img src=cid:logo@alpha>", attachments=(logo, data)))
    text = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi"
    html = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<img src=cid:logo@alpha>"
    image = (
        b'Content-Type: image/png\r\nContent-Disposition: inline;\r\n filename="logo.png"\r\n'
        b"Content-ID: <logo@alpha>\r\nContent-Transfer-Encoding: base64\r\n\r\nbG9nbw==\r\n"
    )
    octets = (
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"eHh4" * 19 + b"\r\n" + b"eHh4\r\n"
    )

    def multipart(subtype: bytes, *parts: bytes) -> bytes:
        boundary = b"=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode()
        body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        return b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n%b--%b--\r\n' % (
            subtype,
            boundary,
            body,
            boundary,
        )

    related = multipart(b'related; type="text/html"', html, image)
    assert content == b"From: app@alpha.test\r\nSubject: \r\nMIME-Version: 1.0\r\n" + multipart(
        b"mixed", multipart(b"alternative", text, related), octets
    )


@pytest.mark.parametrize(
    ("text", "html", "kinds"),
    [
        (None, None, ["text/plain"]),
        ("", None, ["text/plain"]),
        ("a", None, ["text/plain"]),
        (None, "", ["text/html"]),
        (None, "b", ["text/html"]),
        ("", "b", ["text/plain", "text/html"]),
        ("a", "", ["text/plain", "text/html"]),
    ],
)
def test_which_texts_there_are(text: str | None, html: str | None, kinds: list[str]) -> None:
    """A file never stands alone: who reads a message expects a text first."""
    for files in ((), (Attachment(content=b"x", filename="a.pdf"),)):
        parsed = parse_message(checked(Draft(from_=FROM, text=text, html=html, attachments=files)))
        leaves = [part.content_type for part in parsed.parts if part.role != "multipart"]
        assert leaves == [*kinds, *["application/pdf"] * len(files)]
        assert (parsed.text.strip(), parsed.html.strip()) == (text or html or "", html or "")


def test_html_alone_and_nothing_at_all() -> None:
    assert parse_message(checked(Draft(from_=FROM, html="<p>x</p>"))).html == "<p>x</p>\r\n"
    assert parse_message(checked(Draft(from_=FROM))).text == ""


def test_the_boundary_of_another_message_is_text() -> None:
    first = checked(Draft(from_=FROM, text="a", html="b"))
    boundary = re.search(rb'boundary="([^"]+)"', first)
    assert boundary is not None
    second = checked(Draft(from_=FROM, text=f"a\n--{boundary[1].decode()}\n", html="b"))
    assert parse_message(second).text == f"a\r\n--{boundary[1].decode()}\r\n"


@pytest.mark.parametrize(
    ("draft", "sentence"),
    [
        (Draft(from_=Address("", "nobody")), "in From is not an address"),
        (Draft(from_=FROM, to=(Address("", "a@b\r\nBcc: x@y"),)), "in To is not an address"),
        (Draft(from_=FROM, bcc=(Address("", ""),)), "in Bcc is not an address"),
        (Draft(from_=Address("a\r\nBcc: x@y", "a@b.test")), "From has a line end"),
        (Draft(from_=FROM, subject="a\nBcc: x@y"), "Subject has a line end"),
        (Draft(from_=FROM, subject="a\u2028b"), "Subject has a line end"),
        (Draft(from_=FROM, headers=(("X-A", "a\rb"),)), "X-A has a line end"),
        (Draft(from_=FROM, headers=(("X-A:", "a"),)), "is not a name of a header field"),
        (Draft(from_=FROM, headers=(("X\r\nBcc", "a"),)), "is not a name of a header field"),
        (Draft(from_=FROM, headers=(("bCC", "a@b.test"),)), "bCC can't be set this way"),
        (Draft(from_=FROM, attachments=(Attachment(content=b"", filename="a\nb"),)), "filename has a line end"),
        (Draft(from_=FROM, attachments=(Attachment(content=b"", content_type="a/b\r\nX: y"),)), "is not a media type"),
        (Draft(from_=FROM, attachments=(Attachment(content=b"", content_type="multipart/mixed"),)), "not a media type"),
        (Draft(from_=FROM, html="", attachments=(Attachment(content=b"", content_id="a b"),)), "is not a Content-ID"),
        (Draft(from_=FROM, headers=(("Message-ID", "a\n"),)), "Message-ID has a line end"),
    ],
)
def test_what_can_not_be_written_is_refused(draft: Draft, sentence: str) -> None:
    with pytest.raises(ComposeError, match=re.escape(sentence)):
        compose_message(draft)


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "MIME-Version", "Content-Type", "Return-Path", "Received"),
        *("Content-Transfer-Encoding", "Content-Disposition", "Content-ID"),
    ],
)
def test_fields_that_are_written_anyway(name: str) -> None:
    with pytest.raises(ComposeError, match=f"{name} can't be set this way"):
        compose_message(Draft(from_=FROM, headers=((name, "x"),)))


# as IANA has them, and Python's own table where it has one
MEDIA_TYPES = {
    **{
        suffix: mimetypes.types_map[f".{suffix}"]
        for suffix in ("txt", "htm", "html", "jpg", "jpeg", "csv", "css", "png", "gif")
    },
    **{suffix: mimetypes.types_map[f".{suffix}"] for suffix in ("svg", "pdf", "json", "zip", "mp3", "mp4", "bmp")},
    **dict.fromkeys(("log", "text"), "text/plain"),
    "md": "text/markdown",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "webp": "image/webp",
    "xml": "application/xml",
    "gz": "application/gzip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"\xff\xd8\xff": "image/jpeg",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
}


def test_media_types_by_name_and_by_beginning() -> None:
    assert {
        suffix: media_type_of(Attachment(content=b"x", filename=f"a.{suffix}")) for suffix in MEDIA_TYPES
    } == MEDIA_TYPES
    assert {octets: media_type_of(Attachment(content=octets + b"x")) for octets in BEGINNINGS} == BEGINNINGS
    for octets in BEGINNINGS:
        assert media_type_of(Attachment(content=octets[:-1])) == "application/octet-stream"


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (Attachment(content=b"", filename="a.PDF"), "application/pdf"),
        (Attachment(content=b"GIF89a", filename="a"), "image/gif"),
        (Attachment(content=b"x"), "application/octet-stream"),
        (Attachment(content=b"x", content_type="text/csv; charset=utf-8"), "text/csv"),
    ],
)
def test_the_media_type_of_a_file(file: Attachment, kind: str) -> None:
    assert media_type_of(file) == kind


@pytest.mark.parametrize(
    ("text", "octets"),
    [("", b""), (" YWJj\r\n", b"abc"), ("\n DATA:text/plain;charset=utf-8;base64,YW\nJj", b"abc")],
)
def test_octets_in_base64(text: str, octets: bytes) -> None:
    assert octets_of(text) == octets


@pytest.mark.parametrize("text", ["?", "YWJ", "ä", "data:,abc", "data:;base64,YWJj" * 2])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r"[Bb]ase64|ASCII|padding"):
        octets_of(text)


def test_a_text_that_begins_a_data_url_again_and_again_is_refused_soon() -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r"base64"):
        octets_of("data:" * 200_000)
    assert time.process_time() - start < 10


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


@given(VALUES, VALUES, st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_what_is_written_is_read(subject: str, name: str, text: str) -> None:
    draft = Draft(from_=Address(name, "a@alpha.test"), subject=subject, text=text, html="", headers=(("X-A", subject),))
    parsed = parse_message(checked(draft))
    assert parsed.subject == subject
    assert parsed.header("X-A") == subject
    assert [person.name for person in parsed.from_] == [name]
    assert parsed.text == re.sub("\r\n|\r|\n", "\r\n", text)
