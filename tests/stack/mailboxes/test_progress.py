"""Progress on a terminal, and where there is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from postroad_stack.mailboxes.progress import Progress

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_shown_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress()
    progress.at("INBOX: 1 of 9\x1b")
    progress.at("INBOX: 2 of 9")  # too soon to be shown
    progress.done("INBOX: 9 messages")
    assert terminal.getvalue() == "\r\x1b[KINBOX: 1 of 9\\x1b\r\x1b[KINBOX: 9 messages\n"


def test_elsewhere_only_the_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    progress = Progress()
    progress.at("INBOX: 1 of 9")
    progress.done("INBOX: 9 messages")
    assert file.getvalue() == "INBOX: 9 messages\n"
