"""JSON for the journal and the spool: compact, in UTF-8 (RFC 8259).

orjson takes a tenth of the time of Python's own `json`, which took a twentieth of the time to accept a message.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """Return the value as one line. What JSON does not know is written as its `str()`."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a lone surrogate, which UTF-8 can't encode, or a number over 64 bits
        return plain_json(value)


def plain_json(value: Any) -> bytes:
    """Return what `to_json` does, for any value: lone surrogates are escaped (RFC 8259 §7)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace")
