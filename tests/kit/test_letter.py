"""What a test reads from a message: exactly one link, code or attachment, or a failure that lists what is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from postroad_kit.errors import NotOne
from postroad_kit.letter import Attachment, Letter
from postroad_kit.reading import fields_of
from tests.kit.samples import code, letter, link, message, part

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIRM = link("https://shop.test/confirm?a=1", "Confirm your address")
HELP = link("https://shop.test/help", "Help")
STOP = link("https://shop.test/stop", "Unsubscribe", "unsubscribe")


def test_a_letter_is_what_the_api_says() -> None:
    headers = [{"name": "X-Order", "value": "7"}, {"name": "Subject", "value": "Welcome"}]
    got = letter(text="One\r\ntwo\r\n", html="<p>\r\n", headers=headers)
    assert (got.text, got.html) == ("One\ntwo\n", "<p>\n")
    assert got.header("x-order") == "7"
    assert got.header("X-None") is None
    assert got.headers() == ("7", "Welcome")
    assert got.recipients[0].state == "delivered"
    assert got.copies[0].mailbox == "INBOX"
    assert got.arrived.isoformat() == "2026-11-26T12:00:00+00:00"
    assert got.date is None
    assert repr(got) == "<Letter 4F1A9C 'Welcome' to bob@shop.test, delivered>"


def test_a_message_whose_content_is_not_there() -> None:
    gone = Letter(**fields_of(message(content=None, subject=None, date="2026-11-26T12:00:00.000Z")))
    assert gone.text == gone.subject == ""
    assert [gone.links, gone.codes, gone.files] == [(), (), ()]
    assert gone.date == gone.arrived
    with pytest.raises(NotOne, match="“” has no one-time code; it has: nothing of its content, which is in no mailbox"):
        gone.code()


@pytest.mark.parametrize(
    ("links", "asked", "url"),
    [
        ([CONFIRM, HELP], {"text": "confirm"}, CONFIRM["url"]),
        ([CONFIRM, HELP], {"url": "/HELP"}, HELP["url"]),
        ([CONFIRM, HELP], {"text": "help", "url": "shop"}, HELP["url"]),
        ([CONFIRM, STOP], {}, CONFIRM["url"]),
        ([CONFIRM, STOP], {"text": "unsub"}, STOP["url"]),
        ([CONFIRM, CONFIRM | {"text": "or here"}], {}, CONFIRM["url"]),
    ],
)
def test_the_one_link(links: list[Any], asked: dict[str, str], url: str) -> None:
    assert letter(links=links).link(**asked) == url


@pytest.mark.parametrize(
    ("links", "asked", "said"),
    [
        ([], {}, "“Welcome” has no link; it has: nothing"),
        (
            [CONFIRM, HELP],
            {},
            "“Welcome” has 2 links, where one is expected; it has:\n  'Confirm your address' → https",
        ),
        ([CONFIRM], {"text": "Nope"}, "no link with the text “Nope”; it has:\n  'Confirm"),
        ([CONFIRM], {"url": "nope"}, "no link with “nope” in its URL; it has:"),
    ],
)
def test_no_one_link(links: list[Any], asked: dict[str, str], said: str) -> None:
    with pytest.raises(NotOne, match=re.escape(said)):
        letter(links=links).link(**asked)


def test_the_one_code() -> None:
    assert letter(codes=[code("482913", 95)]).code() == "482913"
    assert letter(codes=[code("482913", 95), code("1234", 75)]).code() == "482913"
    with pytest.raises(
        NotOne,
        match=r"2 one-time codes, where one is expected; it has:\n  482913 \(95 of 100: follows “code”\)\n  1234",
    ):
        letter(codes=[code("482913", 95), code("1234", 76)]).code()
    with pytest.raises(NotOne, match="no one-time code; it has: nothing"):
        letter().code()


def test_the_one_attachment() -> None:
    two = letter(attachments=[part("Invoice.PDF"), part("terms.txt", "3")])
    assert two.file("*.pdf").part_id == "2"
    assert two.file("terms.*").filename == "terms.txt"
    with pytest.raises(
        NotOne, match=r"2 attachments, where one is expected; it has:\n  Invoice.PDF \(application/pdf, 4 octets\)\n"
    ):
        two.file()


def test_unsubscribing() -> None:
    told = {"links": ["mailto:stop@shop.test", "https://shop.test/stop"], "one_click": True, "errors": []}
    assert letter(list_unsubscribe=told).unsubscribe_link() == "https://shop.test/stop"
    assert letter(list_unsubscribe=told).unsubscribe_link(one_click=True) == "https://shop.test/stop"
    plain = told | {"links": ["ftp://shop.test/stop", "HTTP://shop.test/stop"]}
    assert letter(list_unsubscribe=plain).unsubscribe_link() == "HTTP://shop.test/stop"
    with pytest.raises(NotOne, match="no one-click link"):  # RFC 8058 §3.1: it is an https one
        letter(list_unsubscribe=plain).unsubscribe_link(one_click=True)
    poor = told | {"one_click": False, "errors": ["List-Unsubscribe-Post must be so"]}
    with pytest.raises(
        NotOne, match=r"no one-click link in List-Unsubscribe; it has:\n  mailto:.*\n  https.*\n  List-Uns"
    ):
        letter(list_unsubscribe=poor).unsubscribe_link(one_click=True)
    with pytest.raises(NotOne, match="no web link in List-Unsubscribe"):
        letter().unsubscribe_link()


def test_an_attachment_is_shown_without_its_content() -> None:
    shown = repr(Attachment("2", "a.pdf", "application/pdf", "", 4, "ab", b"%PDF"))
    assert "a.pdf" in shown
    assert "%PDF" not in shown


@pytest.mark.parametrize(
    "ask", [Letter.link, Letter.code, Letter.file, Letter.unsubscribe_link], ids=lambda method: method.__name__
)
def test_pytest_shows_the_line_of_the_test_and_not_ours(ask: Callable[[Letter], object]) -> None:
    with pytest.raises(NotOne) as caught:
        ask(letter())
    assert [str(entry.path) for entry in caught.traceback.filter(caught)] == [__file__]
