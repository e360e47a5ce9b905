"""Strings of a script as they are compiled: encoded characters, and references to variables.

The order is that of RFC 5229 §3.1: backslashes (`lexer`), encoded characters, variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_store.sieve import limits
from postroad_store.sieve.program import Reference, Template, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.sieve.run import Run

# RFC 5228 §2.4.2.4: encoded-arb-octets and encoded-unicode-char; blanks are SP, CRLF and HTAB
_BLANK = r"[ \t\r\n]"
_ENCODED = re.compile(
    rf"\$\{{(?:(?P<hex>hex):(?P<pairs>{_BLANK}*[0-9a-f]{{1,2}}(?:{_BLANK}+[0-9a-f]{{1,2}})*{_BLANK}*)"
    rf"|unicode:(?P<codes>{_BLANK}*[0-9a-f]+(?:{_BLANK}+[0-9a-f]+)*{_BLANK}*))\}}",
    re.IGNORECASE,
)
# RFC 5229 §3: variable-ref = "${" [namespace] variable-name "}"
_NAME = r"[a-z_][a-z0-9_]*"
_VARIABLE = re.compile(
    rf"\$\{{(?P<path>(?:{_NAME}\.(?:(?:{_NAME}|[0-9]+)\.)*)?)(?P<name>{_NAME}|[0-9]+)\}}", re.IGNORECASE
)
IDENTIFIER = re.compile(_NAME, re.IGNORECASE)


class TextError(ValueError):
    """The string is not valid; the text says why."""


def decoded(text: str) -> str:
    """Return the text with `${hex:…}` and `${unicode:…}` replaced (RFC 5228 §2.4.2.4); raises `TextError`."""
    if "${" not in text:
        return text
    # Octets may make a character together with those of their neighbours, so they are joined as octets.
    pieces: list[bytes] = []
    position = 0
    for match in _ENCODED.finditer(text):
        pieces.append(text[position : match.start()].encode())
        position = match.end()
        if match["hex"]:
            pieces.append(bytes.fromhex(" ".join(pair.zfill(2) for pair in match["pairs"].split())))
        else:
            pieces.append("".join(map(_character, match["codes"].split())).encode())
    if not position:
        return text
    pieces.append(text[position:].encode())
    try:
        return b"".join(pieces).decode()
    except UnicodeDecodeError:
        raise TextError("encoded characters do not make UTF-8") from None


def _character(code: str) -> str:
    number = int(code, 16) if len(code.lstrip("0")) <= 6 else 0x110000
    # RFC 5228 §2.4.2.4: "0 - D7FF / E000 - 10FFFF" alone; others are an error
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise TextError(f"{code} is no Unicode character")
    return chr(number)


def template(text: str, namespaces: Mapping[str, Callable[[Run, str], str]]) -> Text:
    """Return a string with its references to variables; raises `TextError`.

    `namespaces` are those of the extensions that the script has required.
    """
    if "${" not in text:
        return text
    parts: list[str | Reference] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(_reference(match["path"].lower(), match["name"].lower(), namespaces))
        position = match.end()
    if not parts:
        return text
    if position < len(text):
        parts.append(text[position:])
    return Template(tuple(parts))


def _reference(path: str, name: str, namespaces: Mapping[str, Callable[[Run, str], str]]) -> Reference:
    if path:
        space, _, rest = path.partition(".")
        # RFC 5229 §3: "References to namespaces without a prior require statement ... MUST cause an error."
        if space not in namespaces:
            raise TextError(f"the script has required no extension that has variables in {space}")
        return Reference(rest + name, namespaces[space])
    if name[0].isdigit():
        number = int(name) if len(name.lstrip("0")) <= 4 else limits.MATCHES + 1
        if number > limits.MATCHES:  # RFC 5229 §6: an error that is found when the script is compiled
            raise TextError(f"the highest match variable is {limits.MATCHES}")
        return Reference(number)
    if len(name) > limits.NAME:
        raise TextError(f"a variable's name has at most {limits.NAME} characters")
    return Reference(name)
