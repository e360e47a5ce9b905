"""JSON as the journal and the spool write it: compact, UTF-8 (RFC 8259).

orjson takes a tenth of the time of Python's own `json`, which was a twentieth of all that accepting a message takes.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """Return the value as one line; of what JSON does not know, its `str()` is written."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a lone surrogate, which has no UTF-8, or a number of over 64 bits
        return plain_json(value)


def plain_json(value: Any) -> bytes:
    """Return what `to_json` does, of any value: lone surrogates are escaped (RFC 8259 §7)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace")
