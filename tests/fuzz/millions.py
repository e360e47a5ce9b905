"""`make fuzz`: millions of inputs to everything that reads strangers' octets, counted.

    python -m tests.fuzz.millions [--inputs 10000000] [--seed 1] [--only imap,sieve]

Every second input is a sentence of the grammar, which must be understood; the other one was spoilt, and may be
refused, but never fails, and never takes long. The first fault ends the run with the input that shows it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

SLOW = 1.0  # seconds of processor time for one input
EVERY = 2_000  # inputs between two looks at the clock
MARKS = (
    b"",
    b" ",
    b"(",
    b")",
    b"\r\n",
    b'"',
    b"\\",
    b"{5}",
    b"{3+}\r\n",
    b"\0",
    b"\xff",
    b"*",
    b":",
    b"99999999999",
    b"[",
)


@dataclass(slots=True)
class Count:
    """What one target was given."""

    sentences: int = 0
    spoilt: int = 0
    refused: int = 0
    slowest: float = 0.0


class FaultError(Exception):
    """An input that shows a fault."""


def spoil(octets: bytes, dice: random.Random) -> bytes:
    """Return octets that are no longer what they were, most times."""
    for _ in range(1 + int(dice.random() * 3)):
        at, end = sorted((int(dice.random() * (len(octets) + 1)), int(dice.random() * (len(octets) + 1))))
        match int(dice.random() * 5):
            case 0:
                octets = octets[:at] + octets[end:]
            case 1:
                octets = octets[:end] + octets[at:]
            case 2:
                octets = octets[:at] + MARKS[int(dice.random() * len(MARKS))] + octets[at:]
            case 3:
                octets = octets[:at] + bytes([int(dice.random() * 256)]) + octets[at + 1 :]
            case _:
                octets = octets[:at] + MARKS[int(dice.random() * len(MARKS))] * int(dice.random() * 40) + octets[end:]
    return octets


def turn(target: Target, count: Count, dice: random.Random) -> None:
    """Give a target a sentence, and then a spoilt one; raises `FaultError`."""
    rule = target.rules[int(dice.random() * len(target.rules))]
    sentence = target.grammar.sentence(rule, dice)
    for octets, is_sentence in ((sentence, True), (spoil(sentence, dice), False)):
        began = time.process_time()
        try:
            understood = target.take(octets)
        except Exception as error:
            raise FaultError(f"{target.name} fails on {octets!r}:\n{traceback.format_exc()}") from error
        took = time.process_time() - began
        count.slowest = max(count.slowest, took)
        if took > SLOW:
            raise FaultError(f"{target.name} takes {took:.1f} s for {octets!r}")
        if is_sentence and not understood:
            raise FaultError(f"{target.name} does not understand {octets!r} ({rule})")
        count.sentences += is_sentence
        count.spoilt += not is_sentence
        count.refused += not understood


def main() -> int:
    """Run; returns 1 at the first fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.millions", description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(target.name for target in TARGETS))
    options = parser.parse_args()
    dice = random.Random(options.seed)
    targets = [target for target in TARGETS if target.name in options.only.split(",")]
    counts = {target.name: Count() for target in targets}
    began = time.monotonic()
    try:
        for number in range(options.inputs // 2):
            target = targets[number % len(targets)]
            turn(target, counts[target.name], dice)
            if number % EVERY == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{number * 2:,} of {options.inputs:,}")
    except FaultError as fault:
        sys.stderr.write(f"\n{fault}\n")
        return 1
    finally:
        lines = [f"{'':12}{'sentences':>12}{'spoilt':>12}{'refused':>12}{'slowest, ms':>14}"]
        for name, count in counts.items():
            figures = f"{count.sentences:12,}{count.spoilt:12,}{count.refused:12,}{count.slowest * 1000:14.1f}"
            lines.append(f"{name:12}{figures}")
        lines.append(f"seed {options.seed}, {time.monotonic() - began:.0f} s")
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
