"""`postroad password`: from a pipe and at a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from postroad.world.credentials import verify
from postroad_stack import password


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_command_reads_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("wonderland\n"))
    assert password.main([]) == 0
    assert verify(capsys.readouterr().out.strip(), "wonderland")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert password.main([]) == 1
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize(("answers", "status"), [(["a", "a"], 0), (["a", "b"], 1)])
def test_the_command_asks_twice_at_a_terminal(monkeypatch: pytest.MonkeyPatch, answers: list[str], status: int) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _prompt: answers.pop(0))
    assert password.main([]) == status
