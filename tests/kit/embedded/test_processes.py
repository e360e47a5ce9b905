"""How the stack is started as processes; tests/kit/test_plugin.py starts it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from postroad_kit.embedded import memory
from postroad_kit.embedded import processes as module
from postroad_kit.embedded.processes import SETTINGS, processes, url_of
from postroad_kit.errors import CannotStart

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "has_room", lambda _folder: False)
    monkeypatch.setenv("POSTROAD_URL", "http://localhost:8025")
    monkeypatch.setenv("POSTROAD_RETRY", "1s")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    command, environ = processes(tmp_path)
    users = str(tmp_path / "users")
    assert command[:3] == [sys.executable, "-m", "postroad_stack"]
    assert command[3:] == ["run", "--json", "--while-locked", users, "--scratch", "--anywhere"]
    ours = {name: value for name, value in environ.items() if name.startswith("POSTROAD_")}
    assert ours == {"POSTROAD_RETRY": "1s", "POSTROAD_DATA": str(tmp_path / "data"), **SETTINGS}
    assert "PYTHONDONTWRITEBYTECODE" not in environ
    monkeypatch.setenv("POSTROAD_NETWORK", "127.0.0")
    assert "--anywhere" not in processes(tmp_path)[0]


def test_where_no_stack_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "MODULES", ("postroad_stack", "postroad_nowhere"))
    with pytest.raises(CannotStart, match=r"postroad_nowhere missing.*pytest-postroad\[stack\].*--postroad-url"):
        processes(tmp_path)


def test_the_url() -> None:
    assert url_of({"endpoints": {"web": ["127.9.8.1", 8025]}}) == "http://127.9.8.1:8025"
