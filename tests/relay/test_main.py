from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from postroad_relay.__main__ import main, run
from postroad_stack import init
from tests.harness.mains import left_as_it_is, refusal, served_until_sigterm
from tests.harness.processes import own_settings
from tests.relay.worlds import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _leave_this_process_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with left_as_it_is(monkeypatch):
        yield


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with own_settings(tmp_path, TEXT.decode()) as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert init.main([]) == 0
        yield environ


async def test_it_serves_until_sigterm(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    where = await served_until_sigterm(run, environ, monkeypatch)
    assert where["smtp"] == f"{environ['POSTROAD_NETWORK']}.25:2525"


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTROAD_EXPIRY", "soon")
    assert "POSTROAD_EXPIRY=soon" in refusal(main, capsys)


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("POSTROAD_WORLD", "nowhere.toml", "nowhere.toml"),
        ("POSTROAD_DATA", "/proc/nowhere", "run init"),
        ("POSTROAD_SMTP_WITHOUT", "HELO", "these can: PIPELINING, SIZE, 8BITMIME,"),
    ],
)
def test_what_is_missing_is_told(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert sentence in refusal(main, capsys)


def test_a_port_that_is_taken_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((f"{environ['POSTROAD_NETWORK']}.25", 1587)):
        assert "_SUBMISSION_PORT" in refusal(main, capsys)
