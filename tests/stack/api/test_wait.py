"""`postroad wait` against an API with given answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from postroad_stack import wait
from tests.stack.api.conftest import message

if TYPE_CHECKING:
    from tests.stack.api.conftest import FakeApi


def test_found(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    second = message("B2", sender=None, subject=None, recipients=[{"address": "a@b.test"}, {"address": "c@d.test"}])
    api.answers["POST /v1/wait"] = 200, {"messages": [message(), second], "cursor": 7}
    assert wait.main(["--recipient", "customer@example.com"]) == 0
    assert api.asked == [("POST /v1/wait", {"recipient": "customer@example.com", "timeout": 10.0})]
    assert capsys.readouterr().out.splitlines() == [
        "ID  STATE     FROM                  TO                    SUBJECT",
        "A1  captured  noreply@shop.example  customer@example.com  Your order",
        "B2  captured  <>                    a@b.test +1",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--sender", "", "--to", "a@b", "--from", "c@d"], {"sender": "", "to": "a@b", "from": "c@d"}),
        (
            ["--subject", "x", "--body", "y", "--attachment", "*.pdf"],
            {"subject": "x", "body": "y", "attachment": "*.pdf"},
        ),
        (["--regex", "x+", "--query", "is:unread", "--id", "A"], {"regex": "x+", "query": "is:unread", "id": "A"}),
        (
            ["--header", "X-A: b:c", "--header", "X-B"],
            {"header": [{"name": "X-A", "value": "b:c"}, {"name": "X-B", "value": ""}]},
        ),
        (["--after", "12", "--reports"], {"after": 12, "reports": True}),
        (["--after", "6612935028226"], {"after": "6612935028226"}),
        (["--after", "1795679398492724"], {"after": 1795679398492724}),
        (["--after", "A1b", "--accepted"], {"after": "A1b", "settled": False}),
        (["--exactly", "2"], {"mode": {"exactly": 2}}),
        (["--at-least", "3"], {"mode": {"at_least": 3}}),
        (["--none", "--timeout", "0.5"], {"mode": {"none": True}, "timeout": 0.5}),
    ],
)
def test_criteria(api: FakeApi, arguments: list[str], expected: dict[str, Any]) -> None:
    api.answers["POST /v1/wait"] = 200, {"messages": [], "cursor": 7}
    assert wait.main(arguments) == 0
    assert api.asked[0][1] == {"timeout": 10.0} | expected


@pytest.mark.parametrize(
    ("piece", "printed"),
    [
        ("id", "A1\n"),
        ("subject", "Your order\n"),
        ("code", "123456\n"),
        ("link", "https://shop.example/a\n"),
        ("text", "Hello\x1b\nthere\n"),
        ("html", "<p>Hello</p>\n"),
        ("cursor", "7\n"),
    ],
)
def test_pieces(api: FakeApi, capsys: pytest.CaptureFixture[str], piece: str, printed: str) -> None:
    api.answers["POST /v1/wait"] = 200, {"messages": [message()], "cursor": 7}
    assert wait.main(["--print", piece]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "the content of A1 is gone\n"), ({"links": [], "codes": []}, "A1 has no code\n")],
)
def test_no_such_piece(
    api: FakeApi, capsys: pytest.CaptureFixture[str], content: dict[str, Any] | None, said: str
) -> None:
    api.answers["POST /v1/wait"] = 200, {"messages": [message(content=content)], "cursor": 7}
    assert wait.main(["--print", "code"]) == 1
    assert capsys.readouterr().err == said


def test_time_is_over(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {
        "detail": "at least 1 should match, but within 10 s 0 did.",
        "near_misses": [
            {"message": message(subject="Your \u202eorder"), "met": ["recipient"], "missed": ["subject", "body"]}
        ],
        "under_way": [
            {"id": "C3", "recipient": "x@y.test", "state": "deferred", "detail": "deferred by mx: 451 later"}
        ],
        "arrived": [message(), message("B2")],
    }
    api.answers["POST /v1/wait"] = 408, problem
    assert wait.main([]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "at least 1 should match, but within 10 s 0 did.",
        "Came close:",
        "  ID  STATE     FROM                  TO                    SUBJECT           BUT NOT",
        "  A1  captured  noreply@shop.example  customer@example.com  Your \\u202eorder  subject, body",
        "Still under way:",
        "  ID  TO        WHY",
        "  C3  x@y.test  deferred by mx: 451 later",
        "Came meanwhile:",
        "  ID  STATE     FROM                  TO                    SUBJECT",
        "  B2  captured  noreply@shop.example  customer@example.com  Your order",
    ]
    assert wait.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out) == problem
    api.answers["POST /v1/wait"] = 409, {"detail": "exactly 1 should match, but 2 do."}
    assert wait.main([]) == 1
    assert capsys.readouterr().err == "exactly 1 should match, but 2 do.\n"


def test_as_json(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"messages": [message()], "cursor": 7}
    api.answers["POST /v1/wait"] = 200, answer
    assert wait.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out) == answer


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ((422, {"detail": "x", "errors": [{"field": "regex", "detail": "is none"}]}), 2, "regex is none\n"),
        ((400, {"title": "No JSON"}), 2, "No JSON\n"),
        ((401, b"Unauthorized.\n"), 3, "the API wants a password: --url http://user:password@host:port"),
        ((503, {"detail": "relay can't be reached"}), 3, "relay can't be reached\n"),
        ((500, None), 3, "the API answers 500\n"),
    ],
)
def test_what_the_api_refuses(
    api: FakeApi, capsys: pytest.CaptureFixture[str], answer: tuple[int, Any], status: int, said: str
) -> None:
    api.answers["POST /v1/wait"] = answer
    assert wait.main(["--timeout", "0.1"]) == status
    assert capsys.readouterr().err.startswith(said)


def test_a_service_that_starts_is_asked_again(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers["POST /v1/wait"] = 503, {"detail": "relay can't be reached"}
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        api.answers["POST /v1/wait"] = 200, {"messages": [], "cursor": 0}

    monkeypatch.setattr("postroad_stack.wait.time.sleep", nap)
    assert wait.main(["--none"]) == 0
    (_, first), (_, second) = api.asked
    assert naps == [0.5]
    assert 8 < second["timeout"] < first["timeout"] == 10


def test_where_the_api_is(api: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["POST /v1/wait"] = 200, {"messages": [], "cursor": 0}
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert wait.main([]) == 0
    assert api.headers[-1]["Host"].startswith("localhost:")
    monkeypatch.setenv("POSTROAD_WEB_AUTH", "me:s%cret")
    assert wait.main([]) == 0
    assert api.headers[-1]["Authorization"] == "Basic bWU6cyVjcmV0"
    assert wait.main(["--url", api.url.replace("http://", "you:other@") + "/"]) == 0
    assert api.headers[-1]["Authorization"] == "Basic eW91Om90aGVy"
    assert wait.main(["--url", "http://[::1]:1", "--timeout", "0.1"]) == 3
    assert capsys.readouterr().err.startswith("the API at http://[::1]:1 can't be asked: ")
    monkeypatch.setenv("POSTROAD_WEB_PORT", "x")
    assert wait.main([]) == 2
    with pytest.raises(SystemExit, match="2"):
        wait.main(["--none", "--exactly", "1"])


def test_the_api_that_the_environment_names(
    api: FakeApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROAD_WEB_PORT", "1")
    monkeypatch.setenv("POSTROAD_URL", api.url)
    api.answers["POST /v1/wait"] = (200, {"messages": [], "cursor": 7})
    assert wait.main(["--none"]) == 0
    assert capsys.readouterr().err == ""
