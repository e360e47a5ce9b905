"""What the parts of the API share: one object, made by the composition root, given to every `routes(services)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.world.world import World


class Door(Protocol):
    """What the API asks of a service's control door (`postroad.control.client.DoorClient`)."""

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON at the path."""
        ...

    async def post(self, path: str, value: Any = None, **query: Any) -> Any:
        """Send JSON, and return the answer's."""
        ...

    async def put(self, path: str, value: Any) -> Any:
        """Put JSON, and return the answer's."""
        ...

    async def delete(self, path: str, **query: Any) -> Any:
        """Delete what is at the path, and return the answer's JSON."""
        ...


@dataclass(slots=True)
class Services:
    """Everything that a request may need. `world` is replaced when the world's file has changed."""

    settings: Settings
    world: World
    clock: Clock
    catalog: Any
    relay: Any
    store: Any
    dns: Any
    ready: bool = False  # whether the catalog has caught up with the journals once

    def doors(self) -> Mapping[str, Any]:
        """Return the control doors by the service's name."""
        return {"dns": self.dns, "relay": self.relay, "store": self.store}
