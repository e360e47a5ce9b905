"""Jim comes, changes and goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.mailhog.test_chances import NOTHING

if TYPE_CHECKING:
    from tests.web.dialect import Web

JIM = "/api/v2/jim"


@pytest.fixture(autouse=True)
def faults(web: Web) -> list[dict[str, Any]]:
    """Return all faults that the relay has had, the last in force."""
    off = {"code": 451, "probability": 0}
    none = {"seed": 0, "words": "mailpit", "mail": off, "rcpt": off, "auth": {"code": 535, "probability": 0}}
    kept: list[dict[str, Any]] = [none]

    def put(value: dict[str, Any]) -> dict[str, Any]:
        kept.append(none | value)
        return kept[-1]

    web.stack.relay.answers |= {("GET", "/faults"): lambda _: kept[-1], ("PUT", "/faults"): put}
    return kept


async def status(web: Web, method: str, body: str = "") -> int:
    answer = await web.http.request(method, JIM, content=body)
    assert method == "GET" or answer.text == ""
    return answer.status_code


async def test_his_life(web: Web, faults: list[dict[str, Any]]) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert await status(web, method, "{}") == 404
    assert await status(web, "POST") == 201
    assert (await web.http.get(JIM)).json() == NOTHING | {
        "DisconnectChance": 0.005,
        "AcceptChance": 0.99,
        "LinkSpeedAffect": 0.1,
        "LinkSpeedMin": 1024,
        "LinkSpeedMax": 10240,
        "RejectSenderChance": 0.05,
        "RejectRecipientChance": 0.05,
        "RejectAuthChance": 0.05,
    }
    assert await status(web, "POST", "{}") == 400
    assert await status(web, "PUT", '{"RejectSenderChance": 1, "AcceptChance": 1, "Seed": 9}') == 200
    assert (faults[-1]["seed"], faults[-1]["mail"]) == (9, {"code": 550, "probability": 100})
    shown = await web.http.get(JIM)
    assert shown.headers["content-type"] == "application/json"
    assert '"AcceptChance":1,' in shown.text  # Go writes no 1.0
    assert shown.json()["RejectSenderChance"] == 1
    for bad in ("", "[]", '{"AcceptChance": "1"}'):
        assert await status(web, "PUT", bad) == 400
    assert shown.json() == (await web.http.get(JIM)).json()
    assert await status(web, "DELETE") == 200
    assert await status(web, "GET") == 404
    assert faults[-1]["words"] == "mailpit"


async def test_a_body_says_all(web: Web, faults: list[dict[str, Any]]) -> None:
    assert await status(web, "POST", '{"rejectRECIPIENTchance": 0.5}') == 201
    assert faults[-1]["rcpt"]["probability"] == 50
    assert faults[-1]["link"]["refused"] == 100  # MailHog's own trap: no chance to be accepted
    assert (await web.http.get(JIM)).json()["AcceptChance"] == 0


@pytest.mark.parametrize("body", ["nonsense", '{"AcceptChance": "x"}'])
async def test_a_body_that_can_not_be_read_leaves_him_his_own(web: Web, body: str) -> None:
    assert await status(web, "POST", body) == 201
    assert (await web.http.get(JIM)).json()["AcceptChance"] == 0.99


async def test_mailpits_chaos_drives_him_away(web: Web) -> None:
    assert await status(web, "POST") == 201
    await web.http.put("/api/v1/chaos", json={"Sender": {"Probability": 5}})
    assert await status(web, "GET") == 404
