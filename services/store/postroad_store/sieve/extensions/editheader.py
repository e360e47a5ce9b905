"""editheader (RFC 5293): add and delete header fields; what comes before an edit has the message as it was."""

from __future__ import annotations

from email.header import Header
from typing import TYPE_CHECKING

from postroad_store.sieve import limits
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import FIELD_NAME, fields
from postroad_store.sieve.extensions.index import TAGS
from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

# RFC 5293 §6: these must not be deleted; the attempt is ignored. Return-Path is the delivery's own (RFC 5321 §4.4).
_KEPT = frozenset({"received", "auto-submitted", "return-path"})


def _check(context: Context, step: Step) -> None:
    # RFC 5293 §4: a name that is not valid must be an error
    name = step.arguments[0]
    if isinstance(name, str) and not FIELD_NAME.fullmatch(name):
        context.refuse(f"{name[:60]!r} is not the name of a header field")


def _name(run: Run, step: Step) -> str:
    name = run.text(step.arguments[0])
    if not FIELD_NAME.fullmatch(name):
        raise RunError(f"{name[:60]!r} is not the name of a header field")
    return name


def field(name: str, value: str) -> bytes:
    """Return a header field, folded, with encoded-words where they are needed (RFC 2047)."""
    # RFC 5293 §4: a value that is not "unstructured" is encoded; line ends become one space
    text = " ".join(value.split())
    printable = text.isascii() and text.isprintable()
    encoded = Header(text, None if printable else "utf-8", header_name=name, maxlinelen=76).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode("ascii", "replace")


def _addheader(run: Run, step: Step) -> None:
    name = _name(run, step)
    octets = field(name, run.text(step.arguments[1]))
    run.edited += len(octets)
    if run.edited > limits.EDITED:
        raise RunError(f"a script adds at most {limits.EDITED} octets of header fields")
    run.charge(100 * len(octets))
    run.message.add_field(octets, last=":last" in step.tags)


def _deleteheader(run: Run, step: Step) -> None:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    name = _name(run, step)
    found = fields(run, step, [name])
    if name.lower() in _KEPT:
        return
    patterns = step.arguments[1]
    if patterns is not None:
        keys = run.texts(patterns)
        found = [one for one in found if any_match(run, step.matching, [one.text], keys)]
    if found:
        run.message.remove_fields(found)


EXTENSION = Extension(
    "editheader",
    (
        Word("addheader", (Kind.STRING, Kind.STRING), (Tagged(":last"),), run=_addheader, check=_check),
        Word(
            "deleteheader",
            (Kind.STRING,),
            TAGS,
            run=_deleteheader,
            check=_check,
            optional=Kind.STRINGS,
            optional_last=True,
            matches=True,
        ),
    ),
)
