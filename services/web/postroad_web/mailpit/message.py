"""/api/v1/message/{id}: one message, its headers, source and parts."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from postroad_web.mailpit import shapes
from postroad_web.mailpit.endpoint import NOT_FOUND, Call, Refused, json
from postroad_web.mailpit.mailbox import LATEST
from postroad_web.mailpit.source import header_map
from postroad_web.mailpit.thumbnail import thumbnail
from postroad_web.message.reader import read_part

if TYPE_CHECKING:
    from postroad_web.catalog.record import Record
    from postroad_web.message.parsed import Part

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


async def found(call: Call) -> Record:
    """Return the message that the path names."""
    return await call.mailbox.find(call.segment("id"), call.parameter("query").strip(), call.parameter("tz"))


async def message(call: Call) -> Response:
    """Answer the whole message, and mark it as read."""
    record = await found(call)
    parsed, _ = await call.mailbox.parsed(record)
    await call.mailbox.seen(record)
    # `mailpit-api-client` insists on members that Mailpit no longer has; others compare the members with Mailpit's.
    is_old = call.request.headers.get("user-agent", "").startswith("python-httpx/")
    return json(shapes.message(record, parsed) | (shapes.of_old(record) if is_old else {}))


async def headers(call: Call) -> Response:
    """Answer the header section."""
    return json(header_map(await call.mailbox.source(await found(call))))


async def raw(call: Call) -> Response:
    """Answer the source, to be saved as a file if `dl` says so."""
    record = await found(call)
    answer = Response(await call.mailbox.source(record), headers={"Content-Type": "text/plain; charset=utf-8"})
    if call.parameter("dl") == "1":
        answer.headers["Content-Disposition"] = f'attachment; filename="{record.id}.eml"'
    return answer


async def part(call: Call) -> Response:
    """Answer the content of a part, its transfer encoding undone."""
    entity, octets = await _part(call)
    kind = entity.content_type if _MEDIA_TYPE.fullmatch(entity.content_type) else "application/octet-stream"
    name = quote(entity.filename or entity.content_id, safe="")
    return Response(octets, headers={"Content-Type": kind, "Content-Disposition": f'inline; filename="{name}"'})


async def thumb(call: Call) -> Response:
    """Answer a small picture of a part; Mailpit has no `latest` here, and 400 for what is not there."""
    if call.segment("id") == LATEST:
        raise Refused(400, "Message not found")
    try:
        entity, octets = await _part(call)
    except Refused as refused:
        raise Refused(400, refused.text) from None
    is_image = entity.content_type.startswith("image/")
    picture = await asyncio.to_thread(thumbnail, octets if is_image else b"")
    return Response(picture, headers={"Content-Type": "image/jpeg"})


async def _part(call: Call) -> tuple[Part, bytes]:
    parsed, octets = await call.mailbox.parsed(await found(call))
    entity = parsed.part(call.segment("part"))
    if entity is None:
        raise Refused(404, NOT_FOUND)
    return entity, await read_part(octets, entity)
