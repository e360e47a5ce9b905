"""HTML of mail, read for its text and its links.

One regular expression cuts the source into text, tags and comments, in the way of the HTML standard's tokenizer. There
is no tree, so no nesting is too deep, and the time grows with the length of the source alone.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from postroad.remembered import remembered

MAX_LINKS = 1_000
BEGINNING = 1_000
NEWEST, SMALL = 16, 16 << 10  # results that are kept, of sources of so many characters: see `parts.NEWEST`
_MAX_HREF = 8_192  # characters

# attribute = name [space "=" space (quoted or bare value)]. A quote without its partner is a part of the name or of the
# bare value, so that the rest of the message is not lost in a value.
_ATTRIBUTES = re.compile(r"""([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?+""")
TOKEN = re.compile(
    r"""([^<]++)
    |<!--(?:-?>|.*?(?:--!?>|\Z))
    |<(/?)([a-zA-Z][^\s/>]*+)((?:[\s/=]++|[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+))?+)*+)>
    |<[!?/][^>]*+(?:>|\Z)
    |<[a-zA-Z].*+
    |((?:<(?![a-zA-Z/!?]))++)""",
    re.DOTALL | re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
# Python refuses to read a number of more than 4,300 digits; no character has one of more than 7.
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_IN_URL = re.compile(r"[\t\r\n]+")  # the URL standard removes them

# Their content is not text of the message.
_UNREAD = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style", "title", "xmp")}
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre"})
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "body", "br", "caption", "center", "dd", "div", "dt", "fieldset", "figure"),
        *("footer", "form", "header", "hr", "html", "li", "main", "nav", "section", "tbody", "tfoot", "thead", "tr"),
    }
)
_CELLS = frozenset({"td", "th"})


class Anchor(NamedTuple):
    """An `a` or `area` element: where it leads, and its text, or the alternative text of its image."""

    href: str
    text: str


class Markup(NamedTuple):
    """What the HTML says."""

    text: str  # lines; paragraphs are parted by an empty line
    anchors: tuple[Anchor, ...]
    beginning: str = ""  # of the text, `BEGINNING` characters or a little more, without the URLs of links


@remembered(NEWEST, SMALL)
def read_markup(source: str) -> Markup:
    """Read HTML; never fails."""
    return _Reader().run(source)


class _Reader:
    """Collects the text: white space collapses, and blocks begin a line."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.breaks = 0  # line ends that are due before the next text
        self.space = False  # a space is due
        self.preformatted = 0
        self.href: str | None = None  # of the open anchor
        self.since = 0  # index in `out` of its first text
        self.anchors: list[Anchor] = []
        self.urls: set[int] = set()  # indexes in `out` of what shows where anchors lead

    def run(self, source: str) -> Markup:
        position = 0
        while (match := TOKEN.match(source, position)) is not None:
            position = match.end()
            text, closing, name, attributes, less = match.groups()
            if text or less:
                self.text(text or less)
            elif name is not None:
                name = name.lower()
                if closing:
                    self.close(name)
                else:
                    self.open(name, attributes)
                    if name in _UNREAD:
                        end = _UNREAD[name].search(source, position)
                        position = end.start() if end else len(source)
        self.end_anchor()
        return Markup("".join(self.out), tuple(self.anchors), self.beginning())

    def beginning(self) -> str:
        """Return the beginning of the text without the URLs."""
        pieces: list[str] = []
        length = 0
        for index, piece in enumerate(self.out):
            if length >= BEGINNING:
                break
            if index not in self.urls:
                pieces.append(piece)
                length += len(piece)
        return "".join(pieces)

    def text(self, text: str) -> None:
        """Add text, in which character references are still written as such."""
        text = unescape(text)
        if self.preformatted:
            lines = text.replace("\r\n", "\n").split("\n")
            for line in lines[:-1]:
                self.words(line)
                self.breaks = min(self.breaks + 1, 2)
            self.words(lines[-1])
            return
        words = _SPACE.sub(" ", text)
        if words.startswith(" "):
            self.space = True
        if stripped := words.strip(" "):
            self.words(stripped)
            self.space = words.endswith(" ")

    def words(self, words: str) -> None:
        """Add words, after the white space that is due."""
        if not words:
            return
        if self.out and self.breaks:
            self.out.append("\n" * self.breaks)
        elif self.out and self.space:
            self.out.append(" ")
        self.breaks, self.space = 0, False
        self.out.append(words)

    def open(self, name: str, source: str) -> None:
        if name in ("a", "area"):
            self.end_anchor()
            href = attributes_of(source).get("href")
            if href is not None:
                self.href, self.since = _IN_URL.sub("", href.strip())[:_MAX_HREF], len(self.out)
            if name == "area":
                self.text_of(attributes_of(source).get("alt"))
                self.end_anchor()
        elif name == "img":
            self.text_of(attributes_of(source).get("alt"))
        elif name == "li":
            self.line(1)
            self.words("*")
            self.space = True
        else:
            self.edge(name)
            self.preformatted += name == "pre"

    def text_of(self, text: str | None) -> None:
        if text and (words := _SPACE.sub(" ", text).strip(" ")):
            self.words(words)

    def close(self, name: str) -> None:
        if name == "a":
            self.end_anchor()
        else:
            self.edge(name)
            self.preformatted -= name == "pre" and self.preformatted > 0

    def edge(self, name: str) -> None:
        """Note the beginning or end of an element."""
        if name in _PARAGRAPHS:
            self.line(2)
        elif name in _BLOCKS:
            # Two in a row make an empty line, and other blocks do not.
            self.line(min(self.breaks + 1, 2) if name == "br" else 1)
        elif name in _CELLS:
            self.space = True

    def line(self, breaks: int) -> None:
        self.breaks = max(self.breaks, breaks)

    def end_anchor(self) -> None:
        """Keep the open anchor, and show where it leads behind its text."""
        if self.href is None:
            return
        href, self.href = self.href, None
        text = _SPACE.sub(" ", "".join(self.out[self.since :])).strip(" ")
        if len(self.anchors) < MAX_LINKS:
            self.anchors.append(Anchor(href, text))
        if href and href != text and not href.startswith("#"):
            space, self.space = self.space, self.since < len(self.out) or self.space
            self.words(f"( {href} )")  # with spaces, as Mailpit does: people look for URLs by https?://\S+
            self.urls.add(len(self.out) - 1)
            self.space = space


def attributes_of(source: str) -> dict[str, str]:
    """Return the attributes of a tag, by name in lower case; of two with one name the first counts."""
    read: dict[str, str] = {}
    for match in _ATTRIBUTES.finditer(source):
        name, double, single, bare = match.groups()
        read.setdefault(name.lower(), unescape(double or single or bare or ""))
    return read


def unescape(text: str) -> str:
    """Return the text with its character references resolved."""
    return html.unescape(_LONG_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", text)) if "&" in text else text
