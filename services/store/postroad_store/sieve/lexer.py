"""The tokens of a script (RFC 5228 §8.1)."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from postroad_store.sieve import limits
from postroad_store.sieve.errors import ScriptError


class Kind(Enum):
    """What a token is."""

    IDENTIFIER = "identifier"  # in lower case
    TAG = "tag"  # in lower case, with its colon
    NUMBER = "number"
    STRING = "string"
    SPECIAL = "special"  # one of [ ] ( ) { } , ;
    END = "end"


class Token(NamedTuple):
    """A token, and the offset at which it begins."""

    kind: Kind
    value: str
    at: int


# RFC 5228 §8.1. The line ends are CRLF by then (`read`); quoted-safe excludes NUL, which no script has.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*(?:\n|\Z)|/\*.*?\*/)
    |text:[ \t]*(?:\#[^\n]*)?(?P<multiline>\r\n)
    |(?P<tag>:[a-z_][a-z0-9_]*)
    |(?P<identifier>[a-z_][a-z0-9_]*)
    |(?P<number>[0-9]+[kmg]?)
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |(?P<special>[\[\](){},;])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_LINE_END = re.compile(r"\r?\n")
_CR_ALONE = re.compile(r"\r(?!\n)")
_LAST_LINE = re.compile(r"^\.\r\n", re.MULTILINE)
_STUFFED = re.compile(r"^\.\.", re.MULTILINE)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_QUANTIFIERS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}  # RFC 5228 §2.4.1


def read(octets: bytes) -> str:
    """Return the text of a script, with CRLF for each line end; raises `ScriptError`.

    RFC 5228 §2.1 wants CRLF, and scripts that people keep in files have LF.
    """
    if len(octets) > limits.SCRIPT:
        raise ScriptError(f"a script has at most {limits.SCRIPT} octets", 0)
    try:
        source = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8")
        raise ScriptError("the script is not UTF-8", len(_LINE_END.sub("\r\n", before))) from None
    source = _LINE_END.sub("\r\n", source)
    if (at := source.find("\0")) >= 0:
        raise ScriptError("a script has no NUL", at)
    if (match := _CR_ALONE.search(source)) is not None:  # RFC 5228 §8.1: quoted-safe, octet-not-crlf, white-space
        raise ScriptError("a line ends with CRLF or LF, not with CR alone", match.start())
    return source


def tokens(source: str) -> list[Token]:
    """Return the tokens of a script, with END behind the last; raises `ScriptError`."""
    read: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ScriptError(_fault(source, position), position)
        start, position = position, match.end()
        match match.lastgroup:
            case "space":
                continue
            case "multiline":
                end = _LAST_LINE.search(source, position)
                if end is None:
                    raise ScriptError('a text has no end: a line with nothing but "."', start)
                text = source[position : end.start()]
                read.append(Token(Kind.STRING, _STUFFED.sub(".", text), start))
                position = end.end()
            case "quoted":
                read.append(Token(Kind.STRING, _QUOTED_PAIR.sub(r"\1", match["quoted"]), start))
            case "number":
                read.append(Token(Kind.NUMBER, str(_number(match[0].lower(), start)), start))
            case kind:
                read.append(Token(Kind(kind), match[0].lower(), start))
    read.append(Token(Kind.END, "the end of the script", len(source)))
    return read


def _number(text: str, at: int) -> int:
    factor = _QUANTIFIERS.get(text[-1], 1)
    digits = text if factor == 1 else text[:-1]
    number = int(digits) * factor if len(digits) <= 20 else limits.NUMBER + 1
    if number > limits.NUMBER:
        raise ScriptError(f"a number is at most {limits.NUMBER}", at)
    return number


def _fault(source: str, position: int) -> str:
    if source[position] == '"':
        return "a string has no end"
    if source.startswith("/*", position):
        return "a comment has no end"
    return f"{source[position]!r} is not a part of Sieve"
