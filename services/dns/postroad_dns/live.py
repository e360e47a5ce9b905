"""The zones that are served: those of the world file, and those of overlays, which come and go one by one.

An overlay adds its zones, a delegation for each to the root, and the names between (RFC 4592 §2.2.2); nothing else
changes, so a change costs the same with ten thousand overlays as with one. No zone of the file is above or below one of
an overlay's (`postroad.world.layers`), so the root is the only zone that changes in place.

All of it is for the thread that serves. A `LiveCatalog` notes which of the zones that may change were looked at, so
that the cache knows what to forget.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.dns.name import ROOT
from postroad.dns.rdata import SOA, Type
from postroad.dns.zone import Catalog, RRset, Zone
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad.dns.name import Key
    from postroad.dns.zone import Node
    from postroad_dns.addressbook import OverlayZones


@value
class LiveCatalog(Catalog):
    """A catalog that notes in `touched` the zones that may change; the root's key also stands for no zone at all."""

    fixed: frozenset[Key]
    touched: set[Key]

    def nearest(self, key: Key) -> Zone | None:
        """See `Catalog`."""
        for cut in range(len(key) + 1):
            zone = self.zones.get(key[cut:])
            if zone is not None:
                if key[cut:] not in self.fixed:
                    self.touched.add(key[cut:])
                return zone
        self.touched.add(ROOT.key)
        return None


class Live:
    """The zones of one world file, and the overlays' that are added."""

    def __init__(self, base: Catalog) -> None:
        self._zones = dict(base.zones)
        root = self._zones.get(ROOT.key)
        self._base_nodes = {} if root is None else dict(root.nodes)
        self._nodes: dict[Key, Node] | None = None
        if root is not None:
            self._nodes = dict(root.nodes)
            self._zones[ROOT.key] = replace(root, nodes=self._nodes)
        self._needed: Counter[Key] = Counter()  # by how many overlays
        self.catalog = LiveCatalog(self._zones, frozenset(base.zones.keys() - {ROOT.key}), set())

    def add(self, overlay: OverlayZones, serial: int) -> list[Key]:
        """Serve the zones of an overlay; return the keys of the zones that have changed."""
        for zone in overlay.zones:
            self._zones[zone.apex.key] = zone
        if self._nodes is not None:
            for key, node in overlay.between.items():
                self._needed[key] += 1
                self._nodes.setdefault(key, node)
            self._nodes.update(overlay.cuts)
            self._renew(serial)
        return self._changed(overlay.zones)

    def remove(self, overlay: OverlayZones, serial: int) -> list[Key]:
        """Serve the zones of an overlay no longer; return the keys of the zones that have changed."""
        if self._nodes is not None:
            for key in overlay.cuts:
                self._restore(key)
            for key in overlay.between:
                self._needed[key] -= 1
                if not self._needed[key]:
                    del self._needed[key]
                    self._restore(key)
            self._renew(serial)
        for zone in overlay.zones:
            del self._zones[zone.apex.key]
        return self._changed(overlay.zones)

    @staticmethod
    def _changed(zones: Iterable[Zone]) -> list[Key]:
        return [ROOT.key, *(zone.apex.key for zone in zones)]

    def _restore(self, key: Key) -> None:
        """Let a name of the root be as the world file has it."""
        assert self._nodes is not None  # noqa: S101 - who calls has looked
        node = self._base_nodes.get(key)
        if node is None:
            del self._nodes[key]
        else:
            self._nodes[key] = node

    def _renew(self, serial: int) -> None:
        """Give the root its next serial (RFC 1035 §3.3.13)."""
        assert self._nodes is not None  # noqa: S101 - who calls has looked
        root = self._zones[ROOT.key]
        old = root.soa.rdatas[0]
        assert isinstance(old, SOA)  # noqa: S101 - a zone has one
        soa = RRset(root.soa.owner, Type.SOA, root.soa.ttl, (replace(old, serial=serial),))
        self._nodes[ROOT.key] = MappingProxyType({**self._nodes[ROOT.key], Type.SOA: soa})
        self._zones[ROOT.key] = replace(root, soa=soa)
