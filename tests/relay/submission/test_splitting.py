from __future__ import annotations

import pytest

from postroad.mail.address import parse_address
from postroad.mail.envelope import Envelope, Recipient
from postroad.world.layers import Layers
from postroad.world.overlay import read_overlay
from postroad_relay.submission.splitting import by_world
from tests.common.world.test_layers import BASE
from tests.harness.worlds import definition

LAYERS = Layers(BASE, [read_overlay(definition(ident), BASE) for ident in ("one", "two")])


def envelope(*recipients: str) -> Envelope:
    return Envelope(None, tuple(Recipient(parse_address(recipient)) for recipient in recipients))


def split(layers: Layers, decided: str | None, *recipients: str) -> list[tuple[str | None, list[str]]]:
    return [
        (part.world, [str(recipient.address) for recipient in part.recipients])
        for part in by_world(layers, decided, envelope(*recipients))
    ]


@pytest.mark.parametrize(
    ("decided", "recipients", "parts"),
    [
        (None, ["alice@alpha.test", "bob@BETA.test"], [(None, ["alice@alpha.test", "bob@BETA.test"])]),
        (None, ["alice@alpha.test", "x@y.example"], [("default", ["alice@alpha.test", "x@y.example"])]),
        (None, ["a@one.test", "b@ONE.test"], [("one", ["a@one.test", "b@ONE.test"])]),
        (
            None,
            ["a@one.test", "alice@alpha.test", "b@two.test", "c@one.test"],
            [("one", ["a@one.test", "c@one.test"]), (None, ["alice@alpha.test"]), ("two", ["b@two.test"])],
        ),
        ("one", ["alice@alpha.test", "b@two.test"], [("one", ["alice@alpha.test", "b@two.test"])]),
        ("default", ["alice@alpha.test"], [(None, ["alice@alpha.test"])]),
        ("default", ["alice@alpha.test", "b@two.test"], [("default", ["alice@alpha.test", "b@two.test"])]),
    ],
)
def test_a_message_is_split_by_world(
    decided: str | None, recipients: list[str], parts: list[tuple[str | None, list[str]]]
) -> None:
    assert split(LAYERS, decided, *recipients) == parts


@pytest.mark.parametrize("decided", [None, "default"])
def test_a_strangers_domain_that_becomes_a_worlds_changes_nothing(decided: str | None) -> None:
    assert split(Layers(BASE), decided, "b@two.test") == [("default", ["b@two.test"])]
    assert split(Layers(BASE), decided, "alice@alpha.test") == [(None, ["alice@alpha.test"])]
