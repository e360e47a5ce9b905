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


async def send_list(session: Session, word: bytes, result: Found) -> None:
    """Send a SEARCH or SORT response (RFC 3501 §7.2.5, RFC 5256 §4)."""
    pieces = [b"* ", word, *await _gathered(result.listed())]
    if result.modseq and result.numbers:  # RFC 7162 §3.1.6
        pieces.append(b" (MODSEQ %d)" % await _highest_modseq(session, result, result.numbers))
    pieces.append(b"\r\n")
    session.engine.send(b"".join(pieces))


async def send_options(session: Session, tag: bytes, options: Options, result: Found, correlators: bytes = b"") -> bool:
    """Send what RETURN asks for, in one ESEARCH response, and keep the result if it asks for that.

    `correlators` come after the tag, a space before each.
    Returns False if the result is too large to be kept.
    """
    if any(option.answers for option in options):
        pieces = [b'* ESEARCH (TAG "%b"%b)%b' % (tag, correlators, b" UID" if result.uid else b"")]
        for option in options:
            pieces += await _gathered(option.data(result))
        if scores(options):
            pieces.append(b" RELEVANCY ")
            pieces += await _gathered(result.scored(_in_order(options, result)))
        # RFC 4731 §3.2: of what MIN and MAX pick out, if they do
        if result.modseq and (told := chosen(options, result)):
            pieces.append(b" MODSEQ %d" % await _highest_modseq(session, result, told))
        pieces.append(b"\r\n")
        session.engine.send(b"".join(pieces))
    return not saves(options) or await _save(result, chosen(options, result))


def chosen(options: Options, result: Found) -> Sequence[int]:
    """Return the messages that the options return (RFC 4731 §3.2, RFC 5182 §2.4, RFC 9394 §3.3).

    Those that MIN, MAX and PARTIAL pick out; with any other option, or none of these, all of them.
    """
    if any(option.everything for option in options) or not any(option.chooses for option in options):
        return result.numbers
    return sorted({number for option in options for number in option.chosen(result)})


def _in_order(options: Options, result: Found) -> Sequence[int]:
    """Return the messages that the options return, in the order of the result."""
    told = chosen(options, result)
    if len(told) == len(result.numbers):
        return result.numbers
    picking = sorted(options, key=lambda option: option.last)
    return list(dict.fromkeys(number for option in picking for number in option.chosen(result)))


async def _save(result: Found, numbers: Sequence[int]) -> bool:
    """Keep messages for `$`, by their UIDs (RFC 5182 §2.1)."""
    if result.sorted:
        numbers = await _ascending(result, numbers)
    saved = array("I")
    for runs in result.runs(numbers, uid=True):
        saved.extend([uid for run in runs for uid in run])
        if len(saved) > 2 * MAX_SAVED:
            return False
        await asyncio.sleep(0)
    result.view.saved = saved
    return True


async def _highest_modseq(session: Session, result: Found, numbers: Sequence[int]) -> int:
    session.highest.fetched_any()
    highest = 0
    for highest in result.highest_modseq(numbers):  # noqa: B007 - the last one counts
        await asyncio.sleep(0)
    return highest


async def _ascending(result: Found, numbers: Sequence[int]) -> list[int]:
    """Return the numbers in ascending order: sorting a million of them at once would take too long."""
    marks = bytearray(len(result.view.uids) + 1)
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
