"""`/snapshots`: what the accounts of a world have, taken and restored; the relay has the other half of a snapshot.

The web service, which takes and restores both halves, sees to it that the relay delivers nothing meanwhile. Letters
that scripts have written are the store's own: they are waited for until the relay has them.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, answer
from postroad.world.world import DEFAULT_WORLD
from postroad_store.control.mail import wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail

NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,100}")
PATIENCE = 5.0  # seconds that letters are waited for


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""
    snapshots = mail.storage.snapshots

    async def listed(request: Request) -> Response:
        world = request.query.get("world", DEFAULT_WORLD)
        return answer({"snapshots": [asdict(snapshot) for snapshot in snapshots.of(world)]})

    async def take(request: Request) -> Response:
        world, name, token, _ = _asked(request)
        await _letters_gone(mail)
        logins = await mail.logins_of(world)
        tell = mail.notes.kept(logins)
        taken = await snapshots.take(world, name, token, logins, most=mail.snapshots, tell=tell)
        return answer(asdict(taken), 201)

    async def restore(request: Request) -> Response:
        world, name, token, fresh = _asked(request)
        await _letters_gone(mail)
        tell = mail.notes.restored(name, fresh=fresh)
        accounts = await snapshots.restore(world, name, token, await mail.logins_of(world), fresh=fresh, tell=tell)
        for restored in accounts:
            mail.dismiss(restored.login)
        return answer({"accounts": len(accounts)})

    async def delete(request: Request) -> Response:
        await snapshots.delete(request.query.get("world", DEFAULT_WORLD), wanted(request, "name"))
        return answer({})

    return [
        mail.route("GET", "/snapshots", listed),
        mail.route("POST", "/snapshots", take),
        mail.route("POST", "/snapshots/restore", restore),
        mail.route("DELETE", "/snapshots", delete),
    ]


def _asked(request: Request) -> tuple[str, str, str, bool]:
    """Return world, name, token, and whether mailboxes get a new UIDVALIDITY."""
    asked: Any = request.json()
    match asked:
        case {"world": str(world), "name": str(name), "token": str(token)} if NAME.fullmatch(name) and token:
            return world, name, token, asked.get("fresh") is True
    raise Refusal(400, "world, name (of 1 to 100 characters, without slashes) and token must be given")


async def _letters_gone(mail: Mail) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await mail.storage.outbox.emptied()
    except TimeoutError:
        raise Refusal(409, "letters that scripts have written wait for the relay, which does not take them") from None
