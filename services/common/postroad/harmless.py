"""Text from a stranger, made fit for a terminal and a log (CWE-150).

A Message-ID or a reply may hold terminal escapes that move the cursor, or bidirectional controls that turn a line
round. All code that prints such text passes it through `harmless` first.
"""

from __future__ import annotations


def harmless(text: str) -> str:
    r"""Return the text with each character that is not printable as an escape, such as `\x1b` or `\u202e`.

    Printable is what `str.isprintable` says: no control (category Cc), no format character (Cf), no line or paragraph
    separator, no lone surrogate. Above U+001F an escape is JSON's (RFC 8259 §7), so a JSON string stays one.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(ord(character)) for character in text)


def _escape(code: int) -> str:
    if code < 0x20:
        return f"\\x{code:02x}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
