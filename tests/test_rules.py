"""The index of cited rules (tests/rules.py)."""

from __future__ import annotations

import pytest

from tests import rules
from tests.rules import citations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# RFC 5321 §4.4", ["5321 4.4 1"]),
        ("RFC 5321", ["5321  1"]),
        ("RFC 5321 §4.4, §6.1 and §7. RFC 3501", ["5321 4.4 1", "5321 6.1 1", "5321 7 1", "3501  1"]),
        ("RFC 5321\n    # §4.4 (grammar),\n    # §6.1", ["5321 4.4 2", "5321 6.1 3"]),
        ("RFC 5322 §3.3 (date-time) and §2.2.3 (folding)", ["5322 3.3 1", "5322 2.2.3 1"]),
        ("RFC 5321 and RFC 3501 §6.3.4", ["5321  1", "3501 6.3.4 1"]),
        ("RFC 5321 §A.1", ["5321 A.1 1"]),
        ("§4.4", [" 4.4 1"]),
        ("RFC 5321 has it so; §4.4", [" 4.4 1", "5321  1"]),
        ("RFC 5321 §2. Further down §4.4, §5", ["5321 2 1", " 4.4 1", " 5 1"]),
    ],
)
def test_citations(text: str, expected: list[str]) -> None:
    assert [f"{citation.rfc} {citation.section} {citation.line}" for citation in citations("x.py", text)] == expected


def test_the_index(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules.main() == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line.startswith("RFC ")]
    assert len(set(headings)) == len(headings)
    assert headings.index("RFC 5321 §4.2.2") < headings.index("RFC 5321 §4.4")
    assert any(line.startswith("  tests: tests/") for line in lines)
    assert " rules in " in lines[-1]


def test_every_cited_section_says_of_which_rfc() -> None:
    """Otherwise a search for the rule does not find the line that obeys it."""
    assert [f"{citation.path}:{citation.line} §{citation.section}" for citation in rules.bare()] == []
