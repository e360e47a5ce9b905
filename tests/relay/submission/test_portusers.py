"""Who may log in at a port of a world, as the world is at that moment."""

from __future__ import annotations

from postroad.world.layers import Layers
from postroad.world.overlay import read_overlay
from postroad_relay.submission.portusers import PortUsers
from tests.harness.worlds import definition
from tests.relay.worlds import world


def test_users_are_those_of_the_world_as_it_is() -> None:
    base = world()
    layers = Layers(base, [read_overlay(definition("one"), base), read_overlay(definition("two"), base)])
    users = PortUsers(layers, "one")
    bob, app = users.account("BOB@one.test"), users.account("one")
    assert bob is not None
    assert app is not None
    assert (users.name(bob), users.name(app), app.secret) == (bob, "one", "app")
    for stranger in ("two", "bob@two.test", "alice@alpha.test", "one@[app]", "nobody@one.test", ""):
        assert users.account(stranger) is None
    layers.put(read_overlay(definition("one", accounts=["ann"]), base))
    assert users.account("bob@one.test") is None
    assert users.account("ann@one.test") is not None
    layers.drop("one")
    assert users.account("one") is None
