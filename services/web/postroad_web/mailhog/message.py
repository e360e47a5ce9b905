"""/api/v1/messages/{id}: one message, as JSON or as a file, and its parts; and how it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from postroad.mime.text import undo
from postroad_web.catalog.catalog import ContentGone
from postroad_web.catalog.record import Origin
from postroad_web.mailhog.content import read
from postroad_web.mailhog.messages import empty, json
from postroad_web.mailhog.shapes import sent_by
from postroad_web.mailpit.endpoint import Refused
from postroad_web.message.reader import at_once_or_in_a_thread

if TYPE_CHECKING:
    from postroad_web.catalog.record import Record
    from postroad_web.mailhog.letters import Letters
    from postroad_web.mailpit.endpoint import Call

_NULL = b"null"
# Fields of a part that an answer has too. Others would be read as HTTP's, and change what a browser makes of it.
_PASSED_ON = frozenset(
    {"content-description", "content-disposition", "content-id", "content-transfer-encoding", "content-type"}
)


def ident_of(call: Call) -> str:
    """Return the ID that the path names. MailHog's IDs end with `@` and a host name, which may be there or not."""
    return call.segment("id").partition("@")[0]


async def found(call: Call) -> Record | None:
    """Return the message that the path names, if there is one."""
    try:
        record = await call.mailbox.find(ident_of(call))
    except Refused:
        return None
    return None if record.origin is Origin.REPORT else record


class One:
    """The handler of a message's JSON."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    async def message(self, call: Call) -> Response:
        """Answer the message; null if there is none, and clients rely on it."""
        record = await found(call)
        if record is None:
            return json(_NULL)
        try:
            return json(await self._letters.one(record))
        except ContentGone:
            return json(_NULL)


async def delete(call: Call) -> Response:
    """Delete the message; MailHog fails if there is none."""
    record = await found(call)
    if record is None:
        return empty(500)
    await call.mailbox.delete([record.id])
    return empty()


async def download(call: Call) -> Response:
    """Answer the message as a file."""
    record, octets = await _sent(call)
    name = f'attachment; filename="{record.id}.eml"'
    return Response(octets, headers={"Content-Type": "message/rfc822", "Content-Disposition": name})


async def part(call: Call) -> Response:
    """Answer a part as a file, with the fields of its header, without the transfer encoding base64."""
    record, octets = await _sent(call)
    content = await at_once_or_in_a_thread(len(octets), read, octets)
    number = call.segment("part")
    parts = content.parts or ()
    if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(parts)):
        raise Refused(404, "")
    entity = parts[int(number)]
    encodings = entity.values("content-transfer-encoding")
    is_base64 = bool(encodings) and encodings[-1].strip().lower() == "base64"
    answer = Response(undo(entity.body, b"base64") if is_base64 else entity.body)
    answer.headers["Content-Disposition"] = f'attachment; filename="{record.id}-part-{number}"'
    for name, values in entity.headers.items():
        if name.lower() in _PASSED_ON and values[-1].isascii() and values[-1].isprintable():
            answer.headers[name] = values[-1]
    return answer


async def _sent(call: Call) -> tuple[Record, bytes]:
    record = await found(call)
    if record is None:
        raise Refused(404, "")
    return record, sent_by(record, await call.mailbox.services.catalog.content(record.id))
