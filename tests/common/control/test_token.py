"""The token of the control doors."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from postroad.control.token import TokenError, ensure_token, find_token, read_token

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_is_made_once(tmp_path: Path) -> None:
    assert ensure_token(tmp_path)
    token = read_token(tmp_path)
    assert len(token) == 43
    (tmp_path / "token").chmod(0o644)
    assert not ensure_token(tmp_path)
    assert read_token(tmp_path) == token
    assert [path.name for path in tmp_path.iterdir()] == ["token"]
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [b"", b"short\n", b"x" * 44, b"\xff" * 43, b"x" * 42 + b"/"])
def test_a_file_without_a_token_is_replaced(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "token").write_bytes(text)
    with pytest.raises(TokenError, match="holds no token"):
        read_token(tmp_path)
    assert ensure_token(tmp_path)
    assert len(read_token(tmp_path)) == 43


def test_no_token_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="run postroad init"):
        read_token(tmp_path)
    (tmp_path / "token").mkdir()
    with pytest.raises(TokenError, match="can't be read"):
        read_token(tmp_path)


def test_a_service_without_a_token_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert find_token(tmp_path) is None
    assert caplog.messages == [
        f"no control door: there is no token for the control doors in {tmp_path / 'token'}: run postroad init"
    ]
    ensure_token(tmp_path)
    assert find_token(tmp_path) == read_token(tmp_path)
