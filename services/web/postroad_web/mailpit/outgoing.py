"""What POST /api/v1/send asks for, as a message to be written. Pure. The errors are Mailpit's sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad_web.catalog.record import Address
from postroad_web.catalog.tags import MOST
from postroad_web.message.compose import Attachment, Draft, octets_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.mailpit.gojson import Struct

# Fields that have members of their own, or that are written for everybody.
_RESERVED = {
    name.lower() for name in ("To", "From", "Cc", "Bcc", "Reply-To", "Date", "Subject", "Content-Type", "Mime-Version")
}


class SendError(ValueError):
    """The request can't be carried out; the text is the answer's."""


def draft_of(asked: Struct) -> Draft:
    """Return the message; raises `SendError` and `gojson.BadJsonError`."""
    headers = asked.mapping("Headers")
    tags = [tag.strip() for tag in asked.texts("Tags") if tag.strip()]
    for name in headers:
        if name.lower() in _RESERVED or (tags and name.lower() == "x-tags"):
            raise SendError(f'cannot overwrite header: "{name}"')
    if not asked.struct("From").text("Email").strip():
        raise SendError("error building message: from not set")
    if len(tags) > MOST:
        raise SendError(f"too many tags: at most {MOST}")
    drafted = _draft(asked, headers, tags)
    if not drafted.recipients:
        raise SendError("error building message: no recipients (to, cc, bcc) set")
    return drafted


def _draft(asked: Struct, headers: dict[str, str], tags: list[str]) -> Draft:
    extra = (("X-Tags", ", ".join(tags)),) if tags else ()
    text, html = asked.text("Text"), asked.text("HTML")
    attachments = tuple(_attachment(one) for one in asked.structs("Attachments"))
    if not (attachments or (text and html)):
        text, html = _ended(text), _ended(html)
    return Draft(
        from_=_person("From", asked.struct("From")),
        to=_people("To", asked.structs("To")),
        cc=_people("Cc", asked.structs("Cc")),
        bcc=tuple(_checked("Bcc", "", address) for address in asked.texts("Bcc")),
        reply_to=_people("Reply-To", asked.structs("ReplyTo")),
        subject=asked.text("Subject"),
        text=text or (None if html else ""),
        html=html or None,
        attachments=attachments,
        headers=(*headers.items(), *extra),
    )


def _ended(text: str) -> str:
    """Return the text of a message's only part with an empty line more if it ends with a line end.

    SMTP ends the last line of a message in any case; `shapes.texts` takes one line end away.
    """
    return text + "\n" if text.endswith("\n") else text


def _people(field: str, people: Iterable[Struct]) -> tuple[Address, ...]:
    return tuple(_person(field, person) for person in people)


def _person(field: str, person: Struct) -> Address:
    return _checked(field, person.text("Name"), person.text("Email"))


def _checked(field: str, name: str, address: str) -> Address:
    address = address.strip()
    try:
        parse_address(address)
    except AddressError as error:
        raise SendError(f"invalid {field} address: {address}") from error
    return Address(name, address)


def _attachment(asked: Struct) -> Attachment:
    name = asked.text("Filename")
    try:
        content = octets_of(asked.text("Content"))
    except ValueError as error:
        raise SendError(f'error decoding base64 attachment "{name}": {error}') from error
    if not name and not content:
        raise SendError("attachment without name and content")
    return Attachment(
        content=content, filename=name, content_type=asked.text("ContentType"), content_id=asked.text("ContentID")
    )
