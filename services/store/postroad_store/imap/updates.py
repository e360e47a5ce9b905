"""Untagged responses about a mailbox: its size, its flags, removed messages (RFC 3501 §7.2.6, §7.3, §7.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from postroad_store.imap.grammar.sequence import format_ranges, ranges_of
from postroad_store.imap.manner import PLAIN
from postroad_store.mail.model.flags import MAX_KEYWORDS, SYSTEM, SYSTEM_FLAGS
from postroad_store.mail.model.rights import flags_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postroad_store.imap.manner import Manner
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import Changes, View

CLOSED = b"* OK [CLOSED] Previous mailbox closed.\r\n"  # RFC 7162 §3.2.11
URLMECH = b"* OK [URLMECH INTERNAL] Mechanisms of URLAUTH\r\n"  # RFC 4467 §8
RANGES = 1000  # of UIDs in one VANISHED (EARLIER): clients' lines are not endless
_SYSTEM_NAMES = " ".join(SYSTEM_FLAGS)
_NO_KEYWORDS = b"* FLAGS (%b)\r\n" % _SYSTEM_NAMES.encode("ascii")


class FlagLists(dict[int, bytes]):
    r"""Flag lists as FETCH has them, without the parentheses, by the flags' bits; made when first asked for.

    Few of 10,000 messages differ in their flags: with remembered lists 10,000 FLAGS take 4 ms instead of 20.
    """

    def __init__(self, mailbox: Mailbox, *, recent: bool) -> None:
        self._mailbox = mailbox
        self._recent = recent

    def __missing__(self, flags: int) -> bytes:
        r"""Make a list: system flags, \Recent, keywords."""
        names = [self._mailbox.flag_names(flags & SYSTEM), self._mailbox.flag_names(flags & ~SYSTEM)]
        if self._recent:
            names.insert(1, "\\Recent")
        self[flags] = joined = " ".join(filter(None, names)).encode("ascii")
        return joined


def flags_line(mailbox: Mailbox) -> bytes:
    """Return the FLAGS response (RFC 3501 §7.2.6)."""
    keywords = mailbox.keywords
    return b"* FLAGS (%b)\r\n" % " ".join([_SYSTEM_NAMES, *keywords]).encode("ascii") if keywords else _NO_KEYWORDS


def permanent_flags(view: View) -> bytes:
    r"""Return the PERMANENTFLAGS response; `\*` says that the client may make new keywords (RFC 3501 §7.1)."""
    if view.read_only or view.rights.isdisjoint("swt"):
        return b"* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n"
    keywords = view.mailbox.keywords
    return _permanent(view.rights, keywords) if keywords else _without_keywords(view.rights)


def _permanent(rights: frozenset[str], keywords: Sequence[str]) -> bytes:
    """Return what may be changed with these rights (RFC 4314 §5.1.1)."""
    mask = flags_mask(rights)
    names = [name for name, bit in SYSTEM_FLAGS.items() if bit & mask]
    if "w" in rights:
        names += keywords
        if len(keywords) < MAX_KEYWORDS:
            names.append("\\*")
    return b"* OK [PERMANENTFLAGS (%b)] Flags permitted.\r\n" % " ".join(names).encode("ascii")


@lru_cache(maxsize=16)  # few accounts have any but all rights
def _without_keywords(rights: frozenset[str]) -> bytes:
    """Return the same of a mailbox without keywords."""
    return _permanent(rights, ())


def changes(view: View, news: Changes, *, manner: Manner = PLAIN, uid: bool) -> bytes:
    """Return the responses that report changes; with `uid` FETCH has the UID in any case (RFC 3501 §6.4.8)."""
    mailbox = view.mailbox
    lines = []
    if news.keywords:
        lines += [flags_line(mailbox), permanent_flags(view)]
    if news.expunged:
        lines.append(_expunged(news, manner))
    if news.exists is not None:
        lines.append(b"* %d EXISTS\r\n" % news.exists)
    if news.recent is not None and not manner.rev2:
        lines.append(b"* %d RECENT\r\n" % news.recent)
    if news.flags:
        lines += _flagged(view, news, manner, uid=uid)
    return b"".join(lines)


def _expunged(news: Changes, manner: Manner) -> bytes:
    if manner.vanished:  # RFC 7162 §3.2.10
        return b"* VANISHED %b\r\n" % format_ranges(ranges_of(sorted(uid for _, uid in news.expunged)))
    return b"".join([b"* %d EXPUNGE\r\n" % number for number, _ in news.expunged])


def _flagged(view: View, news: Changes, manner: Manner, *, uid: bool) -> Iterator[bytes]:
    mailbox = view.mailbox
    plain, recent = FlagLists(mailbox, recent=False), FlagLists(mailbox, recent=True)
    columns: list[Iterable[object]] = []
    template = b"* %d FETCH ("
    if manner.uid_only:
        template = b"* %d UIDFETCH ("
        columns.append([message for _, message in news.flags])
    else:
        columns.append([number for number, _ in news.flags])
        if uid or manner.modseq or manner.rev2:  # RFC 7162 §3.2.4, RFC 9051 §7.5.2
            template += b"UID %d "
            columns.append([message for _, message in news.flags])
    if manner.modseq:
        template += b"MODSEQ (%d) "
        columns.append(_column(view, news, mailbox.modseqs))
    columns.append(
        [
            (recent if message in view.recent else plain)[flags]
            for (_, message), flags in zip(news.flags, _column(view, news, mailbox.flags), strict=True)
        ]
    )
    template += b"FLAGS (%b))\r\n"
    for row in zip(*columns, strict=True):
        yield template % row


def highest_modseq(view: View, news: Changes) -> int:
    """Return the highest mod-sequence that `changes` gives; 0 if it gives none."""
    return max(_column(view, news, view.mailbox.modseqs)) if news.flags else 0


def _column(view: View, news: Changes, values: Sequence[int]) -> Sequence[int]:
    """Return the entries of one of the mailbox's parallel lists, of the messages whose flags have changed."""
    first, last = news.flags[0][0], news.flags[-1][0]
    if len(news.flags) == last - first + 1:  # they are consecutive: read at once, in a fifth of the time
        return view.pick(values, first, last)
    return view.pick_each(values, [number for number, _ in news.flags])


def vanished_earlier(ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the responses that report expunges that the client was not there for (RFC 7162 §3.2.10.1)."""
    for start in range(0, len(ranges), RANGES):
        yield b"* VANISHED (EARLIER) %b\r\n" % format_ranges(ranges[start : start + RANGES])
