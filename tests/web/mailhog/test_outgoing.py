"""Releases by name, by host, with and without a login."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_web.mailhog.outgoing import Outgoing, UnknownError, outgoing_of, servers
from postroad_web.mailpit.gojson import BadJsonError, Struct

NAMED = servers("smtp://user:p%40ss@mail.example.org")


@pytest.mark.parametrize(
    ("setting", "server"),
    [
        ("smtp://mail.example.org", Outgoing(name="release", host="mail.example.org", port="25")),
        ("smtps://mail.example.org/", Outgoing(name="release", host="mail.example.org", port="465")),
        ("smtp://mail.example.org:2525", Outgoing(name="release", host="mail.example.org", port="2525")),
        (
            "smtp://user:p%40ss@mail.example.org",
            Outgoing(
                name="release",
                host="mail.example.org",
                port="587",
                username="user",
                password="p@ss",
                mechanism="PLAIN",
            ),
        ),
    ],
)
def test_the_server_of_the_setting(setting: str, server: Outgoing) -> None:
    assert servers(setting) == {"release": server}
    assert server.shape()["Password"] == ""


def test_there_may_be_none() -> None:
    assert servers("") == {}


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_what_is_asked_whatever_the_case(case: Any) -> None:
    asked = {case("Host"): "localhost", case("Port"): "25", case("Email"): "b@beta.test", "Save": True}
    outgoing = outgoing_of(Struct(asked), {})
    assert outgoing == Outgoing(save=True, email="b@beta.test", host="localhost", port="25")
    assert outgoing.url == "smtp://localhost:25"
    assert [*outgoing.shape()] == ["Name", "Save", "Email", "Host", "Port", "Username", "Password", "Mechanism"]


def test_urls() -> None:
    login: dict[str, Any] = {"username": "a@b", "password": "x/y:", "mechanism": "PLAIN"}
    assert Outgoing(host="::1", port="25", **login).url == "smtp://a%40b:x%2Fy%3A@[::1]:25"


def test_by_name() -> None:
    outgoing = outgoing_of(Struct({"Name": "release", "Email": "b@beta.test", "Host": "ignored"}), NAMED)
    assert (outgoing.host, outgoing.port, outgoing.password, outgoing.email) == (
        "mail.example.org",
        "587",
        "p@ss",
        "b@beta.test",
    )


def test_what_is_to_be_saved_is_as_it_was_asked_for() -> None:
    """Though there is a server of that name, or none."""
    for name in ("release", "other"):
        asked = {"Name": name, "Save": True, "Email": "b@beta.test", "Host": "mine", "Port": "26"}
        outgoing = outgoing_of(Struct(asked), NAMED)
        assert outgoing == Outgoing(name=name, save=True, email="b@beta.test", host="mine", port="26")


@pytest.mark.parametrize("asked", [{"Name": "other"}, {"Username": "a", "Mechanism": "LOGIN"}, {"Password": "a"}])
def test_what_there_is_not(asked: dict[str, Any]) -> None:
    with pytest.raises(UnknownError):
        outgoing_of(Struct(asked), NAMED)


def test_what_can_not_be_read() -> None:
    with pytest.raises(BadJsonError):
        outgoing_of(Struct({"Port": 25}), {})
