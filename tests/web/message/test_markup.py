"""HTML as text, and its links: what a reader sees, and what no HTML may do to the reader of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_web.message.links import links_of, urls_in
from postroad_web.message.markup import BEGINNING, MAX_LINKS, Anchor, attributes_of, read_markup
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
        ("<title>a</titlex>b</TITLE/>c", "c"),
        ("<xmp>a<b>c</xmp>d<Xmp>e</XMP >f", "df"),
        ("<style>a</style", ""),
        ("a<br><br><br>b", "a\n\nb"),
        ("a<p><br>b", "a\n\nb"),
        ("a<br><div>b", "a\nb"),
        ("<br><p>a<p><br>", "a"),
        ("<pre>a\n\n\n b</pre>", "a\n\n b"),
        ("<pre>\n a  b \n</pre> c  d", "a  b \n\nc d".replace("a", " a", 1)),
        ("<pre><pre>a  b</pre>c  d</pre>e  f", "a  b\n\nc  d\n\ne f"),
        ("a<img alt=' b\t c '>d", "ab cd"),
        ("a <img alt=b>", "a b"),
        ("<li>", "*"),
        ("<li>a</li>b", "* a\nb"),
        ("a<li>b", "a\n* b"),
        ("a<td>b<th>c", "a b c"),
        ("a <a href=b></a>c", "a ( b ) c"),
        ("<a href=b>x</a>y", "x ( b )y"),
        ("<a href=b>x</a> y", "x ( b ) y"),
        ("<a href=b>x </a>y", "x ( b ) y"),
        ("<a href=' x '>x</a>", "x"),
        ("<a href=''>x</a>", "x"),
        ("<a href=x>  </a>y", "( x ) y"),
        ("<a href=x>a b  </a>y", "a b ( x ) y"),
        ("<area href=#z alt=Zone>", "Zone"),
        ("<area alt=Zone>", "Zone"),
        ("<area href=z>x", "( z )x"),
        ("<a href='a\t\r\nb'>x", "x ( ab )"),
        ("a\f\f b", "a b"),
        ("a\xa0b", "a\xa0b"),
        ("&#0000065; &#00000065; &#x000041; &#x0000041; &#xFFFFFFF", "A \ufffd A \ufffd \ufffd"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert read_markup(source).text == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('a<img alt="XlogoX">b', "aXlogoXb"),
        ('<img alt="  X  Y ">', "X Y"),
        ('a<img alt=" ">b', "ab"),
        ("a<img>b", "ab"),
    ],
)
def test_the_text_of_an_image_is_as_it_is_written(source: str, text: str) -> None:
    assert read_markup(source).text.strip() == text


def test_the_beginning_of_the_text_has_a_thousand_characters_or_a_little_more() -> None:
    for length, more in ((998, 2), (999, 1), (1000, 0), (1001, 0)):  # words and the line ends between them
        assert len(read_markup(f"{'x' * length}<br>y<br>z").beginning) == length + more
    assert read_markup("a<br><a href=u>b</a> c").beginning == "a\nb  c"


def test_where_an_anchor_leads_is_cut() -> None:
    for length in (8191, 8192, 8193):
        (anchor,) = read_markup(f"<a href={'x' * length}>").anchors
        assert anchor == Anchor("x" * min(length, 8192), "")


def test_the_attributes_of_a_tag() -> None:
    assert attributes_of(" A=1 b = '2' c=\"3\" d E='&amp;' a=4 f= g/h=/") == {
        "a": "1",
        "b": "2",
        "c": "3",
        "d": "",
        "e": "&",
        "f": "g/h=/",
    }
    assert attributes_of("") == {}


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
        assert read_markup(f"one</{name}>two").text == f"one{between}two", name


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
        *((f"https://x.test/a{mark}{mark}", ["https://x.test/a"]) for mark in ".,;:!?'*_)]}"),
        *((f"https://x.test/a{mark}", [f"https://x.test/a{mark}"]) for mark in "/=&#-+~X([{"),
        *((f"https://x.test/a{pair}.", [f"https://x.test/a{pair}"]) for pair in ("()", "[]", "{}", "(b)")),
        *((f"https://x.test/{pair})", [f"https://x.test/{pair}"]) for pair in ("a[]b", "(a)b", "((a)b)")),
        ("https://x.test/a(b]", ["https://x.test/a(b"]),
        ("https://x.test/a(b)).", ["https://x.test/a(b)"]),
        ("https://x.test/a(b)))))", ["https://x.test/a(b)"]),
        ("https://x.test/a.)!", ["https://x.test/a"]),
        *((f"https://x.test{end}b", ["https://x.test"]) for end in '<>"\x00\x1f\n\t '),
        ("https://" + "x" * 8192, ["https://" + "x" * 8192]),
        ("https://" + "x" * 8193, ["https://" + "x" * 8192]),
        ("https://... http://x", ["http://x"]),
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


KINDS = [
    *(("http://x", "link"), ("HTTPS://x", "link"), ("https:x", "link"), ("mailto:a@b", "mail"), ("Mailto:a", "mail")),
    *(
        ("tel:1", "phone"),
        ("TEL:1", "phone"),
        ("ftp://x", "other"),
        ("x", "other"),
        ("/http:", "other"),
        (":", "other"),
    ),
    ("javascript:1", "other"),
]
WORDS = (
    "Unsubscribe|unsubscription|opt out|OPT-OUT|opt_out|optout|abmelden|Abbestellen|désabonner|desinscribir|"
    "désinscrire|darse de baja|disiscriviti|afmelden"
)


@pytest.mark.parametrize(("url", "kind"), KINDS)
def test_the_kind_of_a_link(url: str, kind: str) -> None:
    """What unsubscribes is a link or a letter; a number or a script is none."""
    other = "unsubscribe" if kind in {"link", "mail"} else kind
    assert links_of((Anchor(url, "Go"),), "", ()) == (Link(url, "Go", kind, "html"),)
    assert links_of((Anchor(url, "Go"),), "", (url,)) == (Link(url, "Go", other, "html"),)
    for word in WORDS.split("|"):
        assert links_of((Anchor(url, f"to {word}"),), "", ()) == (Link(url, f"to {word}", other, "html"),)
        assert [link.kind for link in links_of((Anchor(f"{url}/{word}", "x"),), "", ())] == [other]


def test_a_url_in_the_text_may_unsubscribe() -> None:
    assert [link.kind for link in links_of((), "http://x/optout http://y http://z", ("http://y",))] == [
        *("unsubscribe", "unsubscribe", "link"),
    ]


def test_how_many_links_there_are() -> None:
    anchors = read_markup("<a href=x>y" * 999).anchors
    links = links_of(anchors, "http://1 http://1 http://2", ())
    assert (len(links), links[-1].url) == (1000, "http://1")
    assert len(read_markup("<a href=x>y" * 1001).anchors) == 1000


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
        (" ,\t<HTTPS://x.test>\t,, ", "List-Unsubscribe = One-Click", ("HTTPS://x.test",), True, ()),
        ("", None, (), False, ('"" no valid unsubscribe links found',)),
        ("x" * 201, None, (), False, (f'"{"x" * 200}" no valid unsubscribe links found',)),
        ("<http://x>, " + "x" * 101, None, ("http://x",), False, (f"text that is no link: {'x' * 100}",)),
        ("X<http://x>X", None, ("http://x",), False, ("text that is no link: XX",)),
        (f"<{'x' * 201}>", None, (), False, (f"not a link to mailto, http or https: {'x' * 200}",)),
        (
            "(a) <x> <http://x> <http://x>",
            "no",
            ("http://x", "http://x"),
            False,
            (
                "not a link to mailto, http or https: x",
                "the same link twice",
                "List-Unsubscribe-Post must be List-Unsubscribe=One-Click",
            ),
        ),
        (
            "<mailto:a> <http:///x> <mailto:a@b@c>",
            None,
            (),
            False,
            tuple(f"not a link to mailto, http or https: {link}" for link in ("mailto:a", "http:///x", "mailto:a@b@c")),
        ),
        ("".join(f"<http://{n}>" for n in range(101)), None, tuple(f"http://{n}" for n in range(100)), False, ()),
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


def test_the_text_of_an_anchor_has_no_space_at_its_ends() -> None:
    (anchor,) = read_markup('<a href="u">  XX <b> marks</b> XX </a>').anchors
    assert anchor == Anchor("u", "XX marks XX")
