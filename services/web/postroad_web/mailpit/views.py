"""/view/: messages as pages. The HTML of a message is served into a sandbox, where it runs no script.

Mailpit's own pages are an application; ours for a message is plain HTML with the mail in a frame.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad_web.api.home import page, table
from postroad_web.api.safety import MESSAGE
from postroad_web.mailpit import shapes
from postroad_web.mailpit.dates import rfc3339
from postroad_web.mailpit.endpoint import NOT_FOUND, Call, Refused, text
from postroad_web.mailpit.mailbox import LATEST
from postroad_web.mailpit.markup import embedded, with_images
from postroad_web.mailpit.message import found
from postroad_web.message.reader import at_once_or_in_a_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.catalog.record import Record

NO_HTML = "This message does not contain a HTML part"


async def _shown(call: Call) -> Record:
    try:
        return await found(call)
    except Refused as refused:
        raise Refused(404, "Message not found") from refused


async def latest(call: Call) -> Response:
    """Lead to the page of the latest message, or of the latest that a search finds; to / if there is none."""
    try:
        record = await call.mailbox.find(LATEST, call.parameter("query").strip())
    except Refused:
        return Response(status_code=302, headers={"Location": f"{call.prefix}/"})
    return Response(status_code=302, headers={"Location": f"{call.prefix}/view/{record.id}"})


async def as_html(call: Call) -> Response:
    """Answer the HTML part, with its images; mark the message as read."""
    record = await _shown(call)
    parsed, _ = await call.mailbox.parsed(record)
    if not parsed.html:
        raise Refused(404, NO_HTML)
    await call.mailbox.seen(record)
    html = shapes.texts(record, parsed)[1]
    parts = (*parsed.inline, *parsed.attachments)
    shown = await at_once_or_in_a_thread(
        len(html), with_images, html, f"{call.prefix}/api/v1/message/{record.id}", parts
    )
    if call.parameter("embed") == "1":
        shown = await at_once_or_in_a_thread(len(shown), embedded, shown)
    return Response(
        shown.encode("utf-8", "replace"),
        headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": MESSAGE},
    )


async def as_text(call: Call) -> Response:
    """Answer the text; mark the message as read."""
    record = await _shown(call)
    parsed, _ = await call.mailbox.parsed(record)
    await call.mailbox.seen(record)
    return text(shapes.texts(record, parsed)[0])


async def as_page(call: Call) -> Response:
    """Answer a page with the most important fields, the message in a frame, and its attachments."""
    if call.segment("id") == LATEST:
        return await latest(call)
    try:
        record = await found(call)
    except Refused:
        raise Refused(404, NOT_FOUND) from None
    parsed, _ = await call.mailbox.parsed(record)
    await call.mailbox.seen(record)
    row = shapes.summary(record)
    fields = [
        ("From", _people([row["From"]])),
        *((name, _people(row[name])) for name in ("To", "Cc", "Bcc") if row[name]),
        ("Date", escape(rfc3339(parsed.date if parsed.date is not None else record.arrived))),
        *([("Tags", escape(", ".join(record.tags)))] if record.tags else []),
    ]
    files = "".join(
        f'<li><a href="{call.prefix}/api/v1/message/{escape(record.id)}/part/{escape(part.part_id)}">'
        f"{escape(part.filename or part.content_id)}</a> {part.size} octets</li>"
        for part in (*parsed.attachments, *parsed.inline)
    )
    subject = row["Subject"] or "(no subject)"
    shown = (
        f'<iframe title="Message" sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"'
        f' src="{call.prefix}/view/{escape(record.id)}.html?embed=1"></iframe>'
        if parsed.html
        else f"<pre>{escape(parsed.text)}</pre>"
    )
    return page(
        subject,
        f'<header><h1>{escape(subject)}</h1><nav><a href="{call.prefix}/">All messages</a>'
        f'<a href="{call.prefix}/api/v1/message/{escape(record.id)}/raw">Source</a>'
        f'<a href="{call.prefix}/view/{escape(record.id)}.txt">Text</a>'
        "</nav></header><main class=message><section><table class=doors><tbody>"
        + "".join(f"<tr><th scope=row>{name}</th><td>{value}</td></tr>" for name, value in fields)
        + f"</tbody></table></section><section>{shown}</section>"
        + (f"<section><h2>Attachments</h2><ul>{files}</ul></section>" if files else "")
        + "</main>",
    )


async def results(call: Call) -> Response:
    """Answer a page of what a search finds: test reports of clients have links to it."""
    words = call.parameter("q").strip()
    if not words:
        return Response(status_code=302, headers={"Location": f"{call.prefix}/"})
    await call.mailbox.fresh()
    matching = await call.mailbox.some(call.mailbox.query(words, call.parameter("tz")))
    listed = table(matching.records, call.prefix) if matching.records else "<p class=empty>Nothing is found.</p>"
    return page(
        words,
        f'<header><h1>Postroad</h1><nav><a href="{call.prefix}/">All messages</a></nav></header><main><section>'
        f"<h2>{escape(words)} <small>{matching.total}</small></h2>{listed}</section></main>",
    )


def _people(people: Iterable[dict[str, str]]) -> str:
    return escape(
        ", ".join(
            f"{person['Name']} <{person['Address']}>"
            if person["Name"] and person["Address"]
            else person["Name"] or person["Address"]
            for person in people
        )
    )
