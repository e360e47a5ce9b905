"""JSON for the journal and the spool: compact, in UTF-8 (RFC 8259).

orjson takes a tenth of the time of Python's own `json`, which took 5 % of the time that it takes to accept a message.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """Return the value as one line. A value that JSON does not know is written as its `str()`."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a lone surrogate, which UTF-8 can't encode, or a number over 64 bits
        return plain_json(value)


def plain_json(value: Any) -> bytes:
    """Return any value as one line, as `to_json` does, with lone surrogates escaped (RFC 8259 §7)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace")
