"""What one session is offered, and what it has enabled (RFC 5161).

Sessions that have the same share one object, so that none of this costs an idle session more than a reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from postroad_store.imap.extensions import (
    CONDSTORE,
    IMAP4REV2,
    LITERAL_MINUS,
    LITERAL_PLUS,
    QRESYNC,
    UIDONLY,
    UTF8_ACCEPT,
)
from postroad_store.imap.grammar.reader import MAX_NUMBER64
from postroad_store.imap.manner import Manner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.imap.registry import Registry
    from postroad_store.imap.spec import Capability


MAX_LITERAL_MINUS = 4096  # octets; RFC 7888 §5


class Offer:
    """A registry, and the names of the capabilities that are enabled; never changed once it is made."""

    __slots__ = (
        *("__weakref__", "_poorer", "_richer"),
        *("enabled", "manner", "names", "non_synchronizing", "registry", "rev2", "utf8"),
    )

    def __init__(self, registry: Registry, enabled: frozenset[bytes] = frozenset()) -> None:
        self.registry = registry
        self.names = registry.names  # of the capabilities that are offered
        self.enabled = enabled
        self.rev2 = IMAP4REV2.name in enabled
        # RFC 9051 §5.1, RFC 6855 §3: mailbox names are UTF-8 and no longer modified UTF-7.
        self.utf8 = self.rev2 or UTF8_ACCEPT.name in enabled
        self.manner = Manner(
            modseq=CONDSTORE.name in enabled,
            vanished=QRESYNC.name in enabled or UIDONLY.name in enabled,
            uid_only=UIDONLY.name in enabled,
            rev2=self.rev2,
        )
        # Octets of the largest literal that the client need not ask for; None: it has to ask for all.
        self.non_synchronizing: int | None = None
        if registry.offers(LITERAL_PLUS):
            self.non_synchronizing = MAX_NUMBER64
        elif registry.offers(LITERAL_MINUS):
            self.non_synchronizing = MAX_LITERAL_MINUS
        # Those that lead on from here, as long as any session has them.
        self._richer: WeakValueDictionary[frozenset[bytes], Offer] = WeakValueDictionary()
        self._poorer: WeakValueDictionary[frozenset[str], Offer] = WeakValueDictionary()

    def offers(self, capability: Capability) -> bool:
        """Return False if a capability is hidden, or has not been asked for."""
        return capability.name in self.names

    def has_enabled(self, capability: Capability) -> bool:
        """Return True if the client has enabled a capability."""
        return capability.name in self.enabled

    def enabling(self, capabilities: Iterable[Capability]) -> Offer:
        """Return the offer in which these are enabled too, with those that they require (RFC 7162 §3.2.3)."""
        names = {name for each in capabilities for name in (each.name, *each.requires)}
        allowed = {each.name for each in self.registry.enabling.values()}
        enabled = self.enabled | (names & allowed)
        if enabled == self.enabled:
            return self
        offer = self._richer.get(enabled)
        if offer is None:
            offer = self._richer[enabled] = Offer(self.registry, enabled)
        return offer

    def hiding(self, names: frozenset[str]) -> Offer:
        """Return the offer without some more capabilities (`Registry.poorer`), with nothing enabled."""
        if not names:
            return self
        offer = self._poorer.get(names)
        if offer is None:
            offer = self._poorer[names] = Offer(self.registry.poorer(names))
        return offer
