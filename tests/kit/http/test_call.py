"""A request's target, header and body, and what its answer means."""

from __future__ import annotations

import pytest

from postroad_kit.errors import NotArrived, Refused, TooMany
from postroad_kit.http.call import TIMEOUT, Call, Place, expecting, segment


def test_a_request() -> None:
    call = Call("GET", "/v1/a", dict, query={"a": None, "b": 1, "c": ["x", "y z"]}, patience=2.0)
    assert call.target == "/v1/a?b=1&c=x&c=y+z"
    plain = Call("GET", "/v1/a", dict)
    assert (plain.target, plain.timeout, plain.body()) == ("/v1/a", 30.0, (None, "application/json"))
    assert (plain.again, plain.octets, plain.errors) == (True, False, {})
    assert call.timeout == TIMEOUT + 2
    assert call.body() == (None, "application/json")
    assert Call("POST", "/v1/a", dict, {"a": 1}).body() == (b'{"a": 1}', "application/json")
    assert Call("POST", "/v1/a", dict, message=b"A: b\r\n").body() == (b"A: b\r\n", "message/rfc822")
    assert segment("a/b@c") == "a%2Fb%40c"


def test_an_answer() -> None:
    assert Call("GET", "/", lambda answer: answer).result(200, b'{"a": 1}') == {"a": 1}
    assert Call("DELETE", "/", lambda answer: answer).result(204, b"") is None
    assert Call("GET", "/", bytes, octets=True).result(200, b"%PDF") == b"%PDF"


@pytest.mark.parametrize("octets", [b"", b"[]", b"<html>"])
def test_a_refusal_that_is_no_problem(octets: bytes) -> None:
    with pytest.raises(Refused) as caught:
        Call("GET", "/", dict).result(502, octets)
    assert (caught.value.status, caught.value.problem) == (502, {})


def test_an_expectation_that_is_not_met() -> None:
    call = expecting(Call("POST", "/v1/wait", dict))
    with pytest.raises(NotArrived, match="Time is over") as caught:
        call.result(408, b'{"title": "Time is over", "cursor": 4}')
    assert caught.value.problem["cursor"] == 4
    with pytest.raises(TooMany):
        call.result(409, b"{}")
    with pytest.raises(Refused):
        call.result(422, b"{}")


def test_a_place() -> None:
    place = Place.of("http://me:a%20b@[::1]:8025/mail/")
    assert place.url == "http://[::1]:8025/mail"
    assert place.headers("checkout", Call("POST", "/", dict, {})) == {
        "Host": "[::1]:8025",
        "Accept": "application/json",
        "Authorization": "Basic bWU6YSBi",
        "Postroad-World": "checkout",
        "Content-Type": "application/json",
        "Content-Length": "2",
    }
    plain = Place.of("localhost:8025")
    assert plain.headers(None, Call("POST", "/", dict)) == {
        "Host": "localhost:8025",
        "Accept": "application/json",
        "Content-Length": "0",
    }
    assert "Content-Length" not in plain.headers(None, Call("GET", "/", dict))
    assert Place.of("https://postroad.internal").port == 443
    assert Place.of("postroad").port == 80
    with pytest.raises(ValueError, match="ftp://x is no http or https URL"):
        Place.of("ftp://x")


@pytest.mark.parametrize("status", [200, 201, 299])
def test_what_is_good(status: int) -> None:
    assert Call("GET", "/", lambda answer: answer).result(status, b"[1]") == [1]


@pytest.mark.parametrize("status", [100, 199, 300, 304, 404, 500])
def test_what_is_not(status: int) -> None:
    with pytest.raises(Refused, match=f"answers {status}: Why"):
        Call("GET", "/", lambda answer: answer).result(status, b'{"title": "Why"}')


def test_an_expectation_that_is_not_met_is_told_line_by_line() -> None:
    call = expecting(Call("POST", "/v1/wait", dict))
    with pytest.raises(NotArrived) as caught:
        call.result(408, b'{"title": "Time is over", "under_way": [{"id": "1", "recipient": "a", "detail": "busy"}]}')
    assert str(caught.value) == "Time is over\nStill under way:\n  ID  TO  WHY\n  1   a   busy"


@pytest.mark.parametrize(
    ("method", "value", "length", "kind"),
    [
        ("GET", None, None, None),
        ("DELETE", None, None, None),
        ("POST", None, "0", None),
        ("PUT", None, "0", None),
        ("PATCH", None, "0", None),
        ("DELETE", [], "2", "application/json"),
        ("PUT", "é", "8", "application/json"),
    ],
)
def test_a_body_has_a_length_and_what_may_have_one_too(
    method: str, value: object, length: str | None, kind: str | None
) -> None:
    headers = Place.of("x").headers(None, Call(method, "/", dict, value))  # RFC 9110 §8.6
    assert (headers.get("Content-Length"), headers.get("Content-Type")) == (length, kind)
