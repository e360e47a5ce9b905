"""All dialogues of the tree as transcripts: the same lines however the octets come, and nothing in them is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.common.transcript.said import observed, shown
from tests.harness.script import Step, add

DIALOGUES = Path(__file__).parents[2] / "dialogues"
SCRIPTS = sorted(
    path for folder in ("smtp", "imap", "pop3", "managesieve") for path in (DIALOGUES / folder).glob("*.txt")
)
LINES = ("C", "c", "S", "T")


def sessions_in(path: Path) -> dict[int, list[Step]]:
    """Return the steps of each session of a dialogue."""
    sessions: dict[int, list[Step]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(LINES) and line[1:3].rstrip(" ").endswith(":"):
            steps: list[Step] = []
            add(steps, line)
            sessions.setdefault(steps[0].who, []).append(steps[0])
    return sessions


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_lines_do_not_depend_on_blocks(path: Path) -> None:
    protocol = "lmtp" if path.stem.startswith("lmtp") else path.parent.name
    for steps in sessions_in(path).values():
        whole = observed(protocol, steps)
        assert shown(whole.lines)
        assert [line.number for line in whole.lines] == list(range(1, whole.count + 1))
        assert shown(observed(protocol, steps, size=1).lines) == shown(whole.lines)
        assert shown(observed(protocol, joined(steps)).lines) == shown(whole.lines)


def joined(steps: list[Step]) -> list[Step]:
    """Return the same session with what one side says without a pause as one block."""
    blocks: list[Step] = []
    for step in steps:
        if blocks and step.kind in {"C", "S"} and blocks[-1].kind == step.kind:
            blocks[-1] = Step(step.kind, step.who, blocks[-1].octets + step.octets)
        else:
            blocks.append(step)
    return blocks
