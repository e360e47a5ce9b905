from __future__ import annotations

from typing import Any

import pytest

from postroad.mime import structure as module
from postroad.mime.part import Kind, Part
from postroad.mime.structure import MAX_DEPTH, MAX_PARTS, parse, unpack

ALTERNATIVE = (
    b"Subject: outer\r\n"
    b"Content-Type: multipart/mixed; boundary=a\r\n"
    b"\r\n"
    b"preamble\r\n"
    b"--a\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n"
    b"\r\n"
    b"--b\r\n"
    b"\r\n"
    b"plain\r\n"
    b"--b\r\n"
    b"Content-Type: text/html\r\n"
    b"\r\n"
    b"<p>\r\n"
    b"--b--\r\n"
    b"\r\n"
    b"--a\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"Subject: inner\r\n"
    b"\r\n"
    b"inside\r\n"
    b"--a--\r\n"
    b"epilogue\r\n"
)


def tree(content: bytes) -> Part:
    parsed = parse(content)
    return unpack(parsed.parts, parsed.header_size, len(content))


def cut(content: bytes, part: Part | None) -> tuple[bytes, bytes]:
    assert part is not None
    return content[part.start : part.body], content[part.body : part.end]


def test_parts_by_number() -> None:
    root = tree(ALTERNATIVE)
    assert root.kind is Kind.MULTIPART
    assert root.find(()) is root
    assert cut(ALTERNATIVE, root.find((1, 1))) == (b"\r\n", b"plain")
    assert cut(ALTERNATIVE, root.find((1, 2))) == (b"Content-Type: text/html\r\n\r\n", b"<p>")
    header, body = cut(ALTERNATIVE, root.find((2,)))
    assert (header, body) == (b"Content-Type: message/rfc822\r\n\r\n", b"Subject: inner\r\n\r\ninside")
    message = root.find((2,))
    assert message is not None
    assert message.kind is Kind.MESSAGE
    assert cut(ALTERNATIVE, message.children[0]) == (b"Subject: inner\r\n\r\n", b"inside")
    assert cut(ALTERNATIVE, root.find((2, 1))) == (b"Subject: inner\r\n\r\n", b"inside")
    for numbers in [(0,), (3,), (1, 3), (1, 1, 1), (2, 2), (2, 1, 1), (2, 0)]:
        assert root.find(numbers) is None


def test_part_one_of_a_message_that_is_no_multipart_is_its_body() -> None:
    content = b"Subject: x\r\n\r\nbody"
    root = tree(content)
    assert root == Part(Kind.LEAF, 0, 14, 18)
    assert root.find((1,)) == root
    assert root.find((2,)) is None
    assert root.find((1, 1)) is None


def test_message_at_the_root() -> None:
    content = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx"
    root = tree(content)
    assert root.find((1,)) == root
    assert cut(content, root.find((1, 1))) == (b"Subject: in\r\n\r\n", b"x")
    assert root.find((1, 2)) is None


def test_the_facts() -> None:
    parsed = parse(b"Date: 1 Jan 2024 00:00\r\nDate: 2 Jan 2024 00:00\r\nSubject: x\r\n\r\nbody")
    assert parsed.header_size == 62
    assert parsed.sent_day == 738887
    assert parsed.fields[-1] == (b"subject", b"x")
    assert parsed.parts == b""
    (leaf,) = parsed.leaves
    assert (leaf.main, leaf.charset, leaf.encoding, leaf.body, leaf.end) == (b"text", None, b"7bit", 62, 66)


def test_empty_content() -> None:
    parsed = parse(b"")
    assert parsed.header_size == 0
    assert parsed.body == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'
    assert tree(b"") == Part(Kind.LEAF, 0, 0, 0)


def test_long_content_types_are_read_too() -> None:
    content = b'Content-Type: multipart/mixed; x="%b"; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--' % (b"y" * 300)
    assert len(tree(content).children) == 1


def test_unknown_transfer_encoding_stands_as_it_is() -> None:
    parsed = parse(b"Content-Transfer-Encoding: X-Odd\r\n\r\nx")
    assert b'"X-Odd"' in parsed.body
    assert b'"7bit"' in parse(b"Content-Transfer-Encoding: ()\r\n\r\nx").body


def test_parts_in_parts_are_bounded() -> None:
    content = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(MAX_DEPTH + 20)
    )
    part, depth = tree(content), 0
    while part.children:
        part, depth = part.children[0], depth + 1
    assert depth == MAX_DEPTH
    assert b'"application" "octet-stream"' in parse(content).body

    messages = b"Content-Type: message/rfc822\r\n\r\n" * (MAX_DEPTH + 20)
    part, depth = tree(messages), 0
    while part.children:
        part, depth = part.children[0], depth + 1
    assert depth == MAX_DEPTH


def test_text_is_text_however_deep_it_lies() -> None:
    content = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(MAX_DEPTH)
    )
    assert b'"application" "octet-stream"' not in parse(content + b"\r\ntext").body


def test_a_lone_cr_at_the_end_belongs_to_the_body() -> None:
    assert tree(b"Subject: x\r\n\r\nbody\r") == Part(Kind.LEAF, 0, 14, 19)


def test_parts_are_bounded() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * (MAX_PARTS + 100)
    root = tree(content)
    assert len(root.children) == MAX_PARTS - 1
    assert root.end == len(content)


def test_messages_inside_count_as_parts_of_their_own() -> None:
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * MAX_PARTS
    assert len(tree(content).children) == MAX_PARTS // 2


def test_delimiter_text_inside_a_line_is_none() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx --b\r\ny\r\n--b--\r\n"
    (part,) = tree(content).children
    assert cut(content, part) == (b"\r\n", b"x --b\r\ny")


def test_delimiter_line_without_line_end() -> None:
    assert tree(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b").children == ()
    (part,) = tree(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b").children
    assert part.end - part.body == 1


def test_bare_line_feed_before_a_delimiter() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"
    (part,) = tree(content).children
    assert cut(content, part) == (b"\n", b"x")


def test_the_longer_of_two_boundaries_counts_whichever_is_outside() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=foobar\r\n\r\n--foobar\r\n"
        b"Content-Type: multipart/mixed; boundary=foo\r\n\r\n--foo\r\n\r\na\r\n--foobar\r\n\r\nb\r\n--foobar--\r\n"
    )
    root = tree(content)
    assert [cut(content, part)[1] for part in root.children] == [
        b"--foo\r\n\r\na",
        b"b",
    ]


@pytest.mark.parametrize("boundary", [b"b", b"b2"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_the_empty_line_before_a_delimiter_that_an_outer_multipart_has_too_ends_the_header(
    boundary: bytes, line_end: bytes
) -> None:
    header = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % boundary
    body = b"--%b\r\n\r\nleaf\r\n--%b--" % (boundary, boundary)
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%b%b\r\n--b--\r\n" % (header, body)
    content = content.replace(b"\r\n", line_end)
    root = tree(content)
    assert cut(content, root.find((1,))) == (header.replace(b"\r\n", line_end), body.replace(b"\r\n", line_end))
    assert cut(content, root.find((1, 1))) == (line_end, b"leaf")


def test_no_time_is_lost_on_lines_that_look_like_delimiters() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + b"--x\r\n" * 200_000
    assert len(tree(content).children) == 1


class Counted(bytes):
    """Octets that count how many of them are searched."""

    searched = 0

    def find(self, what: Any, start: Any = 0, end: Any = None) -> int:
        place = super().find(what, start, end)
        Counted.searched += (place if place >= 0 else len(self) if end is None else end) - start
        return place


def test_the_rest_is_not_read_for_each_multipart_that_is_never_closed() -> None:
    unclosed = [b"--b\r\nContent-Type: multipart/mixed; boundary=u%d\r\n\r\n" % number for number in range(1000)]
    content = Counted(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n%b%b\r\n--b--\r\n" % (b"".join(unclosed), b"x" * 1_000_000)
    )
    assert len(tree(content).children) == 1000
    assert Counted.searched < 10 * len(content)


def test_multipart_without_parts_has_one_empty_text_part() -> None:
    parsed = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts")
    assert parsed.body == b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")'


@pytest.mark.parametrize("parameters", [b"", b'; boundary=""', b"; x=y"])
def test_multipart_without_a_boundary_is_text(parameters: bytes) -> None:
    parsed = parse(b"Content-Type: multipart/mixed" + parameters + b"\r\n\r\nno parts\r\n")
    assert parsed.body == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1)'
    (leaf,) = parsed.leaves
    assert (leaf.main, leaf.encoding) == (b"text", b"7bit")


@pytest.mark.parametrize(
    ("fields", "encoding"),
    [
        (b"", b"7bit"),
        (b"Content-Transfer-Encoding: 8 bit\r\n", b"7bit"),
        (b"Content-Transfer-Encoding: base64,\r\n", b"base64"),
        (b"Content-Transfer-Encoding: X-Own\r\n", b"X-Own"),
    ],
)
def test_structure_and_search_have_one_encoding(fields: bytes, encoding: bytes) -> None:
    parsed = parse(fields + b"Subject: x\r\n\r\nx\r\n")
    assert b'NIL NIL "%b" 3 1' % encoding in parsed.body
    assert parsed.leaves[0].encoding == encoding.lower()


def test_one_object_for_a_media_type() -> None:
    assert module._type(b"text/plain; charset=x-one") is module._type(b"text/plain; charset=x-one")


def test_a_large_message_is_looked_through_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"Content-Type: multipart/mixed; boundary=bound\r\n\r\n"
    for length in range(40):  # the delimiter lies across the edges of the pieces, at each of its octets
        content = head + b"x\n" * length + b"\r\n--bound\r\n\r\n" + b"y\n" * 20 + b"\r\n--bound--\r\n" + b"z" * 40
        whole = parse(content)
        with monkeypatch.context() as patched:
            patched.setattr(module, "PIECE", 10)
            assert parse(content) == whole
        assert b'NIL NIL "7bit" 40 20)' in whole.body


def test_a_message_is_one_by_its_whole_type() -> None:
    for kind in ("text", "application"):
        parsed = parse(f"Content-Type: {kind}/rfc822\r\n\r\nSubject: x\r\n\r\ny".encode())
        assert parsed.body.startswith(f'("{kind}" "rfc822" '.encode())
        assert parsed.parts == b""


def test_a_lone_cr_at_the_end_of_an_open_multipart_belongs_to_its_last_part() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r"
    (part,) = tree(content).children
    assert cut(content, part) == (b"\r\n", b"x\r")


def test_multiparts_side_by_side() -> None:
    inside = b"".join(
        b"--a\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n\r\n1\r\n--%b\r\n\r\n2\r\n--%b--\r\n"
        % ((name,) * 4)
        for name in (b"one", b"two", b"three")
    )
    content = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + inside + b"--a--\r\n"
    children = tree(content).children
    assert [[cut(content, part)[1] for part in child.children] for child in children] == [[b"1", b"2"]] * 3
