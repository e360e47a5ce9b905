"""`make rules`: which line of the code obeys which section of an RFC, and which tests cite it.

    RFC 5321 §4.5.3.1.10
      services/common/postroad/smtp/server/engine.py:309
      tests: tests/common/smtp/server/test_engine.py:120

A citation is `RFC 5321 §4.4`; further sections may follow (`RFC 5321 §4.4, §6.1 and §7`). `bare` finds sections without
their RFC's number: nobody can look for them.
"""

from __future__ import annotations

import collections
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CODE = ("services/*/postroad*/**/*.py",)
TESTS = ("tests/**/*.py", "tests/dialogues/**/*.txt", "tests/scenarios/**/*.toml", "tests/scenarios/**/*.smtp")

_TOKEN = re.compile(r"RFC (?P<rfc>\d{3,5})|§(?P<section>[0-9A-Z]+(?:\.[0-9]+)*)")
_NEW_LINE = re.compile(r"\s*\n[\s#;]*|\s+")  # in comments and docstrings a citation may go on in the next line
_BETWEEN = re.compile(r" ?(?:\([^()§]*\))?(?:,? ?(?:and|or|to)|,|;|-)? ?")


@dataclass(frozen=True, slots=True)
class Citation:
    """A section of an RFC, cited in a line of a file."""

    rfc: str  # empty: it is not said
    section: str  # empty: the whole RFC
    path: str
    line: int

    @property
    def order(self) -> tuple[int, list[tuple[int, str]], str, int]:
        """Where it stands in the index: sections by their numbers."""
        parts = self.section.split(".")
        numbers = [(int(part), "") if part.isdecimal() else (1000, part) for part in parts]
        return int(self.rfc or 0), numbers, self.path, self.line


def citations(path: str, text: str) -> Iterator[Citation]:
    """Yield the citations of a text, a whole RFC only where no section follows."""
    rfc, whole, end = "", None, 0
    for match in _TOKEN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["rfc"]:
            if whole is not None:
                yield whole
            rfc, end = match["rfc"], match.end()
            whole = Citation(rfc, "", path, line)
            continue
        between = _NEW_LINE.sub(" ", text[end : match.start()])
        known = bool(rfc) and _BETWEEN.fullmatch(between) is not None
        yield Citation(rfc if known else "", match["section"], path, line)
        if known:
            whole, end = None, match.end()
    if whole is not None:
        yield whole


def read(patterns: tuple[str, ...]) -> Iterator[Citation]:
    """Yield the citations of the files that the patterns match."""
    for pattern in patterns:
        for file in sorted(ROOT.glob(pattern)):
            path = str(file.relative_to(ROOT))
            yield from citations(path, file.read_text(encoding="utf-8", errors="replace"))


def bare(patterns: tuple[str, ...] = CODE) -> list[Citation]:
    """Return the sections whose RFC is not said."""
    return [citation for citation in read(patterns) if not citation.rfc]


def main() -> int:
    """Print the index."""
    tests = collections.defaultdict(list)
    for citation in read(TESTS):
        tests[citation.rfc, citation.section].append(citation)
    last = None
    cited = sorted((citation for citation in read(CODE) if citation.rfc), key=lambda citation: citation.order)
    for number, citation in enumerate(cited):
        heading = (citation.rfc, citation.section)
        if heading != last:
            print(f"RFC {citation.rfc}{f' §{citation.section}' if citation.section else ''}")
        last = heading
        print(f"  {citation.path}:{citation.line}")
        if number + 1 == len(cited) or (cited[number + 1].rfc, cited[number + 1].section) != heading:
            for where in tests.get(heading, []):
                print(f"  tests: {where.path}:{where.line}")
    sections = {(citation.rfc, citation.section) for citation in cited}
    tested = len(sections & tests.keys())
    print(f"{len(sections)} rules in {len(cited)} places of the code; {tested} of them are cited by tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
