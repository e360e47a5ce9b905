"""The messages that a request means: by ID, `latest`, or a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_web.api.fields import Wrong, given, line, query_of, refusal, text
from postroad_web.api.problem import Problem
from postroad_web.catalog.catalog import ContentGone
from postroad_web.search import Query, QueryError, parse

if TYPE_CHECKING:
    from starlette.requests import Request

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record

ID = {"id": "the queue ID, which the 250 named, or `latest`"}


TZ = given(line(most=100), "the time zone of its dates", default="UTC", example="Europe/Berlin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """What `latest` means."""

    query: str | None = given(text(most=4096), "with `latest`: the newest message that it finds", default=None)
    tz: str = TZ


def query_from(text: str | None, tz: str) -> Query | None:
    """Return the query, None if there is none; raises `Problem` 422."""
    if text is None:
        return None
    try:
        return parse(text, tz=tz)
    except QueryError as error:
        raise refusal(Wrong([("query", f"can't be read: {error}")])) from None


async def record_from(services: Services, request: Request, latest: Latest | None = None) -> Record:
    """Return the record that a request names; raises `Problem` 404. `latest` is the request's, if that is read."""
    ident = request.path_params["id"]
    view = services.view(request)
    if ident != "latest":
        record = view.get(ident)
        if record is None:  # its 250 may be a moment ago
            await services.quiet.accepted(view.world)
            record = view.get(ident)
        if record is None:
            raise Problem(404, "No such message", f"There is no message {ident[:64]}.")
        return record
    asked = latest if latest is not None else query_of(request, Latest)
    query = query_from(asked.query, asked.tz)
    await services.quiet.accepted(view.world)
    record = await view.newest(query)
    if record is None:
        raise Problem(404, "No such message", "No message matches." if asked.query else "There are no messages.")
    return record


async def content_from(services: Services, record: Record) -> bytes:
    """Return a message's octets; raises `Problem` 410 if they are gone."""
    try:
        return await services.catalog.content(record.id)
    except ContentGone as error:
        raise Problem(410, "The content is gone", f"Of {record.id} only the record is left: {error}.") from None
