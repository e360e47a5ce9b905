"""Messages: lists and searches, one of them, and marks. How they are sent is in `send`, their content in `contents`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record, ref
from postroad_web.api.fields import Wrong, body_of, flag, given, line, many, one_of, query_of, refusal, text, whole
from postroad_web.api.native import send, shapes
from postroad_web.api.native.found import ID, TZ, Latest, query_from, record_from
from postroad_web.api.routing import by_method
from postroad_web.catalog.tags import LONGEST, MOST, cleaned

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record
    from postroad_web.catalog.view import View

WITH_CONTENT = 100  # messages of a page
_QUERY = given(text(most=4096), "the messages that it finds; an empty one finds all", default=None)
_TAGS = given(many(line(most=LONGEST), most=MOST), "the tags in place of those it has", default=None)
_READ = given(flag(), "whether it counts as read", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """Which messages, and how many of them."""

    query: str | None = given(text(most=4096), "only those that it finds", default=None, example="subject:welcome")
    tz: str = TZ
    before: int | None = given(whole(), "only messages before this cursor", default=None)
    after: int | None = given(whole(), "only messages after this cursor", default=None)
    offset: int = given(whole(), "how many of those are passed over, for lists that jump", default=0)
    limit: int = given(whole(0, 500), "the most messages of a page", default=50)
    order: str = given(one_of("newest", "oldest"), "which come first", default="newest")
    content: bool = given(flag(), "true: with their parsed content, and at most 100 messages", default=False)
    counted: bool = given(
        flag(),
        "whether the matches of a query are counted, which takes longer than to find a page of them",
        default=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is to be so; what is left out stays."""

    read: bool | None = _READ
    tags: tuple[str, ...] | None = _TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSome:
    """The same of several messages: of those with the IDs, or those that the query finds."""

    ids: tuple[str, ...] | None = given(many(line(most=64), most=10_000), "the messages", default=None)
    query: str | None = _QUERY
    tz: str = TZ
    read: bool | None = _READ
    tags: tuple[str, ...] | None = _TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Which messages: those with the IDs, or those that the query finds."""

    id: tuple[str, ...] | None = given(many(line(most=64), most=1000), "the messages", default=None)
    query: str | None = _QUERY
    tz: str = TZ


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def messages(request: Request) -> Response:
        asked = query_of(request, List)
        query = query_from(asked.query, asked.tz)
        if asked.content and asked.limit > WITH_CONTENT:
            raise refusal(Wrong([("limit", f"must be {WITH_CONTENT} or less with content")]))
        window: dict[str, Any] = {"before": asked.before, "after": asked.after, "limit": asked.limit}
        catalog = services.view(request)
        await services.quiet.accepted(catalog.world)
        window |= {"offset": asked.offset, "oldest_first": asked.order == "oldest", "counted": asked.counted}
        page = catalog.page(**window) if query is None else await catalog.find(query, **window)
        return json(
            {
                "messages": [await shown(message) for message in page.records]
                if asked.content
                else [shapes.summary(message) for message in page.records],
                "next": page.next,
                "total": page.total,
                "unread": page.unread,
            }
        )

    async def shown(record: Record) -> dict[str, Any]:
        return shapes.whole(record, await services.waits.content(record))

    async def mark_some(request: Request) -> Response:
        asked = await body_of(request, MarkSome)
        tags = _tags(asked.tags)
        catalog = services.view(request)
        await services.quiet.accepted(catalog.world)
        idents = await _idents(catalog, asked.ids, asked.query, asked.tz, "ids")
        await _mark(catalog, idents, asked.read, tags)
        return json({"marked": len(idents)})

    async def remove_some(request: Request) -> Response:
        asked = query_of(request, Removal)
        catalog = services.view(request)
        await services.quiet.accepted(catalog.world)
        idents = await _idents(catalog, asked.id, asked.query, asked.tz, "id")
        await catalog.delete(idents)
        return json({"deleted": len(idents)})

    async def message(request: Request) -> Response:
        record = await record_from(services, request)
        return json(await shown(record))

    async def mark(request: Request) -> Response:
        record = await record_from(services, request)
        asked = await body_of(request, Marks)
        catalog = services.view(request)
        await _mark(catalog, [record.id], asked.read, _tags(asked.tags))
        return json(shapes.summary(catalog.get(record.id) or record))

    async def remove(request: Request) -> Response:
        await services.view(request).delete([(await record_from(services, request)).id])
        return Response(status_code=204)

    return [
        by_method("/v1/messages", get=messages, post=send.handler(services), patch=mark_some, delete=remove_some),
        by_method("/v1/messages/{id}", get=message, patch=mark, delete=remove),
    ]


async def _idents(catalog: View, ids: tuple[str, ...] | None, text: str | None, tz: str, name: str) -> list[str]:
    """Return the IDs of the messages that are meant, those that exist; raises `Problem` 422."""
    if (ids is None) == (text is None):
        raise refusal(Wrong([(name, "or a query is needed, and not both")]))
    if ids is not None:
        return [ident for ident in dict.fromkeys(ids) if catalog.get(ident) is not None]
    page = await catalog.find(query_from(text, tz), limit=-1)
    return [message.id for message in page.records]


async def _mark(catalog: View, idents: list[str], read: bool | None, tags: list[str] | None) -> None:
    if read is not None:
        await catalog.mark(idents, read=read)
    if tags is not None:
        await catalog.tag(idents, tags)


def _tags(tags: tuple[str, ...] | None) -> list[str] | None:
    """Return the tags, each once; raises `Problem` 422 for one that is none."""
    if tags is None:
        return None
    faults = [
        (f"tags.{place}", "may have letters, digits, spaces and -_.@")
        for place, tag in enumerate(tags)
        if cleaned(tag) != tag
    ]
    if faults:
        raise refusal(Wrong(faults))
    return list({tag.lower(): tag for tag in reversed(tags)}.values())[::-1]


_COUNT = {"type": "integer"}
_WHICH = "Messages that are not there are left out. "
OPENAPI: dict[str, Any] = {
    "/v1/messages": {
        "get": operation(
            "messages",
            "List messages, or search",
            description=(
                "The newest first, with all that the relay has said 250 to. The answer's `next` is the cursor "
                "of the next page: give it as `before`, or as `after` with `order=oldest`. `total` and `unread` count "
                "all that match; both are 0 for a query that is not to be counted. With `content=true` each has its "
                "`content`, as a message read alone."
            ),
            query=List,
            answer=listed(ref("Summary"), "messages", total=_COUNT, unread=_COUNT),
        ),
        "post": send.OPENAPI,
        "patch": operation(
            "messages",
            "Mark several messages",
            description=_WHICH,
            body=MarkSome,
            example={"query": "subject:welcome", "read": True},
            answer=record({"marked": _COUNT}),
        ),
        "delete": operation(
            "messages",
            "Delete several messages from the catalog",
            description=_WHICH + "Mailboxes and the queue keep theirs; POST /v1/purge empties all.",
            query=Removal,
            answer=record({"deleted": _COUNT}),
        ),
    },
    "/v1/messages/{id}": {
        "get": operation(
            "messages",
            "Read a message",
            description="With its parsed content. It is not marked as read.",
            path=ID,
            query=Latest,
            answer=ref("Message"),
            errors=(404, 503),
        ),
        "patch": operation(
            "messages",
            "Mark a message",
            path=ID,
            body=Marks,
            example={"read": True, "tags": ["orders"]},
            answer=ref("Summary"),
            errors=(404,),
        ),
        "delete": operation(
            "messages",
            "Delete a message from the catalog",
            description="Mailboxes and the queue keep it.",
            path=ID,
            status=204,
            errors=(404,),
        ),
    },
}
