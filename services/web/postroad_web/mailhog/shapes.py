"""Messages as MailHog's JSON has them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_web.mailhog.content import read, text
from postroad_web.mailpit.dates import rfc3339
from postroad_web.mailpit.source import taken

if TYPE_CHECKING:
    from postroad_web.catalog.record import Record
    from postroad_web.mailhog.content import Content


def sent_by(record: Record, copy: bytes) -> bytes:
    """Return what the client sent of a message, from a copy of it; MailHog leaves the last line end out."""
    return taken(record, copy)[1].removesuffix(b"\r\n")


def message(record: Record, copy: bytes) -> dict[str, Any]:
    """Return a message, from a copy of the relay or of the store."""
    field, sent = taken(record, copy)
    sent = sent.removesuffix(b"\r\n")
    content = read(sent)
    sender = record.sender or ""
    # MailHog appends these two to what the client has sent of them.
    _append(content, "Received", text(field.partition(b": ")[2].rstrip(b"\r\n")))
    _append(content, "Return-Path", f"<{sender}>")
    shape = _content(content)
    recipients = [recipient.address for recipient in record.recipients]
    return {
        "ID": record.id,
        "From": path(sender),
        "To": [path(address) for address in recipients],
        "Content": shape | {"MIME": None},  # it is a member of its own, below
        "Created": rfc3339(record.arrived),
        "MIME": shape["MIME"],
        "Raw": {"From": sender, "To": recipients, "Data": text(sent), "Helo": record.client},
    }


def path(address: str) -> dict[str, Any]:
    """Return an address of the envelope."""
    mailbox, _, domain = address.partition("@")
    return {"Relays": None, "Mailbox": mailbox, "Domain": domain, "Params": ""}


def items(total: int, start: int, count: int) -> dict[str, Any]:
    """Return a page without its messages, which `items`, the last member, is for."""
    return {"total": total, "count": count, "start": start, "items": []}


def _append(content: Content, name: str, value: str) -> None:
    same = next((given for given in content.headers if given.lower() == name.lower()), name)
    content.headers.setdefault(same, []).append(value)


def _content(content: Content) -> dict[str, Any]:
    parts = content.parts
    return {
        "Headers": dict(sorted(content.headers.items())),  # as Go writes maps
        "Body": text(content.body),
        "Size": content.size,
        "MIME": None if parts is None else {"Parts": [_content(part) for part in parts]},
    }
