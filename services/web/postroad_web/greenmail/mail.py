"""/api/user/{name}/messages: what is in a mailbox, the oldest first.

GreenMail has stored a message before its 250. Here it takes its road first, a few milliseconds, so an answer waits for
what is on its way, for a while.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorRefused, quote_path
from postroad_web.api.scope import world_of
from postroad_web.catalog.contents import contents_in
from postroad_web.catalog.record import State
from postroad_web.greenmail.refused import Refused
from postroad_web.greenmail.shapes import message
from postroad_web.greenmail.users import Users
from postroad_web.search.query import Query
from postroad_web.search.tree import InState
from postroad_web.waiting.quiet import FRESH_WITHIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from postroad_web.api.services import Services

INBOX = "INBOX"
PAGE = 500  # messages that are read at a time
MOST = 64 << 20  # octets of an answer, which ends there
ON_ITS_WAY = Query(InState(State.QUEUED.value))


class Mail:
    """The handler."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._users = Users(services)

    async def messages(self, request: Request) -> Any:
        """Answer the messages of a mailbox, of INBOX if none is named."""
        await self._arrived(request)
        account = await self._users.account(request)
        folder = request.path_params.get("folder", "").strip("/") or INBOX
        shown: list[dict[str, Any]] = []
        try:
            async for uid, content in self._contents(account, folder):
                shown.append(message(uid, content))
        except DoorRefused as error:
            raise Refused(error.sentence) from error
        return shown

    async def _contents(self, account: str, folder: str) -> AsyncIterator[tuple[int, bytes]]:
        """Yield UIDs and contents of a mailbox; raises `DoorRefused` if there is none of the name."""
        store = self._services.store
        boxes = (await store.get(quote_path("accounts", account, "mailboxes")))["mailboxes"]
        names = {box["name"]: box for box in boxes} | {INBOX.lower(): {"name": INBOX}}
        box = names.get(folder) or names.get(folder.lower())
        if box is None:
            raise Refused(f"Folder '{folder}' not found")
        validity = next((each["uid_validity"] for each in boxes if each["name"] == box["name"]), 0)
        after: int | None = 0
        octets = 0
        while after is not None and octets < MOST:
            page = await store.get(
                quote_path("accounts", account, "messages"), mailbox=box["name"], after=after, limit=PAGE
            )
            after = page["next"]
            places = [(account, box["name"], validity, entry["uid"]) for entry in page["messages"]]
            while places and octets < MOST:  # the store's answer may end early
                contents = contents_in(await store.post_for_octets("/contents", {"copies": places}))
                for place, content in zip(places, contents, strict=False):
                    if content is not None:
                        octets += len(content)
                        yield place[3], content
                places = places[len(contents) :]

    async def _arrived(self, request: Request) -> None:
        """Wait until what the relay has said 250 to has been delivered, or can't be for now."""
        view = self._services.view(request)
        changes = view.subscribe()
        try:
            async with asyncio.timeout(FRESH_WITHIN):
                await self._services.quiet.accepted(world_of(request))
                while view.page(ON_ITS_WAY, limit=1).records:
                    await anext(changes)
        except (TimeoutError, StopAsyncIteration):
            pass  # it is shown as it is
        finally:
            changes.close()
