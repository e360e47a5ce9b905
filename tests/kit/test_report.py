"""What a failing test prints of its world, as far as it can be had."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from postroad_kit import Postroad, report
from tests.harness.stack import Port, Stack
from tests.kit.http.scripted import ok
from tests.kit.samples import message, recipient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_kit import World
    from tests.kit.http.scripted import Scripted


QUIET = ok(b'{"cursor": 0}')


@pytest.fixture
def world(native: Stack) -> Iterator[World]:
    host, port = native.endpoint(Port.WEB)
    with Postroad(f"http://{host}:{port}") as postroad:
        yield postroad.default


def test_all_of_it(native: Stack, world: World) -> None:
    user = native.fresh_user()
    bob = world.account(user.address, password=user.password)
    with world.smtp() as client:
        client.sendmail("app@shop.test", [bob.address], b"Subject: Welcome\r\n\r\nHi.\r\n")
    mail = bob.wait()
    with bob.imap() as imap:
        imap.select("INBOX")
    told = dict(report.sections(world))
    row = rf"{mail.id} +delivered +app@shop\.test +{re.escape(bob.address)} +Welcome"
    assert re.search(row, told["Postroad: what arrived in the world default"])
    # The app's session; the relay's with the store may have begun long before.
    assert "C: mail FROM:<app@shop.test>" in told["Postroad: sessions"]
    assert user.password not in told["Postroad: sessions"]
    assert mail.id in told["Postroad: road"]
    assert told["Postroad: look at it"] == world.console_url
    assert "-- Postroad: road\n" in report.described(world)
    sessions = [session for session in world.sessions(protocol="smtp") if mail.id in session.messages]
    (session,) = (session for session in sessions if session.service == "relay" and not session.outbound)
    assert [line.text for line in session.lines if line.sender == "client"][-1] == "QUIT"
    assert "C: mail FROM:<app@shop.test>" in world.dialogue(session)


def test_it_has_what_the_app_sent_just_now(native: Stack) -> None:
    """The app's 250 may be faster than the journals, by which the list is made."""
    host, port = native.endpoint(Port.WEB)
    for _ in range(20):
        with Postroad(f"http://{host}:{port}") as postroad, postroad.world(accounts=["bob"]) as world:
            world.smtp().sendmail("app@shop.test", [world.address("bob")], b"Subject: Welcome\r\n\r\nHi.\r\n")
            (_, arrived), *_ = report.sections(world)
            assert re.search(r"delivered +app@shop\.test +bob@", arrived)


def test_what_can_not_be_had(server: Scripted) -> None:
    many = [message(f"A{number}") for number in range(report.MESSAGES + 2)]
    many[0] |= {"recipients": [recipient(state="failed", reason="550 5.1.1 nobody\x1b")]}
    page = ok(json.dumps({"messages": many, "next": None}).encode())
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
    places = ok(b'{"endpoints": {}, "ca": null}')
    server.answers = [[places, QUIET, page, *[refusal] * (1 + report.ROADS)]]
    with Postroad(server.url) as postroad:
        told = [text for _, text in report.sections(postroad.default)]
    assert "and 2 earlier ones" in told[0]
    assert told[0].endswith("A0 to bob@shop.test: 550 5.1.1 nobody\\x1b")
    assert told[1] == "(it can't be told: Postroad answers 404: it does not say why)"
    assert told[2].splitlines() == [told[1]] * report.ROADS


def test_nothing_has_arrived(server: Scripted) -> None:
    page, none = ok(b'{"messages": [], "next": null}'), ok(b'{"sessions": [], "next": null}')
    server.answers = [[ok(b'{"endpoints": {}, "ca": null}'), QUIET, page, none]]
    with Postroad(server.url) as postroad:
        told = report.described(postroad.default)
    assert told.startswith("-- Postroad: what arrived in the world default\nNothing has arrived.\n-- Postroad: look at")


def test_a_long_text_is_cut() -> None:
    assert report._cut("a\n" * 50).splitlines()[-1] == "  … 11 more lines"
