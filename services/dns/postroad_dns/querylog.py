"""The query log as the control door shows it, and as worlds see it.

GET /sessions?name=beta.test&peer=127.0.0.25
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from postroad.control.messages import Refusal
from postroad.dns.above import upwards
from postroad.dns.mark import mark_in
from postroad.dns.name import BadName, Name
from postroad.world.world import DEFAULT_WORLD
from postroad_dns.asked import Asked
from postroad_dns.wire import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from postroad_dns.exchanges import Batch, Exchanges


class QueryLog:
    """The query log as sessions on record (`postroad.transcript.door.Record`).

    `world_of` gives the ID of the world that has a domain, `DEFAULT_WORLD` if none has. `marked` gives that of a mark,
    which the relay puts into its questions about names that do not say whose mail has asked.
    """

    def __init__(
        self,
        exchanges: Exchanges,
        local: str,
        world_of: Callable[[str], str] | None = None,
        marked: Callable[[str], str | None] | None = None,
    ) -> None:
        self._exchanges = exchanges
        self._local = local
        self._marked = marked or (lambda _mark: None)
        self._world_of = world_of or (lambda _name: DEFAULT_WORLD)
        # By domain, and by the ID of a world that was dropped: the last exchange that nobody may see, ascending
        self._forgotten: OrderedDict[str, int] = OrderedDict()
        self._ended: OrderedDict[str, int] = OrderedDict()

    def forget(self, domains: Iterable[str], world: str) -> None:
        """Show no exchanges about a world's domains, or of its mail, of those so far: it was dropped."""
        number, oldest = self._exchanges.number, self._exchanges.oldest
        for known, names in (self._forgotten, domains), (self._ended, (world,)):
            for name in names:
                known[name] = number
                known.move_to_end(name)
            while known and next(iter(known.values())) < oldest:
                known.popitem(last=False)

    @property
    def number(self) -> int:
        """The number of the last exchange."""
        return self._exchanges.number

    @property
    def woken(self) -> Callable[[], None] | None:
        """What is called at the next exchange."""
        return self._exchanges.woken

    @woken.setter
    def woken(self, woken: Callable[[], None] | None) -> None:
        self._exchanges.woken = woken

    def find(self, session: str, world: str | None) -> Asked | None:
        """See `Record`."""
        try:
            exchange = self._exchanges.find(int(session.removeprefix("dns"), 16))
        except ValueError:
            exchange = None
        asked = None if exchange is None else self._asked(*exchange)
        return asked if asked is not None and world in {None, asked.world} else None

    def matching(self, query: Mapping[str, str], world: str | None) -> Iterator[Asked]:
        """See `Record`."""
        if query.get("protocol", "dns") != "dns" or not query.keys().isdisjoint({"account", "message", "places"}):
            return
        peer, name = query.get("peer"), _octets_of(query.get("name"))
        for batch, index in self._exchanges.newest():
            if name is not None and _qname(batch.pairs[index][0]) != name:
                continue
            asked = self._asked(batch, index)
            if asked is None:
                continue
            if world in {None, asked.world} and peer in {None, asked.peer, asked.peer.rpartition(":")[0]}:
                yield asked

    def _asked(self, batch: Batch, index: int) -> Asked | None:
        mark = mark_in(batch.pairs[index][0], HEADER - 2)
        asker = None if mark is None else self._marked(mark)
        if asker is not None:
            gone = batch.first + index <= self._ended.get(asker, 0)
            return None if gone else Asked(batch, index, self._local, asker)
        name = _text_of(_qname(batch.pairs[index][0]))
        world = DEFAULT_WORLD
        for domain in upwards(name):  # the world of a name is that of the domain that it is in
            if batch.first + index <= self._forgotten.get(domain, 0):
                return None
            world = self._world_of(domain)
            if world != DEFAULT_WORLD:
                break
        return Asked(batch, index, self._local, world)


def _qname(query: bytes) -> bytes:
    """Return the name of a query's question as it is on the wire, in lower case; the query has no ID."""
    start = end = HEADER - 2
    while end < len(query) and 0 < query[end] < 0x40:
        end += query[end] + 1
    return query[start : end + 1].lower()


def _octets_of(name: str | None) -> bytes | None:
    """Return a name as it is on the wire; raises `Refusal`."""
    if name is None:
        return None
    try:
        labels = Name.parse(name).labels
    except BadName as error:
        raise Refusal(400, f"name: {error}") from None
    return b"".join(bytes([len(label)]) + label for label in labels).lower() + b"\0"


def _text_of(name: bytes) -> str:
    """Return a name on the wire as text without the final dot."""
    labels = []
    at = 0
    while at < len(name) and (size := name[at]):
        labels.append(name[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    return ".".join(labels)
