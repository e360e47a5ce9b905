"""imap4flags (RFC 5232): the flags with which a message is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_store.imap.grammar.reader import ATOM
from postroad_store.mail.model.flags import MAX_KEYWORD, SYSTEM_FLAGS
from postroad_store.sieve.extensions.variables import check_variable
from postroad_store.sieve.matching import any_match, counted
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

MOST = 64  # flags of one message
_SYSTEM = {name.lower(): name for name in SYSTEM_FLAGS}


def flags_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the flags in strings, each once in any case, without those that are none (RFC 5232 §2)."""
    flags: dict[str, str] = {}
    for text in texts:
        for word in text.split():
            lower = word.lower()
            if lower in _SYSTEM:
                flags.setdefault(lower, _SYSTEM[lower])
            elif len(word) <= MAX_KEYWORD and word.isascii() and ATOM.fullmatch(word.encode("ascii")):
                flags.setdefault(lower, word)
    return tuple(flags.values())[:MOST]


def _add(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return flags_in((*old, *new))


def _remove(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    gone = {flag.lower() for flag in new}
    return tuple(flag for flag in old if flag.lower() not in gone)


def _replace(_old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return new


def _changing(change: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]]) -> Callable[[Run, Step], None]:
    def carry_out(run: Run, step: Step) -> None:
        variable, texts = step.arguments
        new = flags_in(run.texts(texts))
        if variable is None:
            run.flags = change(run.flags, new)
        else:
            name = variable.lower()
            run.set_variable(name, " ".join(change(flags_in([run.variable(name)]), new)))

    return carry_out


def _check(context: Context, step: Step) -> None:
    if step.arguments[0] is None:
        return
    # RFC 5232 §3: without the variables extension, a variable's name is an error
    if not context.has("variables"):
        context.refuse(f'{step.word.name} with a variable needs require "variables"')
    names = step.arguments[0]
    for name in (names,) if isinstance(names, str) else names:
        check_variable(context, name)


def _hasflag(run: Run, step: Step) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    names, texts = step.arguments
    lists = [run.flags] if names is None else [flags_in([run.variable(name.lower())]) for name in names]
    keys = run.texts(texts)
    if step.matching.type.counts:
        return counted(run, step.matching, sum(map(len, lists)), keys)
    # RFC 5232 §2: a string with spaces is a list of flags
    words = keys if step.matching.type.expressions else [word for key in keys for word in key.split()]
    return any_match(run, step.matching, [flag for flags in lists for flag in flags], words)


def _effect(run: Run, value: Any) -> dict[str, Any]:
    return {"flags": flags_in(run.texts(value))}


_FLAGS = Tagged(":flags", Kind.STRINGS, effect=_effect)

EXTENSION = Extension(
    "imap4flags",
    (
        *[
            Word(name, (Kind.STRINGS,), run=_changing(change), check=_check, optional=Kind.CONSTANT)
            for name, change in (("setflag", _replace), ("addflag", _add), ("removeflag", _remove))
        ],
        Word("hasflag", (Kind.STRINGS,), test=_hasflag, check=_check, optional=Kind.CONSTANTS, matches=True),
    ),
    {"keep": (_FLAGS,), "fileinto": (_FLAGS,)},
)
