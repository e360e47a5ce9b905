"""Names of Sieve scripts (RFC 5804 §1.6)."""

from __future__ import annotations

import re

MOST = 128  # characters; RFC 5804 §1.6: at least 128 have to be allowed

# RFC 5804 §1.6: at least one character; no control characters, no line and paragraph separators
_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_script_name(name: str) -> bool:
    """Return True if a script may have this name."""
    return 0 < len(name) <= MOST and _NEVER.search(name) is None
