"""The process's own code, in this process."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad import log
from postroad.config import Settings
from postroad.control.token import ensure_token
from postroad_web.__main__ import main, run
from tests.harness.processes import claim_network
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _leave_this_process_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(log, "setup", lambda service, level: None)
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    network, claim = claim_network()
    (tmp_path / "world.toml").write_text(DEFAULT_WORLD)
    (tmp_path / "data" / "control").mkdir(parents=True)
    ensure_token(tmp_path / "data" / "control")
    environ = {
        "POSTROAD_NETWORK": network,
        "POSTROAD_WORLD": str(tmp_path / "world.toml"),
        "POSTROAD_DATA": str(tmp_path / "data"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    yield environ
    claim.close()


async def test_it_serves_until_sigterm(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told: list[dict[str, str]] = []

    def ready(**where: str) -> None:
        told.append(where)
        signal.raise_signal(signal.SIGTERM)  # never before it is handled: it would end the tests

    monkeypatch.setattr("postroad.log.ready", ready)
    assert await run(Settings.from_environ(environ)) == 0
    assert told == [{"web": f"{environ['POSTROAD_NETWORK']}.1:8025"}]
    assert "[http] accessible via http://localhost:8025/" in caplog.text


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTROAD_KEEP_MESSAGES", "many")
    assert main() == 1
    assert "POSTROAD_KEEP_MESSAGES=many" in capsys.readouterr().err


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
    assert main() == 1
    assert sentence in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((f"{environ['POSTROAD_NETWORK']}.1", 8025)):
        assert main() == 1
    assert "POSTROAD_WEB_PORT" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(environ["POSTROAD_DATA"], "web")
    folder.touch()
    assert main() == 1
    assert str(folder) in capsys.readouterr().err
