"""All commands of the server, and what is derived from their Specs: parsers, legality, handlers, CAPABILITY, switches.

A new command is one module in `commands/` and one line in `MODULES`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad_store.imap.spec import Capability, Conditions, Handler, Spec
    from postroad_store.imap.states import State
    from postroad_store.protocol.contract import Event

MODULES: tuple[tuple[Spec, ...], ...] = ()


class Registry:
    """The commands that a server offers."""

    __slots__ = ("_offered", "by_name", "handlers")

    def __init__(self, specs: Iterable[Spec]) -> None:
        by_name: dict[bytes, Spec] = {}
        handlers: dict[type[Event], Handler] = {}
        offered: dict[Capability, None] = {}
        for spec in specs:
            by_name[spec.name] = spec
            handlers |= {spec.event: spec.handle, **spec.follow}
            offered |= dict.fromkeys(chain([spec.capability] if spec.capability else [], spec.extensions))
        self.by_name: Mapping[bytes, Spec] = by_name
        self.handlers: Mapping[type[Event], Handler] = handlers
        self._offered = tuple(offered)

    def refusal(self, name: bytes, state: State) -> str | None:
        """Return the text of the BAD that a command gets in a state, or None where it is legal there."""
        spec = self.by_name.get(name)
        if spec is None:
            return f"Error in IMAP command {name.decode('ascii')}: Unknown command"
        return None if state in spec.states else "Not in this state"

    def offers(self, capability: Capability) -> bool:
        """Whether the operator has not hidden a capability."""
        return capability in self._offered

    def capabilities(self, conditions: Conditions) -> list[bytes]:
        """Return what CAPABILITY says (RFC 3501 §6.1.1)."""
        shown = [one for one in self._offered if one.shown(conditions)]
        return [one.name + (b"=" + one.value(conditions) if one.value else b"") for one in shown]
