from __future__ import annotations

import pytest

from postroad.mime import addresses
from postroad.mime.addresses import MAX_ADDRESSES, address_list


def group(name: bytes, *members: bytes) -> bytes:
    return b'(NIL NIL "%b" NIL)' % name + b"".join(members) + b"(NIL NIL NIL NIL)"


AB = b'(NIL NIL "a" "b")'
COMMON = [
    (b"", b""),
    (b"a@b", AB),
    (b"<a@b>", AB),
    (b"a@b, c@d", AB + b'(NIL NIL "c" "d")'),
    (b"Name N. <a@b>", b'("Name N." NIL "a" "b")'),
    (b'"Name, N." <a@b>', b'("Name, N." NIL "a" "b")'),
    (b'"" <a@b>', AB),
    (b"Name<a@b>,", b'("Name" NIL "a" "b")'),
]
GENERAL = [
    (b"a@b (Name (N.))", b'("Name (N.)" NIL "a" "b")'),
    (b"(Name) a@b", b'("Name" NIL "a" "b")'),
    (b"a@b (\\) x", b'(") x" NIL "a" "b")'),
    (b"a@b (\\)), c@d", b'(")" NIL "a" "b")(NIL NIL "c" "d")'),
    (b"<a@b", b'(NIL NIL "a" "b")'),
    (b"<@r1", b'(NIL "@r1" "MISSING_MAILBOX" "SYNTAX_ERROR")'),
    (b"g:; x, a@b", group(b"g") + AB),
    (b'"a"b@c', b'(NIL NIL "ab" "c")'),
    (b'X "M" Y X <a@b>', b'("X M Y X" NIL "a" "b")'),
    (b"x y; z, a@b", b'("x y" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")' + AB),
    (b"g: x y; z, a@b", group(b"g", b'("x y" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")') + AB),
    (b"g: a@b, (c)", group(b"g", AB)),
    (b"<,@r1,@r2:a@b>", b'(NIL ",@r1,@r2" "a" "b")'),
    (b"<@:a@b>", b'(NIL "@" "a" "b")'),
    (b'a@b"c"', b'(NIL NIL "a" "bc")'),
    (b"a@[1]b c", b'(NIL NIL "a" "[1]b")'),
    (b"g: a@b; x; y, a@b", group(b"g", AB) + AB),
    (b"A  B\t<a@b>", b'("A B" NIL "a" "b")'),
    (b"A (c) <a@b>", b'("A" NIL "a" "b")'),
    (b'A "B  C" D <a@b>', b'("A B  C D" NIL "a" "b")'),
    (b'"q\\"q" <a@b>', b'({3}\r\nq"q NIL "a" "b")'),
    (b"caf\xc3\xa9 <a@b>", b'({5}\r\ncaf\xc3\xa9 NIL "a" "b")'),
    (b'"a b"@c', b'(NIL NIL "a b" "c")'),
    (b"a . b @ c . d", b'(NIL NIL "a.b" "c.d")'),
    (b"a@[127.0.0.1]", b'(NIL NIL "a" "[127.0.0.1]")'),
    (b"a@b c", AB),
    (b"a@b@c", AB),
    (b"<@r1,@r2:a@b>", b'(NIL "@r1,@r2" "a" "b")'),
    (b"<@r1>", b'(NIL "@r1" "MISSING_MAILBOX" "MISSING_DOMAIN")'),
    (b"g: a@b, c@d;", group(b"g", AB, b'(NIL NIL "c" "d")')),
    (b"g:;", group(b"g")),
    (b"g: a@b", group(b"g", AB)),
    (b"g: a@b; , a@b", group(b"g", AB) + AB),
    (b"g: (c) ;", group(b"g")),
    (b"g: <a@b;", group(b"g", b'(NIL NIL "a" "b")')),
    (b":;", group(b"MISSING_MAILBOX")),
    (b"g: x: y;", group(b"g", b'(NIL NIL "x" "MISSING_DOMAIN")')),
    (b"a, , c@d", b'(NIL NIL "a" "MISSING_DOMAIN")(NIL NIL "c" "d")'),
    (b",", b""),
    (b"a b c", b'("a b c" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'),
    (b"<>", b'(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'),
    (b"x <a>", b'("x" NIL "a" "MISSING_DOMAIN")'),
    (b"x <a@", b'("x" NIL "a" "SYNTAX_ERROR")'),
    (b"<a@b> (Name)", b'("Name" NIL "a" "b")'),
    (b"x (c) <a@b> (d)", b'("x" NIL "a" "b")'),
    # a comment inside angle brackets is no name
    (b"<joe (c)@ (c) d.example>", b'(NIL NIL "joe" "d.example")'),
    (b"<(c) a@b (d)>", AB),
    (b"(Name) <a@b (d)>", b'("Name" NIL "a" "b")'),
    (b"<a@b (d)> (Name)", b'("Name" NIL "a" "b")'),
    # words that are no address stay apart
    (b"<a b@c.example>", b'(NIL NIL "a b" "c.example")'),
    (b"x <a (c) b@c>", b'("x" NIL "a b" "c")'),
    (b"<a . b@c>", b'(NIL NIL "a.b" "c")'),
    (b"<a b>", b'(NIL NIL "a b" "MISSING_DOMAIN")'),
    (b"<a@b c>", b'(NIL NIL "a" "SYNTAX_ERROR")'),
    (b"<a@b c.d> (x), e@f", b'("x" NIL "a" "SYNTAX_ERROR")(NIL NIL "e" "f")'),
    (b"a <", b'("a" NIL "MISSING_MAILBOX" "SYNTAX_ERROR")'),
    (b"(c)", b""),
    (b")", b'(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'),
    (b"@b", b'(NIL NIL "MISSING_MAILBOX" "b")'),
    (b"a@", b'(NIL NIL "a" "MISSING_DOMAIN")'),
    (b"x y@z", b'("x y" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'),
    (b'"never closed', b'(NIL NIL "never closed" "MISSING_DOMAIN")'),
    (b"a@[never", b'(NIL NIL "a" "[never")'),
    (b"a@b (never closed", b'("never closed" NIL "a" "b")'),
    (b"a\x00b@c", b'("a b" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'),
]


@pytest.mark.parametrize(("value", "expected"), COMMON + GENERAL)
def test_address_list(value: bytes, expected: bytes) -> None:
    assert address_list(value) == expected


@pytest.mark.parametrize(("value", "expected"), COMMON)
def test_the_grammar_agrees_with_the_common_forms(value: bytes, expected: bytes) -> None:
    assert addresses._common(value) == expected
    assert addresses._Parser(value).run() == expected


def test_addresses_are_bounded() -> None:
    assert address_list(b"a@b," * (MAX_ADDRESSES + 5)).count(b"(") == MAX_ADDRESSES
    # a group's name counts, and its end is always there
    assert address_list(b"g:" + b"a@b," * (MAX_ADDRESSES + 5)).count(b"(") == MAX_ADDRESSES + 1


def test_a_field_is_read_up_to_a_bound() -> None:
    filler = b"(%b)" % (b"x" * (addresses.MAX_OCTETS - 6))
    assert address_list(filler + b"a@b,c@d").endswith(b'NIL "a" "b")')


def test_many_comments_take_linear_time() -> None:
    assert address_list(b"a@b (x)," * 5000).count(b'("x" NIL "a" "b")') == 5000
    assert address_list(b"(x)" * 50_000 + b"a@b") == b'("x" NIL "a" "b")'


def test_a_comment_alone_stands_for_a_mailbox_that_is_missing() -> None:
    missing = b'("c" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")'
    assert address_list(b"(c), a@b") == missing + b'(NIL NIL "a" "b")'
    assert address_list(b"a@b, (c)") == b'(NIL NIL "a" "b")'
    assert address_list(b"g: (c), a@b;") == group(b"g", missing, b'(NIL NIL "a" "b")')


def test_what_is_skipped_ends_at_a_comma_and_in_a_group_at_its_end() -> None:
    first, second, other = (b'(NIL NIL "%b" "b")' % name for name in (b"a", b"X", b"c"))
    assert address_list(b"a@b x y, X@b") == first + second
    assert address_list(b"a@b; c@d, X@b") == first + second
    assert address_list(b"g: a@b x y;, c@b") == group(b"g", first) + other
    assert address_list(b"g: a@b x y, X@b;") == group(b"g", first, second)


def test_what_has_no_mailbox_or_no_host_is_nobodys_address() -> None:
    assert addresses.mailboxes(b"@b, a@, <>, x y, g: a@c;, <d@e>") == [(b"a", b"c"), (b"d", b"e")]


@pytest.mark.parametrize(
    "value",
    [
        *("a@b.c", " a . x @ b . c (x) ", "<a@b.c>", "N. O <a@b.c>", '"N, O" x <a@b.c>', '"a b".c@[192.0.2.1]'),
        *("<@x.y:a@b.c>", "<@x.y,@[::1]:a@b.c>", "<,@x.y,,:a@b.c>", "N (x\\)) <(<)a@b.c> (>)", "a@b.c; x y", "a.@b.c"),
        *(
            "a..b@c",
            "\u00fc@\u00fc.c",
            "_a@_b",
            "a@b.c x",
            "a@b.c <",
            "a@b.c@d",
            "<a@b.c> x",
            "<a@b.c>>",
            "<a@b.c> <d@e>",
        ),
        *("x@y <a@b.c>", '"a". .b@c', '"a"."b" x <"a" . "b"@c>', "<@ x.y : a@ [::1]>"),
    ],
)
def test_valid_addresses(value: str) -> None:
    """RFC 5322 §3.4, with the obsolete forms of §4.4, dots anywhere in a local-part, and what RFC 6532 §3.2 adds."""
    assert len(addresses.mailboxes(value.encode())) == 1
    assert addresses.mailboxes(f"q@r, {value}, x: s@t, {value};, u@v".encode())[::2] == [
        (b"q", b"r"),
        (b"s", b"t"),
        (b"u", b"v"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        *("a@b..c", "a@.b", "a@b.", 'a@"b"', "a@b[c]", "a@[b]c", 'a@b"c"', "a b@c", 'a"b"@c', '"a""b"@c'),
        *('""@b.c', "<a@b.c", "<<a@b.c>>", "N [x] <a@b.c>", "[a]@b.c", "<@x.y a@b.c>", "<a@b c>", "<a b@c>"),
        *("<@x..y:a@b.c>", "<@x.y@z:a@b.c>", "<x.y:a@b.c>", "<:a@b.c>", "<a@b.c;>", "a\\@b.c", ">a@b.c"),
    ],
)
def test_addresses_that_are_not_valid_are_none(value: str) -> None:
    assert addresses.mailboxes(value.encode()) == []
    assert addresses.mailboxes(f"q@r, {value}, u@v".encode())[:1] == [(b"q", b"r")]


@pytest.mark.parametrize("value", ["a@b (c", 'a@b "c', "a@[b", "a@b (", '<a@b> "', "a@[b\\"])
def test_an_address_with_something_that_has_no_end_is_none(value: str) -> None:
    assert addresses.mailboxes(f"q@r, {value}".encode()) == [(b"q", b"r")]
