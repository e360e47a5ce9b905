"""The first words of a message, for a list of messages (RFC 8970 §3): plain text, at most 200 characters, one line.

It is made of the first text part that has something to read. Of an answer, what is new comes first: quoted lines are
left out unless there is nothing else. Mail in HTML loses its markup, its style sheets and scripts. Encrypted text has
no preview. The same message always has the same preview.

Only the beginning of a part is read, so a preview costs no more of a large message than of a small one.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from postroad.mime.decoding import decoder
from postroad.mime.fields import disposition, fields, media_type, transfer_encoding
from postroad.mime.part import Kind
from postroad.mime.text import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postroad.mime.part import Part

LENGTH = 200  # characters (RFC 8970 §3.3)
MAX_LEAVES = 10  # text parts that are looked at
PLAIN_OCTETS = 16 * 1024  # of a part of plain text that are read
HTML_OCTETS = 64 * 1024  # of a part in HTML: style sheets come first


class _Text(NamedTuple):
    """What the header of a text part says."""

    is_html: bool
    charset: bytes | None
    encoding: bytes


def preview(root: Part, read: Callable[[int, int], bytes]) -> str:
    """Return the preview of a message; empty if it has no text. `read` returns octets of the message by offsets."""
    for count, part in enumerate(_leaves(root)):
        if count == MAX_LEAVES:
            break
        text = _text(read(part.start, part.body))
        if text is None:
            continue
        limit = HTML_OCTETS if text.is_html else PLAIN_OCTETS
        undo = decoder(text.encoding, is_text=False)
        if undo is None:
            continue
        cut = part.end - part.body > limit
        octets = undo.feed(read(part.body, min(part.end, part.body + limit))) + undo.finish()
        shown = decode(octets, text.charset)
        if cut:  # the last character may be half a one
            shown = shown.rstrip("\N{REPLACEMENT CHARACTER}")
        words = _without_markup(shown) if text.is_html else _new_lines(shown)
        if words:
            return _shortened(words)
    return ""


def _leaves(root: Part) -> Iterator[Part]:
    """Yield the parts that are no multipart and no message, in order."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        waiting += reversed(part.children)
        if part.kind is Kind.LEAF:
            yield part


def _text(header: bytes) -> _Text | None:
    """Return what the header of a part says about its text; None if it is no text to be read, or an attachment."""
    mime: dict[bytes, bytes] = {}
    for name, value in fields(header):
        if name.startswith(b"content-"):
            mime.setdefault(name, value)
    kind = media_type(mime.get(b"content-type", b""))
    if kind is not None and (kind.value.lower(), kind.subtype.lower()) not in _READABLE:
        return None
    disposed = disposition(mime.get(b"content-disposition", b""))
    if disposed is not None and disposed.value.lower() == b"attachment":
        return None
    encoding = transfer_encoding(mime.get(b"content-transfer-encoding", b"")).lower()
    if kind is None:
        return _Text(is_html=False, charset=None, encoding=encoding)
    return _Text(kind.subtype.lower() == b"html", kind.parameter(b"charset"), encoding)


_READABLE = frozenset({(b"text", b"plain"), (b"text", b"html"), (b"text", b"enriched")})


# -- plain text -----------------------------------------------------------------------------------------------

_SIGNED = re.compile(r"\s*-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*")  # and its headers
_ENCRYPTED = re.compile(r"\s*-----BEGIN PGP MESSAGE-----")
_SIGNATURE = re.compile(r"^-- ?\r?$", re.MULTILINE)  # RFC 3676 §4.3


def _new_lines(text: str) -> str:
    """Return the words of plain text, without quoted lines if there are others."""
    if _ENCRYPTED.match(text):
        return ""
    signed = _SIGNED.match(text)
    if signed is not None:
        text = text[signed.end() :].partition("-----BEGIN PGP SIGNATURE-----")[0]
    ends = _SIGNATURE.search(text)
    if ends is not None:
        text = text[: ends.start()] or text[ends.end() :]
    new = _words("\n".join([line for line in text.split("\n") if not line.startswith(">")]))
    return new or _words(text.replace("\n>", "\n").removeprefix(">"))


# Characters that take no room: marketing mail hides its text behind rows of them.
_NO_ROOM = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f\u00ad\u034f\u061c\u115f\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def _words(text: str) -> str:
    """Return the text on one line, with one space for each run of white space."""
    return " ".join(_NO_ROOM.sub(lambda match: " " if match[0] in "\u2028\u2029" else "", text).split())


def _shortened(words: str) -> str:
    """Cut the words to the length of a preview, not within an accented or joined character."""
    end = LENGTH
    while end > LENGTH - 20 and _JOINED.match(words, end):
        end -= 1
    return words[:end].rstrip()


_JOINED = re.compile("[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")

# -- HTML -----------------------------------------------------------------------------------------------------

# A comment, an element that is not shown, or a tag. Each takes what it begins with to its end, or to the end of all.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<hidden>head|script|style|template|title)\b[^>]*>.*?(?:</(?P=hidden)\b[^>]*(?:>|\Z)|\Z)"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)[^>]*(?:>|\Z)"
    r"|<[/!?][^>]*(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# fmt: off
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "dfn", "em", "font", "i", "ins", "kbd", "mark",
    "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
))
# fmt: on


def _without_markup(text: str) -> str:
    """Return the words of HTML, without what it quotes if there is more."""
    shown: list[str] = []
    quoted: list[str] = []
    depth = at = 0
    for match in _MARKUP.finditer(text):
        (quoted if depth else shown).append(text[at : match.start()])
        at = match.end()
        name = (match["name"] or "").lower()
        if name == "blockquote":
            depth = max(depth - 1, 0) if match["end"] else depth + 1
        if name and name not in _INLINE:
            (quoted if depth else shown).append(" ")
    (quoted if depth else shown).append(text[at:])
    return _words(html.unescape("".join(shown))) or _words(html.unescape("".join(quoted)))
