"""The worlds of the relay's tests."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from postroad.world.source import parse_world

if TYPE_CHECKING:
    from postroad.world.world import World

TEXT = b"""
capture = "capture@postroad.test"

[hosts]
"ns.postroad.test" = { address = 53, role = "dns" }
"relay.postroad.test" = { address = 25, role = "relay" }
"mx.postroad.test" = { address = 143, role = "store" }

[domains."postroad.test"]
mx = ["10 mx.postroad.test"]
accounts = { postmaster = "postmaster", capture = "capture" }

[domains."alpha.test"]
mx = ["10 mx.postroad.test"]
catch-all = "carol@alpha.test"
accounts = { alice = "wonderland", carol = "rainbow" }
aliases = { info = "alice@alpha.test" }

[domains."beta.test"]
mx = ["10 mx.postroad.test"]
accounts = { bob = "builder", dave = "gravel" }
"""


def world(network: str = "127.0.0", text: bytes = TEXT) -> World:
    """The default world, in a network of three numbers."""
    return parse_world(text, IPv4Network(f"{network}.0/24"))
