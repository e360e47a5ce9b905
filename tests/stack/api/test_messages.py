"""`postroad messages` and `postroad send` against an API with given answers."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from postroad_stack import messages, send
from tests.stack.api.conftest import message

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack.api.conftest import FakeApi


def test_list(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["GET /v1/messages"] = 200, {"messages": [message()], "next": 7, "total": 9, "unread": 1}
    assert messages.main(["subject:order", "is:unread", "--limit", "1"]) == 0
    assert api.asked == [("GET /v1/messages?query=subject%3Aorder+is%3Aunread&limit=1", b"")]
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1] == "A1  captured  noreply@shop.example  customer@example.com  Your order"
    assert printed.err == "1 of 9: see more with --limit\n"
    assert messages.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 9
    api.answers["GET /v1/messages"] = 200, {"messages": [], "next": None, "total": 0, "unread": 0}
    assert messages.main([]) == 1


def test_show(api: FakeApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers["GET /v1/messages/A1"] = 200, message()
    assert messages.main(["--show", "A1"]) == 0
    assert capsys.readouterr().out == "Hello\x1b\nthere\n"
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout.isatty", lambda: True)
        assert messages.main(["--show", "A1"]) == 0
    assert capsys.readouterr().out == "Hello\\x1b\nthere\n"
    assert messages.main(["--show", "A1", "--print", "code"]) == 0
    assert capsys.readouterr().out == "123456\n"
    assert messages.main(["--show", "A1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "A1"
    assert messages.main(["--show", "a/b"]) == 1
    assert capsys.readouterr().err == "There is no /v1/messages/a%2Fb.\n"
    api.answers["GET /v1/messages/A1"] = 200, message(content=None)
    assert messages.main(["--show", "A1"]) == 1


def test_send(
    api: FakeApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.answers["POST /v1/messages"] = 201, {"id": "A1", "url": "/v1/messages/A1", "refused": []}
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n"))
    assert send.main(["--from", "a@b.test", "--to", "c@d.test", "--subject", "x"]) == 0
    assert capsys.readouterr().out == "A1\n"
    assert api.asked[0][1] == {"from": "a@b.test", "subject": "x", "to": ["c@d.test"], "text": "Hello\n"}
    (tmp_path / "page.html").write_text("<p>x", encoding="utf-8")
    arguments = ["--from", "a@b.test", "--cc", "c@d.test", "--bcc", "e@f.test", "--header", "X-A: b", "--json"]
    page = str(tmp_path / "page.html")
    assert send.main([*arguments, "--html", page, "--attach", page]) == 0
    assert api.asked[1][1] == {
        "from": "a@b.test",
        "subject": "",
        "cc": ["c@d.test"],
        "bcc": ["e@f.test"],
        "html": "<p>x",
        "attachments": [{"filename": "page.html", "content": "PHA+eA=="}],
        "headers": {"X-A": "b"},
    }
    assert json.loads(capsys.readouterr().out)["id"] == "A1"
    assert send.main([*arguments, "--html", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.endswith("none: No such file or directory\n")
    (tmp_path / "latin").write_bytes("<p>é".encode("latin-1"))
    assert send.main([*arguments, "--html", str(tmp_path / "latin")]) == 2
    assert "must be in UTF-8" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        send.main(["--from", "a@b.test"])


def test_send_as_it_is(api: FakeApi, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    refused = [{"address": "x@y.test", "reply": "550 5.1.1 no"}]
    api.answers["POST /v1/messages"] = 201, {"id": "A1", "url": "", "refused": refused}
    (tmp_path / "letter").write_bytes(b"Subject: x\n\n")
    assert (
        send.main(["--raw", str(tmp_path / "letter"), "--from", "a@b.test", "--to", "x@y.test", "--to", "c@d.test"])
        == 1
    )
    path = "POST /v1/messages?from=a%40b.test&to=x%40y.test&to=c%40d.test"
    assert api.asked == [(path, b"Subject: x\n\n")]
    assert api.headers[0]["Content-Type"] == "message/rfc822"
    assert capsys.readouterr().err == "x@y.test: 550 5.1.1 no\n"


def test_of_a_world(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers["GET /v1/messages"] = 200, {"messages": [message()], "next": None, "total": 1, "unread": 1}
    assert messages.main(["--world", "shop"]) == 0
    assert messages.main([]) == 0
    monkeypatch.setenv("POSTROAD_URL", f"{api.url}/w/shop")
    api.answers["GET /w/shop/v1/messages"] = api.answers["GET /v1/messages"]
    assert messages.main([]) == 0
    assert [headers.get("Postroad-World") for headers in api.headers] == ["shop", None, None]
