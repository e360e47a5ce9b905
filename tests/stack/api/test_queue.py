"""`postroad queue` against an API with given answers, and the relay's own listing."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from postroad_stack import queue

if TYPE_CHECKING:
    from tests.stack.api.conftest import FakeApi


def entry(ident: str, due: float | None = None, **changes: Any) -> dict[str, Any]:
    recipients = [
        {"address": "a@b.test", "state": "deferred", "reason": "451 later", "host": "mx.b.test"},
        {"address": "c@d.test", "state": "pending", "reason": "", "host": None},
        {"address": "e@f.test", "state": "delivered", "reason": "250", "host": None},
    ]
    when = None if due is None else datetime.fromtimestamp(due, UTC).isoformat().replace("+00:00", "Z")
    return {
        "id": ident,
        "sender": None,
        "due": when,
        "held": False,
        "active": False,
        "recipients": recipients,
    } | changes


def test_list_in_a_world_whose_clock_was_pushed(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    due = time.time() + 86400 + 610
    api.answers["GET /v1/queue"] = 200, {"messages": [entry("A", due, world="shop")], "next": None, "total": 1}
    ahead = datetime.fromtimestamp(due - 600, UTC).isoformat().replace("+00:00", "Z")
    api.answers["GET /v1/worlds/shop/clock"] = 200, {"now": ahead, "ahead": 86400.0, "next": None}
    assert queue.main(["--world", "shop"]) == 0
    assert "in 10 min" in capsys.readouterr().out


def test_list(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    messages = [
        *(entry("A", now + 61), entry("B", now + 600, sender="x@y.test"), entry("C", now + 7300)),
        *(entry("D", held=True), entry("E", now - 1), entry("F", active=True)),
    ]
    api.answers["GET /v1/queue"] = 200, {"messages": messages, "next": None, "total": 6}
    assert queue.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ID", "FROM", "TO", "NEXT", "WHY"]
    assert [line.split("  ")[0] for line in lines[1::2]] == ["A", "B", "C", "D", "E", "F"]
    assert lines[1].endswith("mx.b.test: 451 later")
    assert lines[2].endswith("not tried yet")
    following = [line[line.index("a@b.test") :].split("  ")[1].strip() for line in lines[1::2]]
    assert following[1:] == ["in 10 min", "in 2 h", "held", "now", "now"]
    assert following[0] in {"in 61 s", "in 60 s"}
    assert queue.main(["list", "B", "--json"]) == 0
    assert [message["id"] for message in json.loads(capsys.readouterr().out)] == ["B"]
    assert queue.main(["list", "Z"]) == 1


def test_pages(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers["GET /v1/queue"] = 200, {"messages": [], "next": "A", "total": 0}
    pages = iter([None])

    def ask(*_: object, **query: object) -> dict[str, Any]:
        assert query["after"] == next(pages, "A")
        return {"messages": [], "next": None if query["after"] else "A"}

    monkeypatch.setattr("postroad_stack.api.client.Api.ask", ask)
    assert queue.main([]) == 0


def test_actions(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("hold", "release"):
        api.answers[f"POST /v1/queue/A/{action}"] = 200, entry("A")
        assert queue.main([action, "A"]) == 0
    api.answers["DELETE /v1/queue/A"] = 204, None
    assert queue.main(["delete", "A", "--report"]) == 0
    assert api.asked[-1][0] == "DELETE /v1/queue/A?report=true"
    assert queue.main(["delete", "A", "B", "--json"]) == 1
    assert capsys.readouterr().err == "There is no /v1/queue/B.\n"
    api.answers["POST /v1/queue/A/hold"] = 503, {"detail": "relay can't be reached"}
    assert queue.main(["hold", "A"]) == 3
    with pytest.raises(SystemExit, match="2"):
        queue.main(["hold"])


def test_retry(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["POST /v1/queue/retry"] = 200, {"count": 1}
    assert queue.main(["retry"]) == 0
    assert queue.main(["retry", "A", "--json"]) == 0
    assert queue.main(["retry", "A", "B"]) == 1
    assert [asked for _, asked in api.asked] == [{}, {"ids": ["A"]}, {"ids": ["A", "B"]}]
    assert capsys.readouterr().err == "1 of 2 are in the queue and are tried now\n"


def test_the_spool_is_listed_by_the_relay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(queue, "LISTING", ["-c", "import sys; sys.exit(len(sys.argv))"])
    assert queue.main(["--spool", "--json"]) == 2
    monkeypatch.setattr(queue, "find_spec", lambda _name: None)
    assert queue.main(["--spool"]) == 1
    assert capsys.readouterr().err.startswith("The relay is not installed here")
    with pytest.raises(SystemExit, match="2"):
        queue.main(["list", "--spool"])  # the API must not be asked instead
    assert "--spool comes first" in capsys.readouterr().err
