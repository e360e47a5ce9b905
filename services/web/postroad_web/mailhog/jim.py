"""/api/v2/jim: Jim, who makes the relay refuse, cut off or slow down its clients, on the app door and for submission.

Jim's chances are the relay's faults, in percent there. He is there while the refusals have MailHog's words; Mailpit's
chaos, which sets others, drives him away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad_web.mailhog.chances import Chances, chances_in, chances_of, faults_of
from postroad_web.mailpit import gojson

if TYPE_CHECKING:
    from postroad_web.mailpit.endpoint import Call


async def show(call: Call) -> Response:
    """Answer Jim's chances; 404 if he is not there."""
    chances = chances_of(await _faults(call))
    if chances is None:
        return Response(status_code=404)
    return Response(gojson.encode(chances.shape())[:-1], headers={"Content-Type": "application/json"})


async def invite(call: Call) -> Response:
    """Have Jim come, with the chances of the body; a body that can't be read gives him his own. 400 if he is there."""
    if chances_of(await _faults(call)) is not None:
        return Response(status_code=400)
    try:
        chances, seed = chances_in(await call.struct())
    except gojson.BadJsonError:
        chances, seed = Chances(), 0
    await _put(call, faults_of(chances, seed))
    return Response(status_code=201)


async def change(call: Call) -> Response:
    """Give Jim other chances; 404 if he is not there, 400 if they can't be read."""
    if chances_of(await _faults(call)) is None:
        return Response(status_code=404)
    try:
        chances, seed = chances_in(await call.struct())
    except gojson.BadJsonError:
        return Response(status_code=400)
    await _put(call, faults_of(chances, seed))
    return Response()


async def dismiss(call: Call) -> Response:
    """Have Jim go; 404 if he is not there."""
    if chances_of(await _faults(call)) is None:
        return Response(status_code=404)
    await _put(call, {})
    return Response()


async def _faults(call: Call) -> Any:
    return await call.mailbox.services.relay.get("/faults", world=call.mailbox.world)


async def _put(call: Call, faults: dict[str, Any]) -> None:
    await call.mailbox.services.relay.put("/faults", faults, world=call.mailbox.world)
