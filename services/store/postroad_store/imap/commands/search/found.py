"""What a search has found, and how its numbers are written (RFC 3501 §7.2.5, RFC 4466 §2.6.2)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.grammar.numbers import listed, listed_ascending
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of, runs_of
from postroad_store.mail.search.fuzzy import Scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad_store.mail.model.view import View

STEP = 10_000  # numbers that are written at a time (about a millisecond)
Runs = list[tuple[int, int]]


@value
class Found:
    """The messages that match, by their numbers, in the order that was asked for.

    It lasts no longer than its command: the view must not `take` meanwhile.
    """

    view: View
    numbers: Sequence[int]
    uid: bool  # they are written as UIDs
    sorted: bool = False  # they are in the order of SORT; else they ascend
    scores: Scores = field(default_factory=Scores)  # of a fuzzy search
    modseq: bool = False  # the client is told the highest mod-sequence of what it gets (RFC 7162 §3.1.5)

    def uids(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the UIDs of these messages."""
        uids = self.view.uids
        if isinstance(numbers, range):
            return uids[numbers.start - 1 : numbers.stop - 1]
        return [uids[number - 1] for number in numbers]

    def written(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the numbers as the client wants them: themselves, or UIDs."""
        return self.uids(numbers) if self.uid else numbers

    def listed(self) -> Iterator[bytes]:
        """Yield all of them, a space before each, in steps."""
        for start in range(0, len(self.numbers), STEP):
            numbers = self.written(self.numbers[start : start + STEP])
            yield listed(numbers) if self.sorted else listed_ascending(numbers)

    def runs(self, numbers: Sequence[int], *, uid: bool) -> Iterator[Runs]:
        """Yield these numbers, or their UIDs, as runs of consecutive ones, in steps.

        RFC 5267 §3.2: the order is kept, and each run ascends.
        """
        last: Runs = []  # the run that the next step may go on with
        for start in range(0, len(numbers), STEP):
            step = numbers[start : start + STEP]
            step = self.uids(step) if uid else step
            runs = runs_of(step) if self.sorted else list(ranges_of(step))
            if last and runs[0][0] == last[0][1] + 1:
                runs[0] = last[0][0], runs[0][1]
                last = []
            yield last + runs[:-1]
            last = runs[-1:]
        yield last

    def scored(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """Yield the relevancy scores of these messages, in parentheses, in steps."""
        # score-list = "(" [score *(SP score)] ")"                                                  (RFC 6203 §7)
        space = b"("
        for start in range(0, len(numbers), STEP):
            yield space + b" ".join([b"%d" % self.scores.of(number) for number in numbers[start : start + STEP]])
            space = b" "
        yield b")" if numbers else b"()"

    def highest_modseq(self, numbers: Sequence[int]) -> Iterator[int]:
        """Yield the highest mod-sequence of these messages, in steps: the last is that of all of them."""
        highest = 0
        view = self.view
        for runs in self.runs(numbers, uid=False):
            for low, high in runs:
                highest = max(highest, *view.pick(view.mailbox.modseqs, low, high))
            yield highest

    def compact(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """Yield these as a sequence set, in steps; there must be at least one."""
        comma = b""
        for runs in self.runs(numbers, uid=self.uid):
            if runs:
                yield comma + format_ranges(runs)
                comma = b","
