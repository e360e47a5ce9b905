"""The store's journal: each event names the world of its account, where that is not the file's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.journal import Journal
from postroad.world.world import world_detail

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.clock import Clock
    from postroad.journal import Kind, Line
    from postroad.world.layers import Layers

_NAMES = ("account", "login", "recipient", "sender")  # details that say which world an event is of, the surest first


class Chronicle(Journal):
    """A journal that knows the worlds."""

    def __init__(self, directory: Path, layers: Layers, *, service: str, clock: Clock) -> None:
        self._layers = layers
        super().__init__(directory, service=service, clock=clock)

    def record(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> None:
        """Record an event, with its world."""
        super().record(kind, queue_id, message_id, **self._with_world(detail))

    def line(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> Line:
        """Return an event, with its world."""
        return super().line(kind, queue_id, message_id, **self._with_world(detail))

    def _with_world(self, detail: dict[str, Any]) -> dict[str, Any]:
        if self._layers.overlays and "world" not in detail:
            named = next((detail[name] for name in _NAMES if detail.get(name)), None)
            if named is not None:
                detail |= world_detail(self._layers.world_of_login(str(named)).id)
        return detail
