"""An event that the journal has to record, or has recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.jsontext import to_json

if TYPE_CHECKING:
    from postroad.journal.kinds import Kind

Line: TypeAlias = tuple[float, bytes]  # when an event was, and the end of its line (`Note.line`)

_OWN = frozenset({"n", "time", "service"})  # what stands in front of each event


class Note:
    """An event: `at` is when it happened, in seconds since the epoch. `detail` must not change afterwards.

    `world` is whose it is, if that is known: where the detail does not say it, the events before it do.
    """

    __slots__ = ("_line", "at", "detail", "kind", "message_id", "queue_id", "world")

    def __init__(
        self,
        at: float,
        kind: Kind,
        queue_id: str | None,
        message_id: str | None,
        detail: dict[str, Any],
        *,
        world: str | None = None,
    ) -> None:
        self.at = at
        self.kind = kind
        self.queue_id = queue_id
        self.message_id = message_id
        self.detail = detail
        self.world: str | None = world or detail.get("world")
        self._line: bytes | None = None

    @property
    def line(self) -> bytes:
        """The end of its line, behind number, time and service; empty if a value can't be written."""
        if self._line is None:
            own: dict[str, Any] = {"kind": self.kind}
            if self.queue_id is not None:
                own["queue_id"] = self.queue_id
            if self.message_id is not None:
                own["message_id"] = self.message_id
            detail = self.detail
            if not detail.keys().isdisjoint(_OWN):
                detail = {name: value for name, value in detail.items() if name not in _OWN}
            try:
                # No detail takes the place of what is the event's own.
                self._line = b",%b\n" % to_json(own | detail | own)[1:]
            except Exception:  # noqa: BLE001 - a value whose str() fails must not fail mail
                self._line = b""
        return self._line
