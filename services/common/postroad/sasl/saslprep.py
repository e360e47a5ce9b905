"""SASLprep (RFC 4013): the preparation of user names and passwords before they are compared or hashed.

It is a profile of stringprep (RFC 3454), whose tables and normalization are those of Unicode 3.2. Strings are prepared
as queries: code points that Unicode 3.2 does not know are allowed (RFC 3454 §7), because clients with newer tables
send them.
"""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0

_PROHIBITED = (  # RFC 4013 §2.3
    stringprep.in_table_c12,  # non-ASCII spaces
    stringprep.in_table_c21_c22,  # control characters
    stringprep.in_table_c3,  # private use
    stringprep.in_table_c4,  # non-characters
    stringprep.in_table_c5,  # surrogates
    stringprep.in_table_c6,  # inappropriate for plain text
    stringprep.in_table_c7,  # inappropriate for canonical representation
    stringprep.in_table_c8,  # change display or deprecated
    stringprep.in_table_c9,  # tagging characters
)


class PrepareError(ValueError):
    """The string may not be a user name or a password; the message says why."""


def saslprep(text: str) -> str:
    """Return the prepared string; raises `PrepareError`."""
    if text.isascii() and text.isprintable():
        return text  # what nearly all are, and what all the rest leaves as it is
    # RFC 4013 §2.1: spaces become SPACE, and what is commonly mapped to nothing goes
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)  # RFC 4013 §2.2
    if any(prohibited(character) for character in prepared for prohibited in _PROHIBITED):
        raise PrepareError("a character is not allowed in it (RFC 4013 §2.3)")
    # RFC 3454 §6: right-to-left characters stand alone, and at both ends
    if any(map(stringprep.in_table_d1, prepared)):
        if any(map(stringprep.in_table_d2, prepared)):
            raise PrepareError("it mixes right-to-left and left-to-right characters (RFC 3454 §6)")
        if not (stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])):
            raise PrepareError("right-to-left characters must be at both its ends (RFC 3454 §6)")
    return prepared
