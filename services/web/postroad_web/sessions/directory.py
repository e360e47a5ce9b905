"""The sessions of all services, in one list: each service has those that it has heard (`postroad.transcript.door`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from postroad.control.client import DoorAway, DoorClient, DoorRefused, quote_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postroad_web.catalog.catalog import Catalog
    from postroad_web.catalog.record import Record


class Directory:
    """Finds sessions. The messages of a session are named by the IDs of their records."""

    def __init__(self, doors: Sequence[DoorClient], catalog: Catalog) -> None:
        self.doors = doors
        self._catalog = catalog

    async def page(
        self,
        world: str,
        *,
        before: str | None,
        limit: int,
        service: str | None = None,
        message: Record | None = None,
        **which: str | None,
    ) -> tuple[list[dict[str, Any]], str | None, list[str]]:
        """Return sessions, the newest first, the cursor of the next page, and the services that are away."""
        asked = [door for door in self.doors if service in {None, door.service}]
        answers = await asyncio.gather(
            *(self._of(door, world, message, before=before, limit=limit, **which) for door in asked)
        )
        page = [
            self.shown(door.service, session)
            for door, answer in zip(asked, answers, strict=True)
            if answer is not None
            for session in answer["sessions"]
        ]
        page.sort(key=lambda session: (session["began"], session["id"]), reverse=True)
        more = len(page) > limit or any(answer is not None and answer["next"] for answer in answers)
        page = page[:limit]
        cursor = "{}-{}".format(int(page[-1]["began"] * 1_000_000), page[-1]["id"]) if more and page else None
        return page, cursor, [door.service for door, answer in zip(asked, answers, strict=True) if answer is None]

    async def _of(self, door: DoorClient, world: str, message: Record | None, **query: Any) -> Any:
        """Ask one service; None if it is away."""
        about: dict[str, str] = {}
        if message is not None:
            deliveries = self._catalog.deliveries_of(message)
            copies = [copy for recipient in message.recipients for copy in recipient.copies]
            about["message"] = ",".join([message.id, *deliveries])
            about["places"] = orjson.dumps(
                [[copy.account, copy.mailbox, copy.uid_validity, copy.uid] for copy in copies]
            ).decode()
        try:
            return await door.get("/sessions", world=world, **query, **about)
        except DoorAway:
            return None
        except DoorRefused as error:
            if error.status != 404:
                raise
            return {"sessions": [], "next": None}  # it records none

    async def find(self, ident: str, world: str) -> dict[str, Any] | None:
        """Return a session with its lines; raises `DoorAway` if it may be of a service that is away."""
        away: DoorAway | None = None
        for door in self.doors:
            try:
                session = await door.get(quote_path("sessions", ident), world=world)
            except DoorRefused as error:
                if error.status != 404:
                    raise
            except DoorAway as error:
                away = error
            else:
                return self.shown(door.service, session)
        if away is not None:
            raise away
        return None

    def shown(self, service: str, session: Mapping[str, Any]) -> dict[str, Any]:
        """Return a session as a service tells it with its messages by the IDs of their records."""
        idents = session.get("messages", [])
        known = self._catalog.of_deliveries(idents) if service == "store" else {}
        messages = dict.fromkeys(known.get(ident, ident) for ident in idents if service != "store" or ident in known)
        for read in session.get("reads", ()):
            messages.update(dict.fromkeys(self._catalog.in_place(**read)))
        facts = [self._fact(known, fact) for fact in session.get("facts", ())]
        rest = {name: value for name, value in session.items() if name not in {"reads", "facts", "messages"}}
        shown = {"id": rest.pop("id"), "service": service, **rest, "messages": list(messages)}
        return shown | ({"facts": facts} if "facts" in session else {})

    def _fact(self, known: Mapping[str, str], fact: Mapping[str, Any]) -> dict[str, Any]:
        """Return which line is about which messages."""
        if "message" in fact:
            return {"line": fact["line"], "messages": [known.get(fact["message"], fact["message"])]}
        return {"line": fact["line"], "messages": self._catalog.in_place(**fact["read"]), "read": fact["read"]}
