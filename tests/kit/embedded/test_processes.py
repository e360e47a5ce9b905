"""How the stack is started as processes; tests/kit/test_plugin.py starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from postroad_kit.embedded import processes as module
from postroad_kit.embedded.processes import processes, url_of
from postroad_kit.errors import CannotStart

FOLDER = Path("folder")


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_URL", "http://localhost:8025")
    monkeypatch.setenv("POSTROAD_RETRY", "1s")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    command, environ = processes(FOLDER)
    assert command == [
        *(sys.executable, "-m", "postroad_stack", "run", "--json", "--while-locked", "folder/users"),
        "--anywhere",
    ]
    ours = {name: value for name, value in environ.items() if name.startswith("POSTROAD_")}
    assert ours == {"POSTROAD_RETRY": "1s", "POSTROAD_DATA": "folder/data", "POSTROAD_PLAINTEXT_AUTH": "on"}
    assert "PYTHONDONTWRITEBYTECODE" not in environ
    monkeypatch.setenv("POSTROAD_NETWORK", "127.0.0")
    assert "--anywhere" not in processes(FOLDER)[0]


def test_where_no_stack_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODULES", ("postroad_stack", "postroad_nowhere"))
    with pytest.raises(CannotStart, match=r"postroad_nowhere missing.*pytest-postroad\[stack\].*--postroad-url"):
        processes(FOLDER)


def test_the_url() -> None:
    assert url_of({"endpoints": {"web": ["127.9.8.1", 8025]}}) == "http://127.9.8.1:8025"
