"""Messages, users and the configuration as GreenMail's JSON has them."""

from __future__ import annotations

from typing import Any

import pytest

from postroad.greenmail import read_options
from postroad_web.greenmail import shapes

RICH = (
    b"Message-ID: <1@a>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Content-Type: text/html;\r\n charset=utf-8\r\n\r\nx\r\n"
)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (
            RICH,
            {
                "Message-ID": "<1@a>",
                "messageId": "<1@a>",
                "subject": "Grüße",
                "contentType": "text/html; charset=utf-8",
            },
        ),
        (
            b"Subject: first\r\nSubject: second\r\n\r\n\xff",
            {"Message-ID": None, "messageId": None, "subject": "first", "contentType": "text/plain"},
        ),
        (b"\nSubject: body\n\n", {"Message-ID": None, "messageId": None, "subject": None, "contentType": "text/plain"}),
        (b"", {"Message-ID": None, "messageId": None, "subject": None, "contentType": "text/plain"}),
    ],
)
def test_a_message(content: bytes, shown: dict[str, Any]) -> None:
    message = shapes.message(7, content)
    assert [*message] == ["uid", "Message-ID", "messageId", "subject", "contentType", "mimeMessage"]
    assert message.pop("uid") == "7"
    assert message.pop("mimeMessage").startswith(content[:-1].decode())
    assert message == shown


def test_users_and_sentences() -> None:
    entry = {"login": "bob", "email": "bob@beta.test", "account": "bob@beta.test"}
    assert shapes.user(entry) == {"login": "bob", "email": "bob@beta.test"}
    assert shapes.said("Purged mails") == {"message": "Purged mails"}


def test_the_configuration() -> None:
    options = "-Dgreenmail.setup.test.imaps -Dgreenmail.auth.disabled"
    assert shapes.configuration(read_options(options), "127.0.0.1") == {
        "serverSetups": [
            {
                "port": 3993,
                "address": "127.0.0.1",
                "protocol": "imaps",
                "isSecure": True,
                "readTimeout": -1,
                "writeTimeout": -1,
                "connectionTimeout": -1,
                "serverStartupTimeout": 2000,
                "isDynamicPort": False,
            }
        ],
        "authenticationDisabled": True,
        "sieveIgnoreDetail": False,
        "preloadDirectory": None,
    }
    every = shapes.configuration(read_options(""), "0.0.0.0")
    assert [setup["port"] for setup in every["serverSetups"]] == [3025, 3465, 3110, 3995, 3143, 3993]
    assert every["preloadDirectory"] is None
    loaded = shapes.configuration(read_options("-Dgreenmail.preload.dir=/mail"), "0.0.0.0")
    assert loaded["preloadDirectory"] == "/mail"
    assert shapes.configuration(None, "127.0.0.1") == {
        "serverSetups": [],
        "authenticationDisabled": False,
        "sieveIgnoreDetail": False,
        "preloadDirectory": None,
    }
