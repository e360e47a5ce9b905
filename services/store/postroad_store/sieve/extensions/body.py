"""body (RFC 5173): test the text of the message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.sieve.message import Body
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run

_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
# RFC 5173 §5.3 leaves open what the text of a message is; XHTML is the same text as HTML
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "nbsp": " ", "apos": "'"}
_ENTITY = re.compile(r"&(lt|gt|amp|quot|nbsp|apos);")


def _body(run: Run, step: Step) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    run.charge(2 * run.message.size)
    if not run.message.has_body:  # RFC 5173 §4: then "all "body" tests return false, including [...] an empty string"
        return False
    before = run.scope.matched
    matches = any_match(run, step.matching, _values(run, step), run.texts(step.arguments[0]))
    run.scope.matched = before  # RFC 5173 §6: they "MUST NOT set match variables"
    return matches


def _values(run: Run, step: Step) -> Iterator[str]:
    if ":raw" in step.tags:  # RFC 5173 §5.1
        yield run.message.raw_body
    elif ":content" in step.tags:  # RFC 5173 §5.2
        types = [text.lower() for text in run.texts(step.tags[":content"])]
        for part in run.message.parts:
            if any(_fits(part, wanted) for wanted in types):
                yield from part.texts
    else:  # RFC 5173 §5.3: the text that people read
        for part in run.message.parts:
            if part.type.startswith("text/") or part.type in _HTML:
                yield _readable(part)


def _fits(part: Body, wanted: str) -> bool:
    # RFC 5173 §5.2: "" is any type; one with a slash at an end, or with several, is none
    if not wanted or "/" not in wanted:
        return not wanted or part.type.partition("/")[0] == wanted
    return part.type == wanted


def _readable(part: Body) -> str:
    (text,) = part.texts
    if part.type not in _HTML:
        return text
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _MARKUP.sub("", text))


_TRANSFORM = "transform"

EXTENSION = Extension(
    "body",
    (
        Word(
            "body",
            (Kind.STRINGS,),
            (
                Tagged(":raw", group=_TRANSFORM),
                Tagged(":content", Kind.STRINGS, group=_TRANSFORM),
                Tagged(":text", group=_TRANSFORM),
            ),
            test=_body,
            matches=True,
        ),
    ),
)
