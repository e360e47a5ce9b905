"""POST /v1/tokens: what it mints is what relay and store take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.control.token import KEY_FILE, ensure_token, read_token
from postroad.sasl.token import Grant, read
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from pathlib import Path

    from postroad_web.api.services import Services

NOW = 1_772_366_400.0


@pytest.fixture
def given(tmp_path: Path) -> Services:
    (tmp_path / "control").mkdir()
    ensure_token(tmp_path / "control", KEY_FILE)
    return services({"POSTROAD_DATA": str(tmp_path)}, clock=Clock(wall=lambda: NOW))


async def test_a_token(given: Services, tmp_path: Path) -> None:
    async with client(given) as http:
        whole = await http.post("/v1/tokens", json={"account": "Alice@alpha.test"})
        narrow = await http.post(
            "/v1/tokens", json={"account": "bob@beta.test", "scopes": ["imap", "smtp"], "expires_in": 60}
        )
    assert (whole.status_code, whole.headers["Cache-Control"]) == (201, "no-store")
    answer = whole.json()
    key = read_token(tmp_path / "control", KEY_FILE).encode()
    assert read(key, answer.pop("access_token")) == Grant("alice@alpha.test", expires=NOW + 3600)
    assert answer == {"token_type": "Bearer", "expires_in": 3600, "scope": "mail", "account": "alice@alpha.test"}
    assert narrow.json()["scope"] == "imap smtp"
    assert read(key, narrow.json()["access_token"]) == Grant("bob@beta.test", frozenset({"imap", "smtp"}), NOW + 60)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"account": "nobody@alpha.test"}, 404),
        ({"account": "info@alpha.test"}, 404),
        ({}, 422),
        ({"account": "alice@alpha.test", "scopes": ["all"]}, 422),
        ({"account": "alice@alpha.test", "expires_in": -1}, 422),
    ],
)
async def test_what_is_refused(given: Services, body: dict[str, object], status: int) -> None:
    async with client(given) as http:
        assert (await http.post("/v1/tokens", json=body)).status_code == status


async def test_without_a_key(tmp_path: Path) -> None:
    async with client(services({"POSTROAD_DATA": str(tmp_path)})) as http:
        answer = await http.post("/v1/tokens", json={"account": "alice@alpha.test"})
    assert answer.status_code == 503
    assert "run postroad init" in answer.json()["detail"]
