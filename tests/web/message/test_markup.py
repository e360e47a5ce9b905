"""HTML as text, and its links: what a reader sees, and what no HTML may do to the reader of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.message.links import links_of, urls_in
from postroad_web.message.markup import BEGINNING, MAX_LINKS, Anchor, read_markup
from postroad_web.message.parse import parse_message
from postroad_web.message.parsed import Link
from postroad_web.message.unsubscribe import read_unsubscribe


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br><br>Three", "One\nTwo\n\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        (" a \r\n b\t<b> c</b> d ", "a b c d"),
        ("<ul><li>One<li>Two</ul>after", "* One\n* Two\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
        ("<pre>a\n  b\r\n\nc</pre>d", "a\n  b\n\nc\n\nd"),
        ("</pre>a  b", "a b"),
        ("<script>x<b>y</script>a<STYLE>b</style >c", "ac"),
        ("<title>x</title>a<script>never closed", "a"),
        ("a<!-- <b>x</b> -->b<!--->c<!-->d<!--never closed", "abcd"),
        ("<!DOCTYPE html><?xml x?>a</3>b", "ab"),
        ("a < b << c <", "a < b << c <"),
        ("&lt;b&gt; &amp;amp; &#65;&#x42; &nbsp;x &unknown; &#1;", "<b> &amp; AB \xa0x &unknown;"),
        ("&#99999999999999999999; &#x1234567;", "\ufffd \ufffd"),
        ("a&#1", "a"),
        ('<a href="https://x.test/?a=1&amp;b=2">Go</a> on', "Go ( https://x.test/?a=1&b=2 ) on"),
        ("<a href=https://x.test>https://x.test</a>", "https://x.test"),
        ("<a href='#top'>Top</a>", "Top"),
        ("<a name=x>Here</a>", "Here"),
        ("<a href=y><img alt='Buy now'></a>", "Buy now ( y )"),
        ("<a href=y></a>z", "( y )z"),
        ("<a href=1>one<a href=2>two", "one ( 1 )two ( 2 )"),
        ("<img alt='  '><img><area href=z alt=Zone>", "Zone ( z )"),
        ('<a href="unclosed>text</a> more', "text more"),
        ("<p class=\"a>b\" title='c>d'>text", "text"),
        ("<a <b>text</a>", "text"),
        ("text<b", "text"),
        ("<b/><br/>x<hr/>y", "x\ny"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert read_markup(source).text == text


def test_the_beginning_is_read_without_urls() -> None:
    piece = "x" * 90
    beginning = read_markup(f'<a href="https://x.test/{piece}">go</a><p>{piece}' * 30).beginning
    assert BEGINNING <= len(beginning) < BEGINNING + 100
    assert "x.test" not in beginning


# HTML §15.3: what is on lines of its own in a browser, with and without margins
PARAGRAPHS = "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre"
BLOCKS = (
    "address article aside body br caption center dd div dt fieldset figure footer form header hr html main nav section"
    " tbody tfoot thead tr"
)


@pytest.mark.parametrize(("names", "between"), [(PARAGRAPHS, "\n\n"), (BLOCKS, "\n"), ("td th", " "), ("b x", "")])
def test_which_elements_part_words(names: str, between: str) -> None:
    for name in names.split():
        assert read_markup(f"one<{name}>two").text == f"one{between}two", name


def test_anchors() -> None:
    source = '<a href=" https://x.test/a\n b ">A <b>bold</b>\n one</a><a>no</a><area href=y><a href=1>x'
    assert read_markup(source).anchors == (
        Anchor("https://x.test/a b", "A bold one"),
        Anchor("y", ""),
        Anchor("1", "x"),
    )
    assert len(read_markup("<a href=x>y" * 2_000).anchors) == MAX_LINKS


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("See https://x.test/a?b=c#d.", ["https://x.test/a?b=c#d"]),
        ("(https://x.test/a_(b)) and <HTTP://Y.test>!", ["https://x.test/a_(b)", "HTTP://Y.test"]),
        ('"https://x.test/","http://y.test"', ["https://x.test/", "http://y.test"]),
        ("https:// http://. ftp://x.test x.test", []),
        ("*https://x.test/a*, _https://y.test_", ["https://x.test/a", "https://y.test"]),
    ],
)
def test_urls_in_text(text: str, urls: list[str]) -> None:
    assert list(urls_in(text)) == urls


def test_links_are_told_apart() -> None:
    anchors = (
        Anchor("https://x.test/go", "Go"),
        Anchor("#top", "Top"),
        Anchor("", "Nothing"),
        Anchor("https://x.test/u1", "Unsubscribe"),
        Anchor("https://x.test/opt-out", "here"),
        Anchor("https://x.test/listed", "here"),
        Anchor("mailto:a@b.test", "Write"),
        Anchor("tel:+1", "Call"),
        Anchor("javascript:alert(1)", "Run"),
    )
    text = "https://x.test/go https://x.test/new https://x.test/new"
    links = links_of(anchors, text, ("https://x.test/listed",))
    assert [(link.kind, link.source) for link in links] == [
        ("link", "html"),
        *[("unsubscribe", "html")] * 3,
        ("mail", "html"),
        ("phone", "html"),
        ("other", "html"),
        ("link", "text"),
    ]
    assert links[-1] == Link("https://x.test/new", "https://x.test/new", "link", "text")
    assert len(links_of((), " ".join(f"https://x.test/{n}" for n in range(2 * MAX_LINKS)), ())) == MAX_LINKS


@pytest.mark.parametrize(
    ("header", "post", "links", "one_click", "errors"),
    [
        (None, None, (), False, ()),
        (None, "x", (), False, ("List-Unsubscribe-Post without List-Unsubscribe",)),
        (
            "<https://x.test/u>, <mailto:u@x.test?subject=x>",
            None,
            ("https://x.test/u", "mailto:u@x.test?subject=x"),
            False,
            (),
        ),
        ("(by web) <https://x.test/u>", "List-Unsubscribe=One-Click", ("https://x.test/u",), True, ()),
        ("<https://x.test/\r\n u>", "List-Unsubscribe=One-Click", ("https://x.test/u",), True, ()),
        (
            "<http://x.test/u>",
            "List-Unsubscribe=One-Click",
            ("http://x.test/u",),
            False,
            ("List-Unsubscribe-Post needs an https link in List-Unsubscribe",),
        ),
        (
            "<https://x.test>",
            "One-Click",
            ("https://x.test",),
            False,
            ("List-Unsubscribe-Post must be List-Unsubscribe=One-Click",),
        ),
        ("https://x.test", None, (), False, ('"https://x.test" no valid unsubscribe links found',)),
        ("<ftp://x.test>", None, (), False, ("not a link to mailto, http or https: ftp://x.test",)),
        ("<mailto:u@x.test> or write", None, ("mailto:u@x.test",), False, ("text that is no link: or write",)),
        ("<mailto:u@x.test>, <mailto:u@x.test>", None, ("mailto:u@x.test",) * 2, False, ("the same link twice",)),
    ],
)
def test_list_unsubscribe(
    header: str | None, post: str | None, links: tuple[str, ...], one_click: bool, errors: tuple[str, ...]
) -> None:
    read = read_unsubscribe(header, post)
    assert (read.links, read.one_click, read.errors) == (links, one_click, errors)
    assert (read.header, read.post) == (header or "", post or "")


@pytest.mark.parametrize(
    "piece",
    ["<table><tr><td>", "<a href=x>", '<a href="', "<!--", "<", "&#1", "<b ", "</", "<script>", "<a b='", "x ", "<p>"],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    start = time.process_time()
    read_markup(piece * (500_000 // len(piece)))
    assert time.process_time() - start < 10


def test_ten_megabytes_of_tables_in_tables_are_read() -> None:
    start = time.process_time()
    parsed = parse_message(b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>" * 666_667)
    assert time.process_time() - start < 60
    assert len(parsed.html) > 10_000_000


SOURCE = st.lists(
    st.sampled_from(
        ["<", ">", "a", "/", " ", '"', "'", "=", "href", "<a ", "</a>", "<!--", "-->", "&", "#", ";", "<pre>", "\n"]
    )
    | st.text(max_size=3)
).map("".join)


@given(SOURCE)
def test_nothing_makes_it_fail(source: str) -> None:
    text, anchors, beginning = read_markup(source)
    assert "\n\n\n" not in text or "\n" in source
    assert len(beginning) <= len(text)
    links_of(anchors, text, ())
