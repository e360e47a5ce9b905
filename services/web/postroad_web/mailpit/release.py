"""/api/v1/message/{id}/release: a message goes on to a real server, if POSTROAD_RELEASE names one."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad.mail.dates import date_time
from postroad_web.mailpit.endpoint import NOT_FOUND, Call, Refused, ok
from postroad_web.mailpit.mailbox import LATEST
from postroad_web.mailpit.message import found
from postroad_web.mailpit.source import renewed
from postroad_web.sending.release import release as send_on
from postroad_web.sending.transaction import EnvelopeError, SendError

if TYPE_CHECKING:
    from starlette.responses import Response

OFF = "SMTP relay is not enabled: POSTROAD_RELEASE names no server"


async def release(call: Call) -> Response:
    """Send a message on, with a new Date and Message-ID, and without Bcc."""
    services = call.mailbox.services
    if not services.settings.release:
        raise Refused(400, OFF)
    if call.segment("id") == LATEST:  # Mailpit has no latest here
        raise Refused(404, NOT_FOUND)
    record = await found(call)
    recipients = (await call.struct()).texts("To")
    for address in recipients:
        try:
            parse_address(address)
        except AddressError:
            raise Refused(400, f"Invalid email address: {address}") from None
    if not recipients:
        raise Refused(400, "No valid addresses found")
    now = date_time(services.clock.now())
    content = renewed(
        await services.catalog.content(record.id), date=now, message_id=f"<{secrets.token_hex(11)}@mailpit>"
    )
    try:
        await send_on(
            services.settings.release,
            sender=record.sender or "",
            recipients=recipients,
            content=content,
            hostname=socket.gethostname(),
            clock=services.clock,
        )
    except (SendError, EnvelopeError) as error:
        raise Refused(400, f"SMTP error: {error}") from error
    return ok()
