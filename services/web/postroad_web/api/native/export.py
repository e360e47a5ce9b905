"""Export a mailbox: all its messages as one file, written as it is read, so that it may be of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import quote_path
from postroad_web.api.describe import operation
from postroad_web.api.fields import given, one_of, query_of
from postroad_web.api.limits import Slots
from postroad_web.api.native.places import MAILBOX, mailbox_of
from postroad_web.catalog.contents import contents_in
from postroad_web.exporting.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from postroad.control.client import DoorClient
    from postroad_web.api.services import Services
    from postroad_web.exporting.forms import Form

AT_ONCE = 4  # exports
PAGE = 500  # messages that are asked for at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What the file is."""

    format: str = given(one_of(*FORMS), "an mbox, a tar of a Maildir, or a tar of .eml files", default="mbox")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    slots = Slots("exports", AT_ONCE)

    async def export(request: Request) -> Response:
        form = FORMS[query_of(request, Export).format]()
        box = await mailbox_of(services, request)
        return _File(services.store, request.path_params["login"], box, form, slots)

    return [Route(f"{MAILBOX}/export", export)]


class _File(Response):
    """The answer, which ends without its end if the store can't be read further: then clients see that it is cut."""

    def __init__(self, store: DoorClient, login: str, box: dict[str, Any], form: Form, slots: Slots) -> None:
        name = quote(box["name"].replace("/", "-") + form.suffix, safe="")
        super().__init__(
            headers={"Content-Disposition": f"attachment; filename*=utf-8''{name}"}, media_type=form.media_type
        )
        del self.headers["content-length"]
        self._store = store
        self._login = login
        self._box = box
        self._form = form
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer."""
        with self._slots.one():
            pieces = self._pieces()
            first = await anext(pieces, b"")  # if the store is away, the status says so
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": self._form.end(), "more_body": False})

    async def _pieces(self) -> AsyncIterator[bytes]:
        after: int | None = 0
        while after is not None:
            answer = await self._store.get(
                quote_path("accounts", self._login, "messages"), mailbox=self._box["name"], after=after, limit=PAGE
            )
            after = answer["next"]
            entries = answer["messages"]
            while entries:
                place = (self._login, self._box["name"], self._box["uid_validity"])
                copies = [[*place, entry["uid"]] for entry in entries]
                contents = contents_in(await self._store.post_for_octets("/contents", {"copies": copies}))
                for entry, content in zip(entries, contents, strict=False):
                    if content is not None:  # it may have been removed meanwhile
                        yield self._form.write(entry["uid"], entry["flags"], entry["internal_date"], content)
                entries = entries[len(contents) :]  # the answer may end early


OPENAPI = {
    "/v1/accounts/{login}/mailboxes/{mailbox}/export": {
        "get": operation(
            "mailboxes",
            "Read all messages of a mailbox as one file",
            description="An mbox (mboxrd, without flags), a tar of a Maildir (its names have the flags that there are "
            "letters for, its times are the internal dates), or a tar of UID.eml files, each exactly as it is stored. "
            "`/seed` takes the first two.",
            path={"login": "the whole address", "mailbox": "the name of the mailbox"},
            query=Export,
            media_type="application/octet-stream",
            errors=(404, 503),
        )
    }
}
