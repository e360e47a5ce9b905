"""POST /v1/messages: a message is written, or taken as it is, and goes through the app door."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad_web.api.answer import json
from postroad_web.api.describe import OCTETS, operation, record
from postroad_web.api.fields import (
    Kind,
    Wrong,
    body_of,
    given,
    inner,
    line,
    many,
    mapping,
    media_type_of,
    query_of,
    refusal,
    wrong,
)
from postroad_web.api.fields import text as words
from postroad_web.api.problem import Problem
from postroad_web.api.scope import prefix_of, world_of
from postroad_web.catalog.record import Address
from postroad_web.message.addresses import addresses
from postroad_web.message.compose import Attachment, ComposeError, Draft, compose_message, octets_of
from postroad_web.message.parse import without_fields
from postroad_web.sending.appdoor import submit
from postroad_web.sending.transaction import Answer, AwayError, EnvelopeError, RefusedError
from postroad_web.waiting.waits import arrival

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record

SEEN_WITHIN = 1.0  # seconds in which the catalog should know of a message that was accepted
MOST_PEOPLE = 1000
_MAX_TEXT = 32 << 20  # characters
_MESSAGE = "message/rfc822"
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A name and an address."""

    name: str = given(line(least=0, most=500), "the name that is shown", default="")
    address: str = given(line(most=320), "the address")


def person() -> Kind:
    """Take a person: an object, or a text as it stands in a field."""
    whole, written = inner(Person), line()

    def parse(value: Any) -> Address:
        if not isinstance(value, str):
            read = whole.parse(value)
            return Address(read.name, read.address)
        mailboxes = addresses(written.parse(value).encode("utf-8", "replace"))
        if len(mailboxes) != 1 or "@" not in mailboxes[0].address:
            raise wrong("must be one address, such as ann@alpha.test or Ann <ann@alpha.test>")
        return mailboxes[0]

    return Kind(parse, {"anyOf": [{"type": "string"}, whole.schema]})


def octets() -> Kind:
    """Take octets in base64."""

    def parse(value: Any) -> bytes:
        if not isinstance(value, str):
            raise wrong("must be octets in base64")
        try:
            return octets_of(value)
        except ValueError:
            raise wrong("must be octets in base64") from None

    return Kind(parse, {"type": "string", "contentEncoding": "base64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file."""

    content: bytes = given(octets(), "its octets in base64")
    filename: str = given(line(least=0, most=255), "its name", default="", example="invoice.pdf")
    content_type: str = given(
        line(least=0, most=255), "its media type; found from the name or the content if left out", default=""
    )
    content_id: str = given(
        line(least=0, most=200), "the name by which the HTML shows it: `cid:logo` for logo", default=""
    )


_FIELDS = mapping(line(least=0, most=50_000), most=200)
_PERSON = person()
_PEOPLE = many(_PERSON, most=MOST_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to be written."""

    from_: Address = given(  # noqa: RUF009 - it is field()
        _PERSON, "who writes it", name="from", example="Shop <shop@example.com>"
    )
    to: tuple[Address, ...] = given(_PEOPLE, "to whom", default=(), example=["bob@beta.test"])
    cc: tuple[Address, ...] = given(_PEOPLE, "to whom else", default=())
    bcc: tuple[Address, ...] = given(_PEOPLE, "to whom else, without being named", default=())
    reply_to: tuple[Address, ...] = given(_PEOPLE, "where replies go", default=())
    subject: str = given(line(least=0, most=10_000), "the subject", default="")
    text: str | None = given(words(most=_MAX_TEXT), "the text", default=None)
    html: str | None = given(words(most=_MAX_TEXT), "the same as HTML", default=None)
    attachments: tuple[File, ...] = given(many(inner(File), most=1000), "files", default=())
    headers: dict[str, str] | None = given(_FIELDS, "further header fields", default=None)  # noqa: RUF009 - it is field()
    tags: tuple[str, ...] = given(many(line(most=100), most=100), "for the field X-Tags", default=())
    sender: str | None = given(
        line(least=0, most=320),
        'the envelope\'s sender, if it is not `from`; "" is the null reverse-path',
        default=None,
    )
    recipients: tuple[str, ...] | None = given(
        many(line(most=320), least=1, most=MOST_PEOPLE),
        "the envelope's recipients, if they are not `to`, `cc` and `bcc`",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeOf:
    """The envelope of a message that is sent as it is."""

    from_: str | None = given(
        line(least=0, most=320),
        'the sender, if it is not that of From; "" is the null reverse-path',
        default=None,
        name="from",
    )
    to: tuple[str, ...] | None = given(
        many(line(most=320), least=1, most=MOST_PEOPLE),
        "the recipients; left out: those of To, Cc and Bcc, and Bcc is taken out of the message",
        default=None,
    )


def handler(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return what serves POST."""

    async def send(request: Request) -> Response:
        read = _as_it_is if media_type_of(request) == _MESSAGE else _written
        sender, recipients, content = await read(request)
        catalog = services.catalog.every  # the world is what the relay finds
        changes = catalog.subscribe()
        record: Record | None = None
        try:
            sent = await submit(
                services.settings,
                services.world,
                services.clock,
                sender=sender,
                recipients=recipients,
                content=content,
                of=world_of(request),
            )
            with suppress(TimeoutError):  # its URL can be read once the catalog knows the message
                async with asyncio.timeout(SEEN_WITHIN):
                    record = await arrival(catalog, changes, sent.id)
        except EnvelopeError as error:
            raise Problem(422, "The envelope is not right", f"The envelope is not right: {error}.") from None
        except RefusedError as error:
            raise refused(error) from None
        except AwayError as error:
            raise Problem(503, "The app door is away", f"{error}.", service="relay") from None
        finally:
            changes.close()
        # Without an app's name the recipients say whose the message is.
        prefix = prefix_of(request)
        if record is not None and record.world != world_of(request):
            prefix = f"/w/{record.world}"
        url = f"{prefix}/v1/messages/{sent.id}"
        answers = {
            "id": sent.id,
            "url": url,
            "refused": [told(answer) for answer in sent.answers if not answer.accepted],
        }
        return json(answers, 201, headers={"Location": url})

    return send


def refused(error: RefusedError) -> Problem:
    """Return the problem of a message that a server has refused."""
    answers = [told(answer) for answer in error.answers]
    return Problem(422, "The message was refused", f"The server said: {error}", refused=answers)


def told(answer: Answer) -> dict[str, str]:
    """Return what a server said of a recipient."""
    return {"address": answer.address, "reply": answer.reply}


async def _written(request: Request) -> tuple[str, list[str], bytes]:
    """Return sender, recipients and content of a message that is to be written; raises `Problem`."""
    asked = await body_of(request, Message)
    tags = (("X-Tags", ", ".join(asked.tags)),) if asked.tags else ()
    draft = Draft(
        from_=asked.from_,
        to=asked.to,
        cc=asked.cc,
        bcc=asked.bcc,
        reply_to=asked.reply_to,
        subject=asked.subject,
        text=asked.text,
        html=asked.html,
        attachments=tuple(
            Attachment(
                content=file.content,
                filename=file.filename,
                content_type=file.content_type,
                content_id=file.content_id,
            )
            for file in asked.attachments
        ),
        headers=(*(asked.headers or {}).items(), *tags),
    )
    recipients = draft.recipients if asked.recipients is None else asked.recipients
    if not recipients:
        raise refusal(Wrong([("to", "or cc, bcc or recipients must name somebody")]))
    try:
        content = await asyncio.to_thread(compose_message, draft)
    except ComposeError as error:
        raise Problem(422, "The message can't be written", f"The message can't be written: {error}.") from None
    return asked.from_.address if asked.sender is None else asked.sender, list(recipients), content


async def _as_it_is(request: Request) -> tuple[str, list[str], bytes]:
    """Return sender, recipients and content of a message that is sent as it is; raises `Problem`."""
    envelope = query_of(request, EnvelopeOf)
    content = _LINE_END.sub(b"\r\n", await request.body())
    if not content:
        raise Problem(400, "No message", "The body has to be a message.")
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if b"\0" in content:
        raise Problem(422, "The message can't be sent", "It has a NUL, which SMTP can't carry.")
    kept, taken = without_fields(content, frozenset({b"bcc"}), of=frozenset({b"from", b"to", b"cc"}))
    sender = envelope.from_
    if sender is None:
        sender = next((person.address for value in taken[b"from"] for person in addresses(value)), "")
    if envelope.to is not None:
        return sender, list(envelope.to), content
    people = [person.address for name in (b"to", b"cc", b"bcc") for value in taken[name] for person in addresses(value)]
    if not people:
        raise refusal(Wrong([("to", "is missing, and the message names no recipient")]))
    return sender, list(dict.fromkeys(people)), kept


_TEXT = {"type": "string"}
REFUSED = {"type": "array", "items": record({"address": _TEXT, "reply": _TEXT})}
OPENAPI = operation(
    "messages",
    "Send a message",
    description=(
        "Through the app door, so that it takes the road of all mail. Answered with its queue ID and URL once it is "
        "accepted. A body of type message/rfc822 is sent as it is, and the query string gives its envelope (`from`, "
        "and `to`, several times). 422 if all recipients are refused, with the server's replies."
    ),
    query=EnvelopeOf,
    body=Message,
    example={
        "from": {"name": "Shop", "address": "shop@example.com"},
        "to": ["bob@beta.test"],
        "subject": "Your order",
        "text": "Thank you.",
        "html": "<p>Thank you.</p>",
    },
    status=201,
    answer=record({"id": _TEXT, "url": _TEXT, "refused": REFUSED}),
    errors=(413, 503),
)
OPENAPI["requestBody"]["content"][_MESSAGE] = {"schema": OCTETS}
