"""variables (RFC 5229): set and string. References within strings are found by `texts`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_store.sieve import limits
from postroad_store.sieve.comparators import ascii_casemap
from postroad_store.sieve.matching import any_match, counted
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word
from postroad_store.sieve.texts import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

_WILDCARD = re.compile(r"[*?\\]")
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
GLOBAL = "global."  # RFC 6609 §3.4.2: a namespace that "set" may change


def _lower(text: str) -> str:
    return text.translate(_ASCII_LOWER)


def quoted(special: re.Pattern[str], text: str) -> str:
    """Return a variable's value with a backslash before each special character.

    A value that is too long is cut (RFC 5229 §6), never behind such a backslash: it would quote what follows.
    """
    value = special.sub(r"\\\g<0>", text)[: limits.VALUE]
    return value[:-1] if (len(value) - len(value.rstrip("\\"))) % 2 else value


# RFC 5229 §4.1, in the order in which they are applied: the highest precedence first. The regex extension has one more.
MODIFIERS: dict[str, tuple[int, Callable[[str], str]]] = {
    ":lower": (40, _lower),
    ":upper": (40, ascii_casemap),
    ":lowerfirst": (30, lambda text: _lower(text[:1]) + text[1:]),
    ":upperfirst": (30, lambda text: ascii_casemap(text[:1]) + text[1:]),
    ":quotewildcard": (20, lambda text: quoted(_WILDCARD, text)),
    ":length": (10, lambda text: str(len(text))),
}


def modifier(name: str) -> Tagged:
    """Return the tag of a modifier: of one precedence only one may be given."""
    precedence, change = MODIFIERS[name]
    return Tagged(name, group=f"precedence {precedence}", effect=lambda _run, _value: {name: (precedence, change)})


def check_variable(context: Context, name: str) -> None:
    """Refuse what is not the name of a variable that can be set (RFC 5229 §4)."""
    if not IDENTIFIER.fullmatch(name):
        context.refuse(f"{name[:60]!r} is not the name of a variable")
    if len(name) > limits.NAME:
        context.refuse(f"a variable's name has at most {limits.NAME} characters")


def _check(context: Context, step: Step) -> None:
    name: str = step.arguments[0].lower()
    if name.startswith(GLOBAL) and context.has("include"):
        name = name.removeprefix(GLOBAL)
    check_variable(context, name)
    value = step.arguments[1]
    if isinstance(value, str) and len(value) > limits.VALUE:
        context.refuse(f"a variable's value has at most {limits.VALUE} characters")


def _set(run: Run, step: Step) -> None:
    name, value = step.arguments[0].lower(), run.text(step.arguments[1])
    run.charge(10 * len(value))
    for _, change in sorted(step.options(run).values(), key=lambda option: -option[0]):
        value = change(value)
    if name.startswith(GLOBAL):
        run.set_shared(name.removeprefix(GLOBAL), value)
    else:
        run.set_variable(name, value)


def _string(run: Run, step: Step) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    values, keys = run.texts(step.arguments[0]), run.texts(step.arguments[1])
    if step.matching.type.counts:  # RFC 5229 §5: an empty string counts as none
        return counted(run, step.matching, sum(map(bool, values)), keys)
    return any_match(run, step.matching, values, keys)


EXTENSION = Extension(
    "variables",
    (
        Word("set", (Kind.CONSTANT, Kind.STRING), tuple(map(modifier, MODIFIERS)), run=_set, check=_check),
        Word("string", (Kind.STRINGS, Kind.STRINGS), test=_string, matches=True),
    ),
)
