"""/api/v1/send: a message in JSON, which takes the road of every other message: in by the app door.

Here alone Mailpit's errors are JSON.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from postroad_web.api.problem import Problem
from postroad_web.mailpit import gojson
from postroad_web.mailpit.endpoint import Call, json
from postroad_web.mailpit.outgoing import SendError, draft_of
from postroad_web.message.compose import ComposeError, compose_message
from postroad_web.sending.appdoor import submit
from postroad_web.sending.transaction import AwayError, EnvelopeError, RefusedError

if TYPE_CHECKING:
    from starlette.responses import Response


async def send(call: Call) -> Response:
    """Send a message; answer its ID."""
    services = call.mailbox.services
    try:
        draft = draft_of(await call.struct())
        sent = await submit(
            services.settings,
            services.world,
            services.clock,
            sender=draft.from_.address,
            recipients=draft.recipients,
            content=await asyncio.to_thread(compose_message, draft),
            of=call.mailbox.world,
            login=_user(call) if services.settings.web_auth else "",
        )
    except (gojson.BadJsonError, SendError, ComposeError, EnvelopeError, RefusedError) as error:
        return _failed(400, str(error))
    except AwayError as error:
        return _failed(503, str(error))
    except gojson.TooManyValuesError as error:
        return _failed(413, str(error))
    except Problem as problem:  # the body is too large
        return _failed(problem.status, problem.detail or problem.title)
    await call.mailbox.fresh()
    return json({"ID": sent.id})


def _user(call: Call) -> str:
    """Return the user of Basic authentication (RFC 7617 §2), whose password has been checked before."""
    _, _, credentials = call.request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(credentials).decode("utf-8").partition(":")[0]
    except ValueError:
        return ""


def _failed(status: int, why: str) -> Response:
    answer = json({"Error": why}, status)
    if status == 503:
        answer.headers["Retry-After"] = "1"
    return answer
