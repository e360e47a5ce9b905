"""/api/v1/messages/{id}/release: a message goes to a server that the request names.

MailHog sends to any server. Here it is one on this machine or a private network, or that of POSTROAD_RELEASE: mail that
was written for a sandbox must not get to real people because somebody has typed a host's name.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad_web.catalog.catalog import ContentGone
from postroad_web.mailhog.message import found
from postroad_web.mailhog.messages import empty
from postroad_web.mailhog.outgoing import SETTING, UnknownError, outgoing_of, servers
from postroad_web.mailhog.shapes import sent_by
from postroad_web.mailpit import gojson
from postroad_web.sending.release import release as send_on
from postroad_web.sending.transaction import EnvelopeError, SendError
from postroad_web.webhooks.hook import may_be_sent_to

if TYPE_CHECKING:
    from postroad_web.mailhog.outgoing import Outgoing
    from postroad_web.mailpit.endpoint import Call

log = logging.getLogger(__name__)

HOSTNAME = "mailhog.example"  # of the reverse-path
BAD_BODY = "Error decoding request body"
NO_MESSAGE = "There is no such message."


async def outgoing(call: Call) -> Response:
    """Answer the servers that have names."""
    shapes = {name: server.shape() for name, server in servers(call.mailbox.services.settings.release).items()}
    return Response(gojson.encode(shapes)[:-1], headers={"Content-Type": "application/json"})


async def release(call: Call) -> Response:
    """Send the message on as it came; if that fails it is 500, as MailHog has it, with the reason."""
    record = await found(call)
    try:
        asked = outgoing_of(await call.struct(), servers(call.mailbox.services.settings.release))
    except gojson.BadJsonError:
        return Response(BAD_BODY, 500)
    except UnknownError as error:
        return Response(str(error), 400)
    if record is None:
        return Response(NO_MESSAGE, 500)
    try:
        copy = await call.mailbox.services.catalog.content(record.id)
        await _send(call, asked, sent_by(record, copy) + b"\r\n")
    except (SendError, EnvelopeError, ContentGone, ValueError) as error:  # ValueError: the port is none
        log.info("a message can't be released", extra={"id": record.id, "reason": str(error)})
        return Response(str(error), 500)
    return empty()


async def _send(call: Call, asked: Outgoing, content: bytes) -> None:
    services = call.mailbox.services
    setting = services.settings.release
    own = servers(setting).get(SETTING)
    is_setting = own is not None and (asked.host.lower(), asked.port) == (own.host, own.port)
    await send_on(
        setting if is_setting else asked.url,
        sender=f"nobody@{HOSTNAME}",
        recipients=[asked.email],
        content=content,
        hostname=socket.gethostname(),
        clock=services.clock,
        may=None if is_setting else may_be_sent_to,
    )
