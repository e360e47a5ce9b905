"""editheader (RFC 5293): add and delete header fields; what comes before an edit has the message as it was."""

from __future__ import annotations

import re
from email.header import Header
from typing import TYPE_CHECKING

from postroad_store.sieve import limits
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import ADDRESS_FIELDS, FIELD_NAME, fields
from postroad_store.sieve.extensions.index import TAGS
from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

# RFC 5293 §6: these must not be deleted; the attempt is ignored. Return-Path is the delivery's own (RFC 5321 §4.4).
_KEPT = frozenset({"received", "auto-submitted", "return-path"})
LINE = 76  # characters of a line (RFC 2047 §2)
LONGEST = 900  # of a word with the white space in front of it, which is where a line can be folded (RFC 5322 §2.1.1)
_UNSTRUCTURED = re.compile(r"[\t -~]*")  # of RFC 5322 §3.2.5, on one line
_WORD = re.compile(r"[ \t]*[^ \t]+")
# The pieces of a list of addresses: quoted-string, comment, angle-addr, specials, and what is between them.
_PIECE = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*)"|\((?P<comment>(?:[^()\\]|\\.)*)\)|(?P<angle><[^<>]*>)|(?P<special>[,:;])'
    r"|(?P<word>[^\s,:;<>()\"]+|[^\s])"
)


def _check(context: Context, step: Step) -> None:
    # RFC 5293 §4: a name that is not valid must be an error
    name = step.arguments[0]
    if isinstance(name, str) and not FIELD_NAME.fullmatch(name):
        context.refuse(f"{name[:60]!r} is not the name of a header field")


def _name(run: Run, step: Step) -> str:
    name = run.text(step.arguments[0])
    if not FIELD_NAME.fullmatch(name):
        raise RunError(f"{name[:60]!r} is not the name of a header field")
    return name


def field(name: str, value: str) -> bytes:
    """Return a header field, folded, with encoded-words where they are needed (RFC 2047)."""
    if not value.isascii() and name.lower() in ADDRESS_FIELDS:
        return _folded(name, _addresses(" ".join(value.split())))
    # RFC 5293 §4: a value that is not "unstructured", or too long for a line, is encoded; line ends become one space
    text = " ".join(line.strip() for line in value.strip().splitlines())
    plain = _UNSTRUCTURED.fullmatch(text) is not None and max(map(len, _WORD.findall(text)), default=0) < LONGEST
    encoded = Header(text, None if plain else "utf-8", header_name=name, maxlinelen=LINE).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode("ascii", "replace")


def _folded(name: str, words: list[str]) -> bytes:
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line, ""]).encode("ascii", "replace")


def _addresses(text: str) -> list[str]:
    """Return a list of addresses as words, with names and comments encoded where they have to be; raises `RunError`.

    RFC 2047 §5 (3): an encoded-word stands in a phrase or a comment, and "MUST NOT appear in any portion of an
    addr-spec". RFC 5293 §4 has what cannot be encoded be an error.
    """
    words: list[str] = []
    phrase: list[re.Match[str]] = []  # the pieces of a name, until it is seen where it ends

    def end() -> None:
        whole = " ".join(_plain(piece) for piece in phrase)
        words.extend([piece[0] for piece in phrase] if whole.isascii() else _encoded_words(whole))
        phrase.clear()

    for piece in _PIECE.finditer(text):
        if piece["quoted"] is not None or (piece["word"] is not None and "@" not in piece[0]):
            phrase.append(piece)
            continue
        # a quoted local part belongs to what follows it
        local = phrase.pop()[0] if piece[0].startswith("@") and phrase and phrase[-1].end() == piece.start() else ""
        end()
        if piece["special"] is not None and words:
            words[-1] += piece[0]
        elif piece["comment"] is not None and not piece[0].isascii():
            words += f"({' '.join(_encoded_words(piece['comment']))})".split(" ")
        elif (local + piece[0]).isascii():
            words.append(local + piece[0])
        else:
            raise RunError("an address beyond ASCII cannot be encoded")
    end()
    return words


def _plain(piece: re.Match[str]) -> str:
    """Return a word of a name without its quotation marks."""
    return piece[0] if piece["quoted"] is None else re.sub(r"\\(.)", r"\1", piece["quoted"])


def _encoded_words(text: str) -> list[str]:
    """Return text as encoded-words of at most 75 characters (RFC 2047 §2)."""
    return Header(text, "utf-8", maxlinelen=LINE - 1).encode(linesep="\n").split()


def _addheader(run: Run, step: Step) -> None:
    name = _name(run, step)
    octets = field(name, run.text(step.arguments[1]))
    run.edited += len(octets)
    if run.edited > limits.EDITED:
        raise RunError(f"a script adds at most {limits.EDITED} octets of header fields")
    run.charge(100 * len(octets))
    run.message.add_field(octets, last=":last" in step.tags)


def _deleteheader(run: Run, step: Step) -> None:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    name = _name(run, step)
    named = fields(run, step, [name])
    if name.lower() in _KEPT:
        return
    patterns = step.arguments[1]
    if patterns is not None:
        keys = run.texts(patterns)
        named = [field for field in named if any_match(run, step.matching, [field.text], keys)]
    if named:
        run.message.remove_fields(named)


EXTENSION = Extension(
    "editheader",
    (
        Word("addheader", (Kind.STRING, Kind.STRING), (Tagged(":last"),), run=_addheader, check=_check),
        Word(
            "deleteheader",
            (Kind.STRING,),
            TAGS,
            run=_deleteheader,
            check=_check,
            optional=Kind.STRINGS,
            optional_last=True,
            matches=True,
        ),
    ),
)
