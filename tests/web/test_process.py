"""The process's own code, in this process."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.control.token import ensure_token
from postroad_web.__main__ import main, run
from tests.harness.mains import left_as_it_is, refusal, served_until_sigterm
from tests.harness.processes import own_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _leave_this_process_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with left_as_it_is(monkeypatch):
        yield


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    (tmp_path / "data" / "control").mkdir(parents=True)
    ensure_token(tmp_path / "data" / "control")
    with own_settings(tmp_path) as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield environ


async def test_it_serves_until_sigterm(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    where = await served_until_sigterm(run, environ, monkeypatch)
    assert where == {"web": f"{environ['POSTROAD_NETWORK']}.1:8025"}
    assert "[http] accessible via http://localhost:8025/" in caplog.text


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTROAD_KEEP_MESSAGES", "many")
    assert "POSTROAD_KEEP_MESSAGES=many" in refusal(main, capsys)


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("POSTROAD_WORLD", "nowhere.toml", "nowhere.toml"),
        ("POSTROAD_DATA", "/proc/nowhere", "run postroad init"),
    ],
)
def test_what_is_missing_is_told(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert sentence in refusal(main, capsys)


def test_a_port_that_is_taken_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((f"{environ['POSTROAD_NETWORK']}.1", 8025)):
        assert "POSTROAD_WEB_PORT" in refusal(main, capsys)


def test_a_folder_that_cannot_be_written_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(environ["POSTROAD_DATA"], "web")
    folder.touch()
    assert str(folder) in refusal(main, capsys)
