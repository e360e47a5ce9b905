"""Where mail goes that a world sends to strangers: into its capture box, whoever the stranger is. Pure.

The name server has one Internet for all worlds, so it would lead to the stranger's own servers: as another world's
records have it, or to a host of the world file's that is none of ours. The store has the capture boxes, so it gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.config import Outside
from postroad.smtp.client.outcome import Failed, failed
from postroad.world.world import MX, Role
from postroad_relay.delivery.routing import Route, Target

if TYPE_CHECKING:
    from postroad.world.layers import Layers

_PREFERENCE = 10


def stranger_route(layers: Layers, world: str | None, domain: str, outside: Outside) -> Route | Failed | None:
    """Return the route to a domain (a `domain_key`) that is a stranger's to the world of a message.

    None: it is the world's own, or the file's mail to a domain that no overlay has, which goes as DNS says. `world` is
    None where the domains of the recipients have said which world it is.
    """
    own = None if world is None else layers.world(world)
    # An address literal is in no domain, and submission lets none out of the private network.
    if own is None or layers.world_of_domain(domain) is own or domain.startswith("["):
        return None
    if outside is not Outside.CAPTURE:
        return failed("5.1.2", f"Domain {domain} does not exist in the world {world}")
    store = layers.base.host_of(Role.STORE)
    return Route((Target(store.name, store.address),), (MX(_PREFERENCE, store.name),))
