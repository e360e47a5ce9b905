"""The worlds of a mail transaction: a message that goes to several worlds is queued once for each. Pure.

The world is decided by the client's name, or by its port, for the whole transaction. Else each recipient's domain
decides, and addresses that no overlay has are the world file's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from postroad.mail.envelope import Envelope
    from postroad.world.layers import Layers


def by_world(layers: Layers, decided: str | None, envelope: Envelope) -> list[Envelope]:
    """Return an envelope for each world; its `world` is None where its recipients' domains say so anyway.

    `decided` is the world that the client or its port has decided, None if they have not.
    """
    if not layers.overlays:
        return [envelope]
    worlds: dict[str, list[int]] = {}
    for index, recipient in enumerate(envelope.recipients):
        worlds.setdefault(layers.world_of(recipient.address).id, []).append(index)
    if decided is not None:
        foreign = any(world != DEFAULT_WORLD for world in worlds)
        return [replace(envelope, world=decided) if decided != DEFAULT_WORLD or foreign else envelope]
    return [
        envelope.only(indexes) if world == DEFAULT_WORLD else replace(envelope.only(indexes), world=world)
        for world, indexes in worlds.items()
    ]
