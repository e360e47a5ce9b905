"""The reader alone: which token takes how much, and what it says where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.grammar.reader import Incomplete, Reader, SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("method", "text", "value", "rest"),
    [
        (Reader.atom, b"ab]c", b"ab", b"]c"),
        (Reader.atom, b"a%", b"a", b"%"),
        (Reader.keyword, b"uid fetch", b"UID", b" fetch"),
        (Reader.word, b'a"b (c', b'a"b', b" (c"),
        (Reader.flag, b"\\seen)", b"\\seen", b")"),
        (Reader.flag, b"$x \\y", b"$x", b" \\y"),
        (Reader.number, b"4294967295 ", 4294967295, b" "),
        (Reader.astring, b"a]b c", b"a]b", b" c"),
        (Reader.astring, b'"a\\"b\\\\" c', b'a"b\\', b" c"),
        (Reader.list_mailbox, b"a]%* b", b"a]%*", b" b"),
        (Reader.list_mailbox, b'"a b" c', b"a b", b" c"),
        (Reader.string, b'"" c', b"", b" c"),
        (Reader.string, b'"\xc3\xa4"', b"\xc3\xa4", b""),
        (Reader.nstring, b"nil)", None, b")"),
        (Reader.nstring, b'"nil"', b"nil", b""),
        (Reader.literal_size, b"{12+}", 12, b""),
    ],
)
def test_tokens(method: Callable[[Reader], object], text: bytes, value: object, rest: bytes) -> None:
    reader = Reader([text])
    assert method(reader) == value
    assert reader.rest() == rest
    assert reader.peek() == rest[:1]
    assert reader.at_end() is (rest == b"")
    reader = Reader([b"xy" + text], 2)
    assert method(reader) == value


@pytest.mark.parametrize(
    ("method", "text", "fault"),
    [
        (Reader.atom, b"(", "Invalid atom"),
        (Reader.keyword, b"(", "Invalid argument"),
        (Reader.word, b" ", "Invalid argument"),
        (Reader.flag, b"\\", "Invalid flag"),
        (Reader.number, b"x", "Invalid number"),
        (Reader.number, b"4294967296", "Number too large"),
        (Reader.octets, b"4294967296", "Number too large"),
        (Reader.astring, b"(", "Invalid string"),
        (Reader.list_mailbox, b"(", "Invalid string"),
        (Reader.string, b"a", "Invalid string"),
        (Reader.string, b'"a', "Invalid string"),
        (Reader.string, b'"a\r"', "Invalid string"),
        (Reader.string, b"{x}", "Invalid literal"),
        (Reader.nstring, b"nix", "Invalid string"),
        (Reader.nstring, b"{x}", "Invalid literal"),
        (Reader.literal_size, b"{1} ", "Invalid literal"),
        (Reader.space, b"a", "Invalid argument"),
        (Reader.end, b"a", "Unexpected argument"),
    ],
)
def test_faults(method: Callable[[Reader], object], text: bytes, fault: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        method(Reader([text]))
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    "method",
    [
        Reader.atom,
        Reader.keyword,
        Reader.word,
        Reader.flag,
        Reader.number,
        Reader.astring,
        Reader.list_mailbox,
        Reader.string,
        Reader.nstring,
        Reader.space,
    ],
)
def test_nothing_where_something_is_due(method: Callable[[Reader], object]) -> None:
    with pytest.raises(SyntaxFault) as caught:
        method(Reader([b""]))
    assert str(caught.value) == "Missing argument"


def test_literals() -> None:
    reader = Reader([b"{3}", b"a\r\n", b" {1}", b"b", b""])
    assert reader.rest() is None
    assert reader.string() == b"a\r\n"
    assert reader.rest() is None
    reader.space()
    assert reader.nstring() == b"b"
    assert reader.rest() == b""
    reader.end()
    with pytest.raises(SyntaxFault, match="NUL in a literal"):
        Reader([b"{1}", b"\0", b""]).astring()
    with pytest.raises(Incomplete, match="Missing literal"):
        Reader([b"{1}"]).string()


def test_skipping() -> None:
    reader = Reader([b"abc"])
    assert not reader.skip(b"b")
    assert reader.skip(b"ab")
    assert reader.rest() == b"c"


@pytest.mark.parametrize(
    ("text", "may_be_none", "items"),
    [
        (b"a)!", False, [b"a"]),
        (b"a b c)!", False, [b"a", b"b", b"c"]),
        (b"a b)!", True, [b"a", b"b"]),
        (b")!", True, []),
    ],
)
def test_items(text: bytes, may_be_none: bool, items: list[bytes]) -> None:
    reader = Reader([text])
    assert [reader.atom() for _ in reader.items(may_be_none=may_be_none)] == items
    assert reader.rest() == b"!"


@pytest.mark.parametrize(
    ("text", "may_be_none", "fault"),
    [
        (b")", False, "Invalid atom"),
        (b"a )", True, "Invalid atom"),
        (b" a)", True, "Invalid atom"),
        (b"a  b)", True, "Invalid atom"),
        (b'a"b")', True, "Invalid argument"),
        (b"a", True, "Missing argument"),
        (b"", True, "Missing argument"),
    ],
)
def test_what_is_no_list_of_items(text: bytes, may_be_none: bool, fault: str) -> None:
    reader = Reader([text])
    with pytest.raises(SyntaxFault, match=f"^{fault}$"):
        [reader.atom() for _ in reader.items(may_be_none=may_be_none)]
