r"""regex (draft-ietf-sieve-regex): match by POSIX extended regular expressions, and `:quoteregex` for set.

RE2 runs them: its time grows with the text alone, and its memory is bounded, so no expression can hold up the store.
It is a matcher of extended expressions with leftmost-longest matches, as POSIX wants them; a back-reference (`\1`),
which POSIX leaves undefined for them, is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from postroad.remembered import remembered
from postroad_store.sieve import limits
from postroad_store.sieve.comparators import OCTET
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.variables import quoted
from postroad_store.sieve.spec import Extension, MatchType, Tagged

if TYPE_CHECKING:
    from postroad_store.sieve.comparators import Comparator
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

_SPECIAL = re.compile(r"[.\\\[\](){}*+?^$|]")


class PatternError(ValueError):
    """The expression can't be used; the text says why."""


def _compiled(pattern: str, *, folds: bool) -> Any:
    """Return the expression; raises `PatternError`."""
    import re2  # noqa: PLC0415 - 5 MB that few stores ever need

    if len(pattern) > limits.PATTERN:
        raise PatternError(f"a regular expression has at most {limits.PATTERN} characters")
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.one_line = True
    options.dot_nl = True  # POSIX: a line end is a character like others
    options.perl_classes = True
    options.word_boundary = True
    options.case_sensitive = not folds
    options.max_mem = limits.EXPRESSION
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"the regular expression can't be read: {text}") from None


@remembered(32, limits.PATTERN)
def _folding(pattern: str) -> Any:
    return _compiled(pattern, folds=True)


@remembered(32, limits.PATTERN)
def _exact(pattern: str) -> Any:
    return _compiled(pattern, folds=False)


def _find(run: Run, comparator: Comparator, value: str, key: str) -> tuple[str, ...] | None:
    run.charge(10_000 + 20 * len(value))
    try:
        match = (_exact if comparator is OCTET else _folding)(key).search(value)
    except PatternError as error:
        raise RunError(str(error)) from None
    if match is None:
        return None
    groups = match.groups() or ()
    return (match.group(0), *["" if group is None else group for group in groups][: limits.MATCHES])


def _check(context: Context, key: str) -> None:
    try:
        _folding(key)
    except PatternError as error:
        context.refuse(str(error))


def _quote(text: str) -> str:
    return quoted(_SPECIAL, text)


_QUOTE = Tagged(":quoteregex", group="precedence 20", effect=lambda _run, _value: {":quoteregex": (20, _quote)})

EXTENSION = Extension(
    "regex", tagged={"set": (_QUOTE,)}, match_types=(MatchType(":regex", _find, check=_check, expressions=True),)
)
