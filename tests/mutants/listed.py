"""What is listed in `equivalent/`: mutants that do the same as the original, and lines that decide no answer.

An entry is a difference as it is printed, lines with - and +, or a line with = in front: whatever is changed in that
one. The latter is for sizes of internal steps and of what is remembered. The reason follows, and an empty line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EQUIVALENT = Path(__file__).with_name("equivalent")


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed of one module, without comments: they may change, and the reason stays."""

    differences: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()

    def __contains__(self, difference: str) -> bool:
        removed = _removed(bare(difference))
        return bare(difference) in self.differences or bool(removed and removed <= self.lines)

    def gone(self, source: bytes) -> list[str]:
        """Return the lines of entries that the module no longer has."""
        there = {bare(line.strip()) for line in source.decode().splitlines()}
        return sorted(self.lines.union(*map(_removed, self.differences)) - there)


def listed(module: str) -> Listed:
    """Return what is listed of a module."""
    file = EQUIVALENT / f"{module}.txt"
    if not file.exists():
        return Listed()
    entries = [entry.splitlines() for entry in file.read_text(encoding="utf-8").strip().split("\n\n")]
    differences = [bare("\n".join(line for line in entry if line[:2] in {"- ", "+ "})) for entry in entries]
    lines = [bare(line[2:]) for entry in entries for line in entry if line.startswith("= ")]
    return Listed(frozenset(filter(None, differences)), frozenset(lines))


def bare(difference: str) -> str:
    """Return a difference, or a line, without comments at its ends."""
    return "\n".join(line.partition("  # ")[0] for line in difference.splitlines())


def _removed(difference: str) -> set[str]:
    return {line[2:] for line in difference.splitlines() if line.startswith("- ")}
