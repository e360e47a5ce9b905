"""The charsets that we decode text from: Python's codecs that are charsets of mail (RFC 2045 §2.2).

The names come from strangers. Python caches every name that it is asked for, and imports a module by that name, so we
only ask for codecs that we know exist.
"""

from __future__ import annotations

import codecs
import encodings
import pkgutil
import re
from encodings.aliases import aliases

# Python's codecs that are not charsets of mail; some are slow on long input.
_NO_CHARSET = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"})
_KNOWN = (
    frozenset(aliases)
    | frozenset(aliases.values())
    | {module.name for module in pkgutil.iter_modules(encodings.__path__)}
)
_LONGEST = max(map(len, _KNOWN))
# Python takes any characters between letters and digits for the same; registered names have these (ISO_8859-1:1987).
_NAME = re.compile(rb"[A-Za-z0-9 ()+._-]+(?::[0-9]{4})?")


def codec_of(charset: bytes) -> str | None:
    """Return the name of the codec for a charset, in the spellings that are met, or None if we know none."""
    if len(charset) > _LONGEST or _NAME.fullmatch(charset) is None:
        return None
    name = encodings.normalize_encoding(charset.decode("ascii").lower())
    if name not in _KNOWN:
        return None
    try:
        info = codecs.lookup(name)
    except LookupError:  # a module that is not a codec, or a codec that this platform lacks
        return None
    if not info._is_text_encoding or info.name.replace("-", "_") in _NO_CHARSET:  # noqa: SLF001 - there is no other way
        return None
    return info.name
