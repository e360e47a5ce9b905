"""What transcripts show of sessions, line by line; POSTROAD_GOLDEN=write writes the `.out` files anew.

The sessions are dialogues as they were once, so that a new line of a dialogue changes nothing here. Each line has the
side (lower case in TLS), the state of the session, `~` where no CRLF follows, and in angle brackets the octets of what
is kept by its hash.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.common.transcript.said import observed
from tests.common.transcript.test_dialogues import sessions_in
from tests.common.transcript.test_secrets import ALL, CASES, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.transcript.line import Line

HERE = Path(__file__).parent / "transcripts"
SESSIONS = sorted(HERE.glob("*/*.txt"))


def written(line: Line) -> str:
    side = line.side.value[0]
    kept = f"<{line.reference.size} {(line.reference.sha256 or '')[:8]}>" if line.reference is not None else ""
    return (
        f"{side if line.tls else side.upper()} {line.state} {line.group}{' ' if line.whole else '~'}{line.text}{kept}"
    )


def transcripts(path: Path) -> Iterator[str]:
    for who, steps in sorted(sessions_in(path).items()):
        for outbound in (False, True) if path.parent.name == "smtp" else (False,):
            observer = observed(path.parent.name, steps, outbound=outbound)
            yield f"# {who} {'outbound ' if outbound else ''}{observer.state} {observer.turn.value}"
            yield from map(written, observer.lines)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcripts_are_the_golden_ones(path: Path) -> None:
    golden = path.with_suffix(".out")
    text = "".join(f"{line}\n" for line in transcripts(path))
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_what_is_shown_in_place_of_secrets() -> None:
    golden = HERE / "secrets.out"
    text = ""
    for protocol, name in CASES:
        lines = lines_of(protocol, ALL[protocol][name](b"k9 secret w7"), [1000])
        text += f"# {protocol}: {name}\n" + "".join(f"{written(line)}\n" for line in lines[1:])
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
