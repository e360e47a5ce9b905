"""The base subject of a message, which SORT and THREAD compare (RFC 5256 §2.1).

The text is never copied while it is cut: two places move towards each other. So the longest subject takes time that
grows with its length alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# RFC 5256 §5: subj-blob = "[" *BLOBCHAR "]" *WSP, where BLOBCHAR is anything but brackets
_BLOBS = re.compile(r"(?:\[[^\[\]]*+\] ?)*+")
# RFC 5256 §5: subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
_REFWD = re.compile(r"(?:re|fwd?) ?(?:\[[^\[\]]*+\] ?)?:", re.IGNORECASE | re.ASCII)
_FORWARD = "[fwd:"  # RFC 5256 §5: subj-fwd-hdr
_TRAILER = "(fwd)"  # RFC 5256 §5: subj-trailer
_SPACE = re.compile(r"[ \t\r\n]+")


class BaseSubject(NamedTuple):
    """A subject without what mail programs put around it."""

    text: str
    reply: bool  # something of a reply or a forwarded message was cut off (RFC 5256 §3, REFERENCES)


def base_subject(subject: str) -> BaseSubject:
    """Return the base subject of a Subject field, whose encoded-words have been decoded."""
    # RFC 5256 §2.1 (1): tabs and continuations become spaces, and several spaces one
    text = _SPACE.sub(" ", subject)
    start, end, reply = 0, len(text), False
    while True:
        end, forwarded = _without_trailers(text, start, end)
        start, replied = _without_leaders(text, start, end)
        reply = reply or forwarded or replied
        # RFC 5256 §2.1 (6): and if it was forwarded in brackets, once more from (2)
        if end - start <= len(_FORWARD) or text[end - 1] != "]" or not _is(text, start, _FORWARD):
            return BaseSubject(text[start:end], reply)
        start, end, reply = start + len(_FORWARD), end - 1, True


def _is(text: str, start: int, wanted: str) -> bool:
    return text[start : start + len(wanted)].lower() == wanted


def _without_trailers(text: str, start: int, end: int) -> tuple[int, bool]:
    """Go back over `(fwd)` and spaces (RFC 5256 §2.1 (2)); return the end, and whether there was a `(fwd)`."""
    forwarded = False
    while end > start:
        if text[end - 1] == " ":
            end -= 1
        elif end - len(_TRAILER) >= start and _is(text, end - len(_TRAILER), _TRAILER):
            end -= len(_TRAILER)
            forwarded = True
        else:
            break
    return end, forwarded


def _without_leaders(text: str, start: int, end: int) -> tuple[int, bool]:
    """Go over `re:` and the like, and blobs (RFC 5256 §2.1 (3) to (5)); return the start, and whether it is a reply."""
    replied = False
    while True:
        while start < end and text[start] == " ":
            start += 1
        blobs = _BLOBS.match(text, start, end)
        assert blobs is not None  # noqa: S101 - nothing at all matches it
        refwd = _REFWD.match(text, blobs.end(), end)
        if refwd is None:
            return _without_blobs(text, start, blobs.end(), end), replied
        start, replied = refwd.end(), True


def _without_blobs(text: str, start: int, stop: int, end: int) -> int:
    """Go over the blobs up to `stop`; if nothing follows them, the last one is the subject (RFC 5256 §2.1 (4))."""
    return stop if stop < end or start == stop else text.rindex("[", start, stop)
