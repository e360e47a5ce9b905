"""Progress on a terminal, and where there is none."""

from __future__ import annotations

import io

from postroad.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_shown_anew() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.at("INBOX: 1 of 9\x1b")
    progress.at("INBOX: 2 of 9")  # too soon to be shown
    progress.done("INBOX: 9 messages")
    assert terminal.getvalue() == "\r\x1b[KINBOX: 1 of 9\\x1b\r\x1b[KINBOX: 9 messages\n"


def test_the_line_goes_where_nothing_is_to_be_said() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.at("contents: 1,000 of 2,000")
    progress.at("contents: 1,001 of 2,000")  # too soon to be shown
    progress.end()
    assert terminal.getvalue() == "\r\x1b[Kcontents: 1,000 of 2,000\r\x1b[K"


def test_elsewhere_only_the_end_is_said() -> None:
    file = io.StringIO()
    progress = Progress(file)
    progress.at("INBOX: 1 of 9")
    progress.end()
    progress.done("INBOX: 9 messages")
    assert file.getvalue() == "INBOX: 9 messages\n"
