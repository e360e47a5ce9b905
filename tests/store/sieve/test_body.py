"""body (RFC 5173): what of a message each transform sees."""

from __future__ import annotations

import pytest

from postroad_store.sieve.message import Message
from tests.store.sieve.toy import decide, holds

# RFC 5173 §5.2, its example, with encodings
NESTED = b"""\
From: Whomever\r
Content-Type: multipart/mixed; boundary=outer\r
\r
& This is a multi-part message in MIME format.\r
\r
--outer\r
Content-Type: multipart/alternative; boundary=inner\r
\r
& This is a nested multi-part message in MIME format.\r
\r
--inner\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
$ Hello fa=E7ade\r
\r
--inner\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PGh0bWw+PGJvZHk+SGVsPGI+bG88L2I+ICZhbXA7IGJ5ZTwhLS0gaGlkZGVuIC0tPjwvYm9keT48L2h0bWw+\r
\r
--inner--\r
& This is the end of the inner MIME multipart.\r
\r
--outer\r
Content-Type: message/rfc822\r
\r
From: Someone Else\r
Subject: ! hello request\r
\r
$ Please say Hello\r
\r
--outer\r
Content-Type: image/png\r
\r
\xff\xfe\r
--outer--\r
& This is the end of the outer MIME multipart.\r
"""

TESTS = [
    ('body :raw :contains "quoted-printable"', True),
    ('body :raw :contains "fa=E7ade"', True),
    ('body :raw :contains "Whomever"', False),
    ('body :content "multipart" :contains "nested multi-part"', True),
    ('body :content "multipart" :contains "end of the outer"', True),
    ('body :content "multipart" :contains "end of the inner"', True),
    ('body :content "multipart" :contains "Hello"', False),
    ('body :content "multipart" :contains "--outer"', False),
    ('body :content "multipart/mixed" :contains "nested"', False),
    ('body :content "text/plain" :contains "façade"', True),
    ('body :content "text/plain" :contains "say Hello"', True),
    ('body :content "text/html" :contains "<body>Hel<b>lo"', True),
    ('body :content "text" :contains "<body>"', True),
    ('body :content "message/rfc822" :contains "hello request"', True),
    ('body :content "message/rfc822" :contains "say"', False),
    # RFC 5173 §5.2: "only the header"; the empty line behind it is no part of it (RFC 5322 §2.1)
    ('body :content "message/rfc822" :is text:\r\nFrom: Someone Else\r\nSubject: ! hello request\r\n.\r\n', True),
    ('body :content "image/png" :contains ""', True),
    ('body :content "image" :contains ""', True),
    ('body :content "audio" :contains ""', False),
    ('body :content "" :contains "façade"', True),
    ('body :content "/plain" :contains ""', False),
    ('body :content "text/" :contains ""', False),
    ('body :content "text/plain/x" :contains ""', False),
    ('body :content ["audio", "TEXT/Plain"] :contains "HELLO"', True),
    ('body :contains "Hello & bye"', True),
    ('body :text :contains "hidden"', False),
    ('body :text :contains "nested"', False),
    ('body :contains "façade"', True),
    ('body :count "eq" "3"', True),
    ('body :matches "*Please*"', True),
]


@pytest.mark.parametrize(("test", "value"), TESTS)
def test_transforms(test: str, value: bool) -> None:
    assert holds(test, require="body relational", message=NESTED) is value


PLAIN = [
    (b"Subject: x\r\n\r\nHello", 'body :is "Hello"', True),
    (b"Subject: x\r\n\r\nHello", 'body :content "text/plain" :is "Hello"', True),
    (b"Subject: x\r\n\r\n", 'body :is ""', True),
    (
        b"Subject: x\r\n\r\n",
        'body :raw :is ""',
        True,
    ),  # RFC 5173 §4: an empty body is there; without the line it is not
    (b"Subject: x\r\n", 'body :raw :matches "*"', False),
    (b"Subject: x\r\n", 'body :raw :is ""', False),
    (b"Subject: x\r\n", 'body :is ""', False),
    (b"Subject: x\r\n", 'body :content "" :is ""', False),
    (b"\r\nx", 'body :raw :is "x"', True),
    (b"Subject: x\r\n", 'body :contains "x"', False),
    (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\nno part",
        'body :content "multipart" :contains "no part"',
        True,
    ),
    (b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx", 'body :content "multipart" :is ""', True),
    (b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx", 'body :is "x"', True),
    (
        b"Content-Type: text/plain; charset=x-none\r\n\r\n\xc3\xa4",
        'body :is "\xc3\xa4"'.encode("latin-1").decode(),
        True,
    ),
    (b"Content-Type: nonsense\r\n\r\nx", 'body :content "text/plain" :is "x"', True),
    (b"Content-Type: message/rfc822\r\n\r\n\r\nx", 'body :content "message/rfc822" :is ""', True),
    (b"Content-Type: message/rfc822\r\n\r\nX: a\r\n\r\nx", 'body :content "message" :matches "X: a??"', True),
    (b"Content-Type: message/rfc822\r\n\r\nX: a", 'body :content "message" :is "X: a"', True),
    (b"Content-Type: application/xhtml+xml\r\n\r\n<p>ab</p>", 'body :contains "ab"', True),
    (b"Content-Type: application/xhtml+xml\r\n\r\n<p>ab</p>", 'body :contains "<p>"', False),
    (b"Content-Type: application/xml\r\n\r\nx", 'body :contains "x"', False),
    (b"Content-Type: text/html\r\n\r\n&lt;&gt;&amp;&nbsp;&apos;&copy;", 'body :is "<>& \'&copy;"', True),
]


@pytest.mark.parametrize(("message", "test", "value"), PLAIN)
def test_other_messages(message: bytes, test: str, value: bool) -> None:
    assert holds(test, require="body", message=message) is value


HEADERS = [
    (b"X: a\r\n b\r\n\tc\r\n\r\n", 'header "x" "a b\tc"', True),
    (b"X : a\r\n\r\n", 'header "x" "a"', True),
    (b"X: a\n b\n\ny: 1", 'header "x" "a b"', True),
    (b"no field\r\nX: a\r\n\r\n", 'header "x" "a"', True),
    (b"X: a", 'header "x" "a"', True),
    (b"X:\r\n\r\n", 'header "x" ""', True),
    (b"X:  \t \r\n\r\n", 'exists "x"', True),
    (b"\r\nX: a", 'exists "x"', False),
    (b"", "true", True),
    (b"X: =?utf-8?b?w6Q=?= =?utf-8?b?w6Q=?= a\r\n\r\n", 'header "x" "ää a"', True),
]


@pytest.mark.parametrize(("message", "test", "value"), HEADERS)
def test_header_fields_as_they_are_written(message: bytes, test: str, value: bool) -> None:
    assert holds(test, message=message) is value


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\nepilogue", b"\r\nepilogue\r\n"])
def test_the_text_around_the_parts_of_a_multipart(end: bytes) -> None:
    message = (
        b"Subject: field\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n--b\r\n\r\npart\r\n--b--" + end
    )
    words = ("prologue", "epilogue", "part", "field", "--b", "boundary")
    contained = [
        word
        for word in words
        if holds(f'body :content "multipart" :contains "{word}"', require="body", message=message)
    ]
    assert contained == ["prologue", *["epilogue"] * (b"epilogue" in end)]


@pytest.mark.parametrize(
    ("rest", "texts"),
    [
        (b"before\r\n--b\r\n\r\npart\r\n--b--\r\nbehind\r\n", ["before\r\n", "behind\r\n"]),
        (b"before\r\n--b\r\n\r\npart", ["before\r\n", ""]),  # it is not closed, and has no line end
        (b"before\r\n--b\r\n\r\npart\r\n--b\r\n\r\npart\r\n", ["before\r\n", ""]),
        (b"--b\r\n\r\npart\r\n--b--", ["", ""]),
        (b"before\n--b\n\npart\n--b--\n\nbehind", ["before\n", "\nbehind"]),
        (b"nothing else", ["nothing else", ""]),
    ],
)
def test_what_stands_before_and_behind_the_parts_octet_by_octet(rest: bytes, texts: list[str]) -> None:
    parts = Message(b"Subject: field\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + rest).parts
    (multipart,) = [part for part in parts if part.type == "multipart/mixed"]
    assert multipart.texts == texts[: len(multipart._pieces)]


def test_an_edited_message_keeps_what_is_no_field() -> None:
    message = b"no field\nX: a\r\n b\r\n\r\nbody"
    assert decide('require "editheader"; addheader "Y" "b"; deleteheader "z"; keep;', message) == ["keep edited"]


def test_where_the_body_begins() -> None:
    assert Message(b"A: 1\r\n\r\nbody").header_size == 8
    assert Message(b"A: 1\r\n\r\nbody").header == b"A: 1\r\n\r\n"


@pytest.mark.parametrize("test", ['body :matches "Hel*"', 'body :regex "Hel(.*)"'])
def test_no_match_variables_are_set(test: str) -> None:
    require = 'require ["body", "regex", "variables", "fileinto"];'
    set_before = 'if header :matches "subject" "*" { if ' + test + ' { fileinto "${1}"; } }'
    assert decide(f"{require} {set_before}", b"Subject: Junk\r\n\r\nHello") == ["fileinto Junk"]


@pytest.mark.parametrize(
    ("charset", "octets"),
    [("koi8-r", b"\xd0\xd2\xc9\xd7\xc5\xd4"), ("utf-8", "\u043f\u0440\u0438\u0432\u0435\u0442".encode())],
)
def test_a_text_is_read_in_its_charset(charset: str, octets: bytes) -> None:
    message = b"Content-Type: text/plain; charset=%b\r\n\r\n%b\r\n" % (charset.encode(), octets)
    assert holds('body :contains "\u043f\u0440\u0438\u0432\u0435\u0442"', require="body", message=message)


@pytest.mark.parametrize("change", ['addheader :last "Y" "new"', 'deleteheader "X"'])
def test_what_has_been_read_of_a_field_is_read_again_after_a_change(change: str) -> None:
    message = b"X: old\r\nY: old\r\n\r\n"
    script = 'require ["editheader", "fileinto"]; if header ["x", "y"] "none" { keep; }'
    script += f' {change}; if header "y" "new" {{ fileinto "new"; }} if exists "x" {{ fileinto "x"; }}'
    script += ' if header :matches "x" "*" { fileinto "read"; }'
    expected = ["fileinto new", "fileinto x", "fileinto read"] if "add" in change else ["keep edited"]
    assert [said.removesuffix(" edited") for said in decide(script, message)] == [
        said.removesuffix(" edited") for said in expected
    ]
