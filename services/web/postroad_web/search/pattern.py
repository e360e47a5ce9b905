"""Regular expressions of queries, by RE2: its time grows with the text alone, and its memory is bounded.

Letters match in either case, because the catalog keeps its text in lower case. `^` and `$` are those of lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

from postroad.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATTERN = 1024  # characters
MAX_MEMORY = 1 << 20  # octets of the compiled expression and its caches


class PatternError(ValueError):
    """The regular expression can't be used; the text is a sentence."""


@remembered(16, MAX_PATTERN)
def searcher(source: str) -> Callable[[str], bool]:
    """Return what says whether the expression finds something in a text; raises `PatternError`."""
    if len(source) > MAX_PATTERN:
        raise PatternError(f"a regular expression has at most {MAX_PATTERN} characters")
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(f"(?m:{source})", options)
    except re2.error as error:
        raise PatternError(f"the regular expression can't be read: {_reason(error)}") from None
    return lambda text: compiled.search(text) is not None


# What comes next in an expression: a quantifier; a literal, perhaps escaped; a group without groups or a class; others.
_PIECE = re.compile(
    r"""(?P<quantifier>[*?]|\{[^}]*\}|\+)
    |\\?(?P<punctuation>(?<=\\)[^\w\s]|[@_!#%&'/:=`~-])|(?P<word>[A-Za-z0-9])
    |\((?:[^()\[\]\\]|\\.)*\)|\[\^?\]?(?:[^\]\\]|\\.)*\]|\\.|.""",
    re.VERBOSE | re.DOTALL,
)


@remembered(16, MAX_PATTERN)
def literal_of(source: str) -> str:
    """Return a text in lower case that is in all that the expression can match, empty if none is easily found.

    The index of texts finds candidates by it.
    """
    if "|" in source or "(?" in source or "\\Q" in source:
        return ""
    best = run = ""
    for match in _PIECE.finditer(source):
        literal = match["punctuation"] or match["word"]
        if literal is not None and literal.isascii() and literal not in '<>",;()':
            run += literal
            continue
        if match["quantifier"] is not None and match["quantifier"] != "+":
            run = run[:-1]
        best = max(best, run, key=len)
        run = ""
        if match[0] == "(":  # groups in groups: what follows may be within one that need not match
            break
    return max(best, run, key=len).lower()


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "unknown"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
