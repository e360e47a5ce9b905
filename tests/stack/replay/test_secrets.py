"""What is said in place of the names of secrets, each by its RFC."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from postroad_stack.replay.secrets import MissingError, Secrets

KNOWN = Secrets(user="tim", password="tanstaaftanstaaf")
LETTERS = (b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n")
# RFC 2195 §2 and RFC 1939 §7 have these examples.
CRAM = b"+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
APOP = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>"


@pytest.mark.parametrize(
    ("text", "heard", "said"),
    [
        ("NOOP", (), b"NOOP"),
        ("USER {?user}", (), b"USER tim"),
        ("USER {?user.2} x", (), b"USER tim x"),
        ("PASS {?password}", (), b"PASS tanstaaftanstaaf"),
        ("{?plain}", (), b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
        ("{?login}", (), b"dGlt"),
        ("{?login.2}", (), b"dGFuc3RhYWZ0YW5zdGFhZg=="),
        ("{?cram-md5}", (b"* OK", CRAM), b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"),
        ("{?cram-md5}", (CRAM.replace(b"+ ", b'"') + b'"',), b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"),
        ("{\\x41} {?user}{\\x42}", (), b"A timB"),
    ],
)
def test_computed(text: str, heard: tuple[bytes, ...], said: bytes) -> None:
    assert KNOWN.spoken(text, heard) == said


def test_apop() -> None:
    secrets = Secrets(user="mrose", password="tanstaaf")
    assert secrets.spoken("APOP {?user} {?apop}", (APOP, b"-ERR")) == b"APOP mrose c4c9334bac560ecc979e58001b3e22fb"
    assert secrets.spoken("{?apop}", ()) == hashlib.md5(b"tanstaaf").hexdigest().encode()
    assert secrets.spoken("{?apop}", (b"+OK",)) == hashlib.md5(b"tanstaaf").hexdigest().encode()


@pytest.mark.parametrize("challenge", [b"]1896@mail.test>", b"<1896@mail.te]", b"\xd7\x5d\xd7"])
@pytest.mark.parametrize("written", [b"+ %b", b"334 %b", b'"%b"'])
def test_cram_md5_answers_any_challenge(challenge: bytes, written: bytes) -> None:
    said = base64.b64decode(KNOWN.spoken("{?cram-md5}", (written % base64.b64encode(challenge),)))
    assert said == b"tim " + hmac.new(b"tanstaaftanstaaf", challenge, "md5").hexdigest().encode()


def test_cram_md5_without_a_challenge() -> None:
    assert KNOWN.spoken("{?cram-md5}", ()) == KNOWN.spoken("{?cram-md5}", (b"+ ",))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("plain", b"plain"),
        ("two words", b'"two words"'),
        ('a"b\\', b'"a\\"b\\\\"'),
        *((f"a{character}", f'"a{character}"'.encode()) for character in "(){%*]"),
        ("", b'""'),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}", '"\N{LATIN SMALL LETTER E WITH ACUTE}"'.encode()),
    ],
)
def test_passwords_of_imaps_login_are_quoted_where_they_have_to_be(value: str, said: bytes) -> None:
    secrets = Secrets({"password": value})
    bare = secrets.spoken("{?password}", ())
    assert secrets.spoken("a LOGIN bob {?password}", (), atoms=True) == b"a LOGIN bob " + said
    assert secrets.spoken("a  login bob {?password}", (), atoms=True) == b"a  login bob " + said
    assert secrets.spoken("a LOGIN bob {?password}", ()) == b"a LOGIN bob " + bare
    assert secrets.spoken("a NOOP {?password}", (), atoms=True) == b"a NOOP " + bare


def test_what_has_no_value() -> None:
    for secrets in (Secrets(), Secrets(user="tim"), Secrets(password="x")):
        assert secrets.missing(["content", "plain", "user", "login.2"]) == ["plain", "user", "login.2"]
        with pytest.raises(MissingError, match=r"^login\.2$"):
            secrets.spoken("{?login.2}", ())
    assert KNOWN.missing(["scram-sha-1", "plain.7", "xoauth2"]) == ["scram-sha-1", "xoauth2"]
    given = Secrets({"scram-sha-1": "{\\x78}y", "user": "other"}, "tim", "x")
    assert given.missing(["scram-sha-1", "user"]) == []
    assert given.spoken("{?scram-sha-1} {?user}", ()) == b"xy other"


def test_contents_of_the_same_hash_or_of_the_same_size() -> None:
    digest = hashlib.sha256(LETTERS[1]).hexdigest()[:16]
    with_letters = Secrets(contents=LETTERS)
    assert with_letters.spoken("{?content 19 " + digest + "}", ()) == LETTERS[1]
    assert with_letters.spoken("{?content 99 ffff}", ()) == LETTERS[0]
    for size in (0, 1, 2, 22, 23, 24, 100):
        content = Secrets().spoken(f"{{?content {size} ffff}}", ())
        assert len(content) == size
        assert content.endswith(b"\r\n"[-size:] if size else b"")
    assert Secrets().spoken("{?content 30 ffff}", ()) == b"Subject: replayed\r\n\r\nxxxxxxx\r\n"
