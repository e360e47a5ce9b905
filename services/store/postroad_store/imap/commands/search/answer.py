"""How SEARCH and SORT are answered: as the base protocol has it, or as RETURN asks (RFC 4731 §3.1, RFC 5182)."""

from __future__ import annotations

import asyncio
from array import array
from itertools import compress
from typing import TYPE_CHECKING

from postroad_store.imap.commands.search.found import STEP
from postroad_store.imap.commands.search.options import saves, scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad_store.imap.commands.search.found import Found
    from postroad_store.imap.commands.search.options import Options
    from postroad_store.imap.session import Session

MAX_SAVED = 250_000  # runs of UIDs that a session may save: two megabytes
NOT_SAVED = b"NO [NOTSAVED] The result has too many parts to be saved."  # RFC 5182 §2.5


async def send_list(session: Session, word: bytes, found: Found) -> None:
    """Send a SEARCH or SORT response (RFC 3501 §7.2.5, RFC 5256 §4)."""
    pieces = [b"* ", word, *await _gathered(found.listed())]
    if found.modseq and found.numbers:  # RFC 7162 §3.1.6
        pieces.append(b" (MODSEQ %d)" % await _highest_modseq(session, found, found.numbers))
    pieces.append(b"\r\n")
    session.engine.send(b"".join(pieces))


async def send_options(session: Session, tag: bytes, options: Options, found: Found, correlators: bytes = b"") -> bool:
    """Send what RETURN asks for, in one ESEARCH response, and keep the result if it asks for that.

    `correlators` come after the tag, a space before each.
    Returns False if the result is too large to be kept.
    """
    if any(option.answers for option in options):
        pieces = [b'* ESEARCH (TAG "%b"%b)%b' % (tag, correlators, b" UID" if found.uid else b"")]
        for option in options:
            pieces += await _gathered(option.data(found))
        if scores(options):
            pieces.append(b" RELEVANCY ")
            pieces += await _gathered(found.scored(_in_order(options, found)))
        if found.modseq and (told := chosen(options, found)):  # RFC 4731 §3.2: of what MIN and MAX pick out, if they do
            pieces.append(b" MODSEQ %d" % await _highest_modseq(session, found, told))
        pieces.append(b"\r\n")
        session.engine.send(b"".join(pieces))
    return not saves(options) or await _save(found, chosen(options, found))


def chosen(options: Options, found: Found) -> Sequence[int]:
    """Return the messages that the options return (RFC 4731 §3.2, RFC 5182 §2.4, RFC 9394 §3.3).

    Those that MIN, MAX and PARTIAL pick out; with any other option, or none of these, all of them.
    """
    if any(option.everything for option in options) or not any(option.chooses for option in options):
        return found.numbers
    return sorted({number for option in options for number in option.chosen(found)})


def _in_order(options: Options, found: Found) -> Sequence[int]:
    """Return the messages that the options return, in the order of the result."""
    told = chosen(options, found)
    if len(told) == len(found.numbers):
        return found.numbers
    picking = sorted(options, key=lambda option: option.last)
    return list(dict.fromkeys(number for option in picking for number in option.chosen(found)))


async def _save(found: Found, numbers: Sequence[int]) -> bool:
    """Keep messages for `$`, by their UIDs (RFC 5182 §2.1)."""
    if found.sorted:
        numbers = await _ascending(found, numbers)
    saved = array("I")
    for runs in found.runs(numbers, uid=True):
        saved.extend([uid for run in runs for uid in run])
        if len(saved) > 2 * MAX_SAVED:
            return False
        await asyncio.sleep(0)
    found.view.saved = saved
    return True


async def _highest_modseq(session: Session, found: Found, numbers: Sequence[int]) -> int:
    session.highest.fetched_any()
    highest = 0
    for highest in found.highest_modseq(numbers):  # noqa: B007 - the last one counts
        await asyncio.sleep(0)
    return highest


async def _ascending(found: Found, numbers: Sequence[int]) -> list[int]:
    """Return the numbers in ascending order: sorting a million of them at once would take too long."""
    marks = bytearray(len(found.view.uids) + 1)
    for start in range(0, len(numbers), STEP):
        for number in numbers[start : start + STEP]:
            marks[number] = 1
        await asyncio.sleep(0)
    ascending: list[int] = []
    for start in range(0, len(marks), STEP):
        ascending += compress(range(start, len(marks)), marks[start : start + STEP])
        await asyncio.sleep(0)
    return ascending


async def _gathered(steps: Iterator[bytes]) -> list[bytes]:
    """Return what comes step by step, and let others run in between."""
    pieces: list[bytes] = []
    for piece in steps:
        if pieces:
            await asyncio.sleep(0)
        pieces.append(piece)
    return pieces
