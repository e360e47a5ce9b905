"""/api/v1/message/{id}/html-check and link-check. Mailpit's third, sa-check, is there only where SpamAssassin is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_web.mailpit import linkcheck
from postroad_web.mailpit.endpoint import NOT_FOUND, Call, Refused, json
from postroad_web.mailpit.message import found
from postroad_web.message.reader import at_once_or_in_a_thread

if TYPE_CHECKING:
    from starlette.responses import Response

NO_HTML = "message does not contain HTML"


async def html_check(call: Call) -> Response:
    """Answer how well mail programs support the message's HTML and CSS."""
    parsed, _ = await call.mailbox.parsed(await found(call))
    if not parsed.html:
        raise Refused(400, NO_HTML)
    from postroad_web.mailpit.htmlcheck.check import check  # noqa: PLC0415 - a CSS parser that most never need

    return json(await asyncio.to_thread(check, parsed.html))


async def link_check(call: Call) -> Response:
    """Answer where the links lead; mark the message as read."""
    record = await found(call)
    parsed, _ = await call.mailbox.parsed(record)
    await call.mailbox.seen(record)
    links = await at_once_or_in_a_thread(parsed.size, linkcheck.links_of, parsed)
    if not call.mailbox.services.settings.link_check:
        return json(linkcheck.answer(linkcheck.unchecked(links)))
    follow = call.parameter("follow").lower() in {"1", "true"}
    return json(linkcheck.answer(await linkcheck.check(links, follow=follow)))


async def spam_check(_call: Call) -> Response:
    """Answer that there is no SpamAssassin."""
    raise Refused(404, NOT_FOUND)
