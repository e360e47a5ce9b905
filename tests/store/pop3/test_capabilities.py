"""CAPA's lines, languages, and which messages need UTF-8."""

from __future__ import annotations

import re

import pytest

from postroad_store.pop3.capabilities import CAPABILITIES, CannotHide, Conditions, Offer, Policy
from postroad_store.pop3.commands import RULES, State
from postroad_store.pop3.languages import LANGUAGES, in_language, matching
from postroad_store.pop3.utf8 import needs_utf8

ALL = Conditions(
    State.AUTHORIZATION, secure=False, tls=True, private=True, mechanisms=("PLAIN", "X"), policy=Policy(3, 0.4)
)


def test_lines() -> None:
    assert Offer().lines(ALL) == [
        "TOP",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "EXPIRE 3",
        "LOGIN-DELAY 1",  # whole seconds, and never 0
        "STLS",
        "USER",
        "SASL PLAIN X",
        "UTF8 USER",
        "LANG",
        "IMPLEMENTATION Postroad",
    ]


@pytest.mark.parametrize("tag", [capability.tag for capability in CAPABILITIES])
def test_hidden(tag: str) -> None:
    offer = Offer([tag.lower()])
    (hidden,) = [capability for capability in CAPABILITIES if capability.tag == tag]
    assert not offer.offers(tag)
    assert offer.unknown == set(hidden.commands)
    assert not [line for line in offer.lines(ALL) if line.split()[0] == tag]
    assert offer.unknown <= set(RULES)


def test_every_capability_names_its_rfc() -> None:
    assert [
        capability.tag for capability in CAPABILITIES if not re.fullmatch(r"RFC \d{4} §\d+(\.\d+)?", capability.rfc)
    ] == []


def test_what_is_not_there_cannot_be_hidden() -> None:
    with pytest.raises(CannotHide, match="there is no POP3 capability X; these can be hidden: TOP, UIDL"):
        Offer(["x"])


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("*", "en"), ("en", "en"), ("EN-gb", "en"), ("de-AT-1996", "de"), ("fr", None), ("", None), ("d", None)],
)
def test_ranges(wanted: str, language: str | None) -> None:
    assert matching(wanted) == language
    assert language is None or language in LANGUAGES


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("+OK Logged in.", "+OK Angemeldet."),
        ("-ERR [AUTH] Authentication failed.", "-ERR [AUTH] Anmeldung fehlgeschlagen."),
        ("+OK 3 41", "+OK 3 41"),
        ("+OK", "+OK"),
        (".", "."),
    ],
)
def test_german(text: str, german: str) -> None:
    assert in_language("de", text) == german
    assert in_language("en", text) == text


@pytest.mark.parametrize(
    ("content", "needs"),
    [
        (b"", False),
        (b"Subject: x\r\n\r\n\xc3\xbc", False),
        ("Subject: ü\r\n\r\n".encode(), True),
        ("Subject: ü".encode(), True),
        (b"Subject: \xfc\r\n\r\n", False),  # Latin-1
        ("\r\nü\r\n\r\nx".encode(), False),  # no header section
    ],
)
def test_utf8(content: bytes, needs: bool) -> None:
    assert needs_utf8(content) is needs
