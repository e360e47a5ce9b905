"""/api/v1/tags: the tags that messages have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_web.catalog.tags import distinct
from postroad_web.mailpit import shapes
from postroad_web.mailpit.endpoint import Call, Refused, json, ok

if TYPE_CHECKING:
    from starlette.responses import Response

_NAME = re.compile(r"[A-Za-z0-9_.@-](?:[A-Za-z0-9 _.@-]{0,98}[A-Za-z0-9_.@-])?", re.ASCII)


async def all_tags(call: Call) -> Response:
    """Answer all tags."""
    await call.mailbox.fresh()
    return json(call.mailbox.tags())


async def set_tags(call: Call) -> Response:
    """Give messages these tags in place of those that they have."""
    asked = await call.struct()
    names, idents = asked.texts("Tags"), asked.texts("IDs")
    if idents:
        await call.mailbox.fresh()
        tags = distinct(names)
        same = [record for record in call.mailbox.few(idents) if shapes.tags_of(record) == tags]
        await call.mailbox.catalog.tag(idents, tags)
        for record in same:
            call.mailbox.announce("update", {"ID": record.id, "Tags": tags})
    return ok()


async def rename(call: Call) -> Response:
    """Give a tag another name."""
    name = (await call.struct()).text("Name")
    old = await _known(call)
    if not _NAME.fullmatch(name):
        raise Refused(400, f"invalid tag name: {name}")
    taken = call.mailbox.tag_named(name)
    if taken is not None and (taken.lower() != old.lower() or taken == name):
        raise Refused(400, f"tag already exists: {taken}")
    await call.mailbox.catalog.rename_tag(old, name)
    return ok()


async def drop(call: Call) -> Response:
    """Take a tag away from all messages."""
    await call.mailbox.catalog.drop_tag(await _known(call))
    return ok()


async def _known(call: Call) -> str:
    await call.mailbox.fresh()
    name = call.segment("tag")
    tag = call.mailbox.tag_named(name)
    if tag is None:
        raise Refused(400, f"tag not found: {name}")
    return tag
