"""One message's road: its hops, each with the session and the line of its transcript."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorClient, DoorRefused, quote_path
from postroad_web.catalog.record import State
from postroad_web.catalog.worlds import world_of_refusal
from postroad_web.road.hops import Event, Hop, hops_of, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postroad_web.catalog.record import Record
    from postroad_web.catalog.worlds import Worlds

BEFORE = 7.0  # seconds that a resolver may take to an answer
AFTER = 0.1  # seconds by which the clocks of two services may differ
EXCHANGES = 20  # of one name that are looked at


class Roads:
    """Finds the road of a message by the doors of all services."""

    def __init__(self, dns: DoorClient, relay: DoorClient, store: DoorClient, worlds: Worlds) -> None:
        self._dns = dns
        self._relay = relay
        self._store = store
        self._worlds = worlds

    async def of(self, record: Record) -> dict[str, Any]:
        """Return the hops of a message and the attempts that are to come; raises `DoorAway`."""
        messages = await self._search(record.id)
        own = next((message for message in messages if record.id in message["queue_ids"]), None)
        hops = self._hops(own, record) if own is not None else []
        for message in messages:
            if message is not own:
                self._hang(hops, message, record)
        await self._look_up(list(walk(hops)), record.world)
        await self._ask(hops, record.world)
        due = [
            {"recipient": recipient.address, "due": recipient.due}
            for recipient in record.recipients
            if recipient.state is State.DEFERRED
        ]
        return {"hops": hops, "next_attempts": due}

    async def _search(self, ident: str) -> list[Mapping[str, Any]]:
        """Search the journals, which relay and store can both read."""
        try:
            journal = await self._relay.get("/journal/search", queue_id=ident)
        except DoorAway:
            journal = await self._store.get("/journal/search", queue_id=ident)
        messages: list[Mapping[str, Any]] = journal["messages"]
        return messages

    def _hops(self, message: Mapping[str, Any], record: Record) -> list[Hop]:
        """Return the hops of a message; a client may have sent mail of other worlds, too, in the same session."""

        def ours(event: Event) -> bool:
            if event["kind"] != "refused" or event["queue_id"] is not None:
                return True
            return world_of_refusal(self._worlds, event["detail"]) == record.world

        return hops_of(list(filter(ours, message["entries"])))

    def _hang(self, hops: list[Hop], message: Mapping[str, Any], record: Record) -> None:
        """Hang the hops of a notification below the report that names it; one that this one is about is left out."""
        if record.id not in message["reports"]:
            return
        for hop in hops:
            if hop.kind == "report" and hop.detail.get("dsn_queue_id") in message["queue_ids"]:
                hop.children += self._hops(message, record)

    async def _look_up(self, hops: Sequence[Hop], world: str) -> None:
        """Say on which line of which transcript each hop is."""
        sessions = {(hop.service, hop.session) for hop in hops if hop.session is not None}
        doors = {"relay": self._relay, "store": self._store}
        asked = [(service, session) for service, session in sessions if service in doors]
        answers = await asyncio.gather(*(_facts(doors[service], session, world) for service, session in asked))
        facts = dict(zip(asked, answers, strict=True))
        for hop in hops:
            known = None if hop.session is None else facts.get((hop.service, hop.session))
            if known is None:
                hop.session = None  # the session is not on record any more
            elif hop.about is not None:
                about = hop.about
                hop.line = next((fact["line"] for fact in known if about(fact)), None)

    async def _ask(self, hops: Sequence[Hop], world: str) -> None:
        """Add the questions and answers of each look-up."""
        look_ups = [hop for hop in walk(hops) if hop.kind == "dns"]
        exchanges = await asyncio.gather(*(self._exchanges(hop, world) for hop in look_ups))
        for hop, answered in zip(look_ups, exchanges, strict=True):
            hop.children += answered

    async def _exchanges(self, hop: Hop, world: str) -> list[Hop]:
        if hop.detail.get("asked") is False:  # the mail is for a stranger to its world: it is captured
            return []
        domain = hop.detail.get("domain", "")
        names = [domain, *(exchanger.split(" ")[-1] for exchanger in hop.detail.get("mx", ()))]
        hops: list[Hop] = []
        for number, name in enumerate(dict.fromkeys(names)):
            kind = "MX" if number == 0 else "A"
            exchange = await self._last(name, kind, hop.at, world)
            if exchange is not None:
                hops.append(exchange)
        if not hops:
            hop.detail["cached"] = True  # as far as is known: the log may have lost it
        return hops

    async def _last(self, name: str, kind: str, at: float, world: str) -> Hop | None:
        """Return the last exchange about a name before a moment; its session, if the world has that on record."""
        try:
            answer = await self._dns.get("/sessions", name=name, limit=EXCHANGES, world="*")
        except (DoorAway, DoorRefused):
            return None
        for session in answer["sessions"]:
            right = session["question"].endswith(f" {kind}") and at - BEFORE <= session["began"] <= at + AFTER
            if right:
                whole = await self._dns.get(quote_path("sessions", session["id"]), world="*")
                said = [line["text"] for line in whole["lines"] if line["from"] == "server"]
                answers = [line for line in said if not line.startswith("OPT ")]  # which is about the transport
                detail = {"question": session["question"], "answer": answers}
                hop = Hop("dns", session["began"], "dns", peer=session["peer"], detail=detail)
                if session["world"] == world:  # its answer may have been in the cache, for another one's mail
                    hop.session, hop.line = session["id"], 1
                return hop
        return None


async def _facts(door: DoorClient, session: str, world: str) -> list[Mapping[str, Any]] | None:
    """Return the facts of a session; None if it is not on record, or its service is away."""
    try:
        whole = await door.get(quote_path("sessions", session), world=world, lines=False)
    except (DoorAway, DoorRefused):
        return None
    facts: list[Mapping[str, Any]] = whole["facts"]
    return facts
