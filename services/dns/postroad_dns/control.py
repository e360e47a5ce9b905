"""The control door of the name server: its zones and figures.

The server's own thread has no event loop and must not wait, so the door has a thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Protocol, TypeVar

import uvloop

from postroad.clock import Clock
from postroad.control.door import Door, Refusal, Request, Response, Route, answer
from postroad.control.process import process_figures
from postroad.dns.name import BadName, Name
from postroad.dns.rdata import SOA
from postroad_dns.zones import record_lines

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from typing import Any

    from postroad.dns.zone import Catalog, Zone


Result = TypeVar("Result")


class Source(Protocol):
    """What the door shows."""

    catalog: Catalog

    def figures(self) -> Mapping[str, Any]:
        """Return the figures of the server; any thread may ask."""
        ...


def routes(source: Source) -> Sequence[Route]:
    """Return the routes of the name server's door."""

    async def zones(_request: Request) -> Response:
        return answer({"zones": [_summary(zone) for zone in list(source.catalog.zones.values())]})

    async def zone(request: Request) -> Response:
        apex = request.params["apex"]
        try:
            zone = source.catalog.zones.get(Name.parse(apex).key)
        except BadName:
            zone = None
        if zone is None:
            raise Refusal(404, f"there is no zone {apex}")
        return answer({"records": list(record_lines(zone))})

    async def figures(_request: Request) -> Response:
        return answer({"process": process_figures(), **source.figures()})

    return [
        Route("GET", "/zones", zones),
        Route("GET", "/zones/{apex}", zone),
        Route("GET", "/figures", figures),
    ]


def _summary(zone: Zone) -> dict[str, Any]:
    soa = zone.soa.rdatas[0]
    return {
        "apex": str(zone.apex),
        "serial": soa.serial if isinstance(soa, SOA) else None,
        "records": sum(len(rrset.rdatas) for node in list(zone.nodes.values()) for rrset in node.values()),
    }


class DoorThread:
    """Runs a door in a thread of its own, from `start` to `stop`."""

    def __init__(self, source: Source, token: str, further: Sequence[Route] = ()) -> None:
        self._door = Door([*routes(source), *further], token=token, clock=Clock())
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="control", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where the door listens."""
        return self._door.address

    def start(self, host: str, port: int) -> None:
        """Listen; raises `OSError` if the address can't be bound."""
        self._thread.start()
        try:
            self.run(self._door.start(host, port))
        except OSError:
            self._end()
            raise

    def stop(self) -> None:
        """Close the door and end the thread."""
        self.run(self._door.close())
        self._end()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Carry something out in the door's thread, and wait for it in this one."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
