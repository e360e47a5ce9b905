"""Records and parsed messages as Mailpit's JSON has them. Pure.

Arrays are never null here; Mailpit is not so strict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control import names
from postroad_web.catalog.record import Digest
from postroad_web.mailpit.dates import offset_of, rfc3339
from postroad_web.mailpit.source import envelope_only, size
from postroad_web.message.parsed import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.catalog.record import Address, Record
    from postroad_web.message.parsed import Parsed, Part

_UNREAD = Digest()
NOBODY = {"Name": "", "Address": ""}


def addresses(mailboxes: Iterable[Address]) -> list[dict[str, str]]:
    """Return the mailboxes of an address field."""
    return [{"Name": name, "Address": address} for name, address in mailboxes]


def blind(record: Record, hidden: Iterable[str]) -> list[dict[str, str]]:
    """Return the mailboxes of Bcc, and `hidden`, the recipients that only the envelope names."""
    named = () if record.digest is None else record.digest.bcc
    return [*addresses(named), *({"Name": "", "Address": address} for address in hidden)]


def tags_of(record: Record) -> list[str]:
    """Return the tags, sorted."""
    return sorted(record.tags, key=str.lower)


def bare(message_id: str | None) -> str:
    """Return a Message-ID without its angle brackets."""
    return (message_id or "").strip().removeprefix("<").removesuffix(">")


def summary(record: Record) -> dict[str, Any]:
    """Return the record as a row of a list, and as the event `new` has it."""
    digest = record.digest or _UNREAD
    senders = addresses(digest.from_[:1])
    hidden = envelope_only(record)
    return {
        "ID": record.id,
        "MessageID": bare(record.message_id),
        "Read": record.read,
        "From": senders[0] if senders else NOBODY,
        "To": addresses(digest.to),
        "Cc": addresses(digest.cc),
        "Bcc": blind(record, hidden),
        "ReplyTo": addresses(digest.reply_to),
        "Subject": digest.subject,
        "Created": rfc3339(record.arrived),
        "Username": record.login or "",
        "Tags": tags_of(record),
        "Size": size(record, hidden),
        "Attachments": digest.attachments,
        "Snippet": digest.snippet,
    }


def listing(
    count: int,
    *,
    whole: tuple[int, int],
    matching: tuple[int, int],
    start: int,
    tags: Iterable[str],
) -> dict[str, Any]:
    """Return a page without its rows, which `messages`, the last member, is for.

    `whole` and `matching` are how many messages there are, and how many of them are unread.
    """
    return {
        "total": whole[0],
        "unread": whole[1],
        "count": count,
        "messages_count": matching[0],
        "messages_unread": matching[1],
        "start": start,
        "tags": sorted(tags, key=str.lower),
        "messages": [],
    }


def attachment(part: Part) -> dict[str, Any]:
    """Return an attachment or an inline part."""
    return {
        "PartID": part.part_id,
        "FileName": part.filename or part.content_id,
        "ContentType": part.content_type,
        "ContentID": part.content_id,
        "Size": part.size,
        "Checksums": {"MD5": part.md5, "SHA1": part.sha1, "SHA256": part.sha256},
    }


def texts(record: Record, parsed: Parsed) -> tuple[str, str]:
    """Return the text and the HTML of a message.

    A message that was sent by HTTP comes back as it was sent. SMTP has made its line ends CRLF, and has ended its last
    line.
    """
    if record.client != names.WEB:
        return parsed.text, parsed.html
    text, html = (body.replace("\r\n", "\n") for body in (parsed.text, parsed.html))
    if parsed.parts[0].role is not Role.MULTIPART:
        return text.removesuffix("\n"), html.removesuffix("\n")
    return text, html


def message(record: Record, parsed: Parsed) -> dict[str, Any]:
    """Return the whole message, as GET /api/v1/message/{id} has it."""
    digest = record.digest or _UNREAD
    senders = addresses(digest.from_[:1])
    date, offset = (record.arrived, 0) if digest.date is None else (digest.date, offset_of(parsed.header("date") or ""))
    off = parsed.list_unsubscribe
    hidden = envelope_only(record)
    text, html = texts(record, parsed)
    return {
        "ID": record.id,
        "MessageID": bare(record.message_id),
        "From": senders[0] if senders else None,
        "To": addresses(digest.to),
        "Cc": addresses(digest.cc),
        "Bcc": blind(record, hidden),
        "ReplyTo": addresses(digest.reply_to),
        "ReturnPath": record.sender or (senders[0]["Address"] if senders else ""),
        "Subject": digest.subject,
        "ListUnsubscribe": {
            "Header": off.header,
            "Links": list(off.links),
            "Errors": ", ".join(off.errors),
            "HeaderPost": off.post,
        },
        "Date": rfc3339(date, offset),
        "Tags": tags_of(record),
        "Username": record.login or "",
        "Text": text,
        "HTML": html,
        "Size": size(record, hidden),
        "Inline": [attachment(part) for part in parsed.inline],
        "Attachments": [attachment(part) for part in parsed.attachments],
    }


def refusal(event: dict[str, Any]) -> dict[str, str]:
    """Return a refusal of the relay, an event of its journal, as the event `error` has it."""
    reply = str(event["reply"])
    level = "warning" if reply.startswith("4") else "error"
    return {"Level": level, "Type": "smtpd", "IP": str(event.get("peer", "")), "Message": reply}


def of_old(record: Record) -> dict[str, Any]:
    """Return the members that a message had in releases before 1.20, too."""
    return {"Read": True, "Created": rfc3339(record.arrived)}
