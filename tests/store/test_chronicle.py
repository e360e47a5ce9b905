from __future__ import annotations

import json
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.world.layers import Layers
from postroad.world.overlay import read_overlay
from postroad_store.chronicle import Chronicle
from tests.common.world.test_layers import BASE
from tests.harness.worlds import definition

if TYPE_CHECKING:
    from pathlib import Path


def test_an_event_names_the_world_of_its_account(tmp_path: Path) -> None:
    layers = Layers(BASE)
    journal = Chronicle(tmp_path, layers, service="store", clock=Clock())
    journal.record(Kind.STORED, account="bob@shop.test")
    layers.put(read_overlay(definition("shop"), BASE))
    journal.record(Kind.STORED, account="bob@shop.test")
    journal.record(Kind.STORED, account="alice@alpha.test")
    journal.record(Kind.REFUSED, sender="x@y.test", recipient="bob@shop.test", login=None)
    journal.record(Kind.REFUSED, peer="127.0.0.1")
    journal.record(Kind.REFUSED, recipient="bob@shop.test", world="other")
    journal.close()
    worlds = [json.loads(line).get("world") for line in journal.path.read_text().splitlines()]
    assert worlds == [None, "shop", None, "shop", None, "other"]
