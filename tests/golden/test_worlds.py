"""All that is said of worlds that are not valid, fault by fault; POSTROAD_GOLDEN=write writes the files anew."""

from __future__ import annotations

import json
import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.world.overlay import OverlayError, read_overlay
from postroad.world.source import WorldError, parse_world
from tests.common.world import test_overlay, test_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent / "worlds"
# A thing of each kind that is wrong, and then another: what is wrong with one hides nothing of the next.
ACCOUNTS: list[Any] = [
    "bob",
    {"password": "x"},
    {"name": "ann"},
    {"name": "a\u0000b", "password": "x"},
    {"name": "eve", "password": "x", "colour": "red"},
    {"name": "bob", "password": 1},
    {"name": "BOB", "password": "x"},
    {"name": "dan", "password": "x", "quota": {"storage": -1}},
    {"name": "fay", "password": "x", "quota": {"messages": "many", "size": 1}},
    {"name": "gus", "password": "x", "imap_without": ["a b", "IDLE", "c d"]},
    {"name": "hal", "password": "x", "sieve": 1},
    {"name": "ida", "password": "x", "append_limits": {"INBOX": "1X", "Sent": -1}},
    1,
]
DOMAINS: list[Any] = [
    1,
    {},
    {"name": "a b"},
    {"name": "one.test", "colour": "red"},
    {"name": "ONE.test"},
    {"name": "2.1.127.in-addr.arpa"},
    {"name": "two.test", "accounts": ACCOUNTS},
    {
        "name": "three.test",
        "aliases": {"a": 3, "b": [], "c": "x@y", "d": ["nobody"], "a..b": "d", "e": [1, "d@e.test"]},
    },
    {"name": "four.test", "records": ["www A x", "www A 127.1.2.9", "@ SOA . . 1 2 3 4 5", 5], "catch_all": 1},
    {"name": "five.test", "imap_without": 1, "accounts": {}, "aliases": [], "records": "x", "catch_all": "nobody"},
    "last",
]
WHOLE = {
    "id": "-",
    "owner": None,
    "app": {"user": 1, "colour": "red"},
    "capture": {"login": "a@six.test", "colour": "red"},
    "imap_without": ["a b", "c d"],
    "quota": {"storage": True, "messages": -1},
    "domains": DOMAINS,
    "ports": [0, 65536],
    "colour": "red",
}
FILE = """\
administrators = ["ann@x.test", "no address", "nobody@x.test"]
capture = "nobody@x.test"
colour = "red"
[hosts]
first = 1
"bad host.x.test" = { address = 1 }
"a.x.test" = { colour = "red" }
"b.x.test" = { address = 5, role = "dns" }
"B.x.test" = { address = 6, role = "dns" }
"c.x.test" = { address = 5, role = "web" }
"d.x.test" = { address = 255 }
"e.x.test" = { address = true }
"f.x.test" = { address = "127.0.0.255" }
"g.x.test" = { address = "127.0.0.0" }
"h.x.test" = { address = "10.0.0.1" }
"i.y.test" = { address = 9, role = "store" }
last = 2
[domains]
"bad domain" = {}
first = 1
"0.0.127.in-addr.arpa" = {}
"x.test" = { mx = ["x", "65536 b.x.test", "1 .", "1 z", "2 a b", "3 b.x.test", "4 b.x.test", "5 nowhere.test"] }
"X.test" = {}
"z.test" = { accounts = { a = 1, "b@" = "", A = "x", c = { colour = "red" } }, aliases = { a = "c", d = [] } }
last = { colour = "red" }
"""


def overlays() -> Iterator[tuple[str, list[str]]]:
    for written in (*(written for written, _, _ in test_overlay.BAD), WHOLE):
        with pytest.raises(OverlayError) as error:
            read_overlay(written, test_overlay.BASE)
        faults = error.value.faults
        lines = ["" if fault.line is None else f" (line {fault.line})" for fault in faults]
        yield (
            json.dumps(written),
            [f"{one.field}{line}: {one.sentence}" for one, line in zip(faults, lines, strict=True)],
        )


def files() -> Iterator[tuple[str, list[str]]]:
    for text in (*(text for text, *_ in test_source.BAD), FILE):
        whole = test_source.HOSTS + text if text.startswith("\n") else text
        with pytest.raises(WorldError) as error:
            parse_world(whole.encode(), IPv4Network("127.0.0.0/24"))
        yield json.dumps(text), list(error.value.errors)


@pytest.mark.parametrize(("name", "made"), [("overlays", overlays), ("files", files)])
def test_what_is_said_of_worlds_that_are_not_valid(
    name: str, made: Callable[[], Iterator[tuple[str, list[str]]]]
) -> None:
    golden = HERE / f"{name}.txt"
    text = "\n".join(f"{written}\n" + "".join(f"    {fault}\n" for fault in faults) for written, faults in made())
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
