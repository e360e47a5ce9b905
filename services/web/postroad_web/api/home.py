"""The page at / where the console is not built: how to connect, and the latest messages; HTML with no script.

Its frame and its table are those of Mailpit's pages too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from postroad_web.api import console
from postroad_web.api.endpoints import endpoints
from postroad_web.api.problem import Problem
from postroad_web.api.safety import PAGE
from postroad_web.api.scope import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record

LATEST = 50
_STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def page(title: str, body: str, *, script: str = "") -> Response:
    """Return one of our own pages."""
    run = f'<script src="/static/{script}" defer></script>' if script else ""
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="/static/icon.svg">'
        f'<link rel="stylesheet" href="/static/page.css">{run}</head><body>{body}</body></html>',
        headers={"Content-Security-Policy": PAGE},
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    static = {path.name: path for path in _STATIC.iterdir() if path.suffix in _TYPES}

    async def home(request: Request) -> Response:
        return page("Postroad", _home(services, services.view(request).page(limit=LATEST), prefix_of(request)))

    async def asset(request: Request) -> Response:
        path = static.get(request.path_params["name"])
        if path is None:
            raise Problem(404, "No such file", "404 page not found")
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers={"Cache-Control": "max-age=3600"})

    files = console.load(console.BUILT)
    shown = console.routes(files) if files else [Route("/", home)]
    return [*shown, Route("/static/{name}", asset)]


def _home(services: Services, latest: Any, prefix: str) -> str:
    places = endpoints(services.settings, services.world)
    ports = [
        ("App under test", "SMTP, no password, no TLS", "app"),
        ("Submission", "SMTP with STARTTLS and a password", "submission"),
        ("Mail client", "IMAP with STARTTLS", "imap"),
        ("Mail client", "POP3 with STLS", "pop3"),
    ]
    doors = "".join(
        f"<tr><th scope=row>{escape(who)}</th><td>{escape(how)}</td>"
        f"<td class=number>{escape(str(places[name]))}</td></tr>"
        for who, how, name in ports
        if name in places
    )
    listed = (
        table(latest.records, prefix)
        if latest.records
        else "<p class=empty>No message has come yet. Point your app at the port above and send one.</p>"
    )
    return (
        f'<header><h1>Postroad</h1><nav><a href="{prefix}/v1/docs">API</a>'
        f'<a href="{prefix}/v1/openapi.json">OpenAPI</a><a href="/metrics">Metrics</a></nav></header><main>'
        f"<section><h2>Connect</h2><table class=doors><tbody>{doors}</tbody></table></section>"
        f"<section><h2>Messages <small>{latest.total}</small></h2>{listed}</section></main>"
    )


def table(records: Iterable[Record], prefix: str) -> str:
    """Return a table of messages, which lead to their pages; `prefix` is that of the paths."""
    rows = "".join(_row(record, prefix) for record in records)
    return (
        "<table class=messages><thead><tr><th>From</th><th>To</th><th>Subject</th><th>State</th><th>Arrived</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _row(record: Record, prefix: str) -> str:
    digest = record.digest
    sender = _names(digest.from_) if digest is not None and digest.from_ else record.sender or "<>"
    recipients = ", ".join(recipient.address for recipient in record.recipients[:3])
    more = f" +{len(record.recipients) - 3}" if len(record.recipients) > 3 else ""
    subject = (digest.subject if digest is not None else "") or "(no subject)"
    arrived = datetime.fromtimestamp(record.arrived, UTC)
    return (
        f"<tr class={'read' if record.read else 'unread'}><td>{escape(sender)}</td><td>{escape(recipients + more)}</td>"
        f'<td><a href="{prefix}/view/{escape(record.id)}" rel=noreferrer>{escape(subject)}</a></td>'
        f"<td><span class=state data-state={escape(record.state)}>{escape(record.state)}</span></td>"
        f'<td class=number><time datetime="{arrived.isoformat()}">{arrived:%Y-%m-%d %H:%M:%S}</time></td></tr>'
    )


def _names(addresses: Any) -> str:
    return ", ".join(address.name or address.address for address in addresses[:2])
