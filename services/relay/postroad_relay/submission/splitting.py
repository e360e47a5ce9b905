"""The worlds of a mail transaction: a message that goes to several worlds is queued once for each. Pure.

The world is decided by the client's name, or by its port, for the whole transaction. Else each recipient's domain
decides, and addresses that no overlay has are the world file's. A stranger's domain may become a world's before the
message is delivered; it stays the world file's mail all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from postroad.mail.envelope import Envelope
    from postroad.world.layers import Layers


def by_world(layers: Layers, decided: str | None, envelope: Envelope) -> list[Envelope]:
    """Return an envelope for each world; its `world` is None where its recipients' domains say so, now and later.

    `decided` is the world that the client or its port has decided, None if they have not.
    """
    if decided is not None or not layers.overlays:
        return [_of(layers, decided or DEFAULT_WORLD, envelope)]
    worlds: dict[str, list[int]] = {}
    for index, recipient in enumerate(envelope.recipients):
        worlds.setdefault(layers.world_of(recipient.address).id, []).append(index)
    return [_of(layers, world, envelope.only(indexes)) for world, indexes in worlds.items()]


def _of(layers: Layers, world: str, envelope: Envelope) -> Envelope:
    """Return the envelope as one of this world."""
    if world == DEFAULT_WORLD and all(layers.base.domain_of(each.address) for each in envelope.recipients):
        return envelope
    return replace(envelope, world=world)
