"""How the native API shows messages: as a summary in lists and events, and whole with the parsed content.

Names are in snake_case. Times are texts as in RFC 3339, in UTC, to the millisecond.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postroad_web.api.describe import record as object_of
from postroad_web.message.parsed import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.catalog.record import Address, RecipientState, Record
    from postroad_web.message.parsed import Parsed, Part


def summary(record: Record) -> dict[str, Any]:
    """Return what lists and events show of a message. `subject` and the like are null until the content is read."""
    digest = record.digest
    return {
        "id": record.id,
        "number": record.number,
        "world": record.world,
        "origin": record.origin,
        "state": record.state,
        "arrived": time(record.arrived),
        "sender": record.sender,
        "recipients": [_recipient(recipient) for recipient in record.recipients],
        "message_id": record.message_id,
        "size": record.size,
        "subject": None if digest is None else digest.subject,
        "from": [] if digest is None else _people(digest.from_),
        "to": [] if digest is None else _people(digest.to),
        "cc": [] if digest is None else _people(digest.cc),
        "bcc": [] if digest is None else _people(digest.bcc),
        "reply_to": [] if digest is None else _people(digest.reply_to),
        "date": None if digest is None else time(digest.date),
        "snippet": "" if digest is None else digest.snippet,
        "attachment_count": 0 if digest is None else digest.attachments,
        "inline_count": 0 if digest is None else digest.inline,
        "read": record.read,
        "tags": list(record.tags),
        "about": record.about,
        "reports": list(record.reports),
        "login": record.login,
        "peer": record.peer,
        "client": record.client,
        "protocol": record.protocol,
        "tls": record.tls,
    }


def whole(record: Record, parsed: Parsed | None) -> dict[str, Any]:
    """Return all of a message; `content` is null if it is gone."""
    return summary(record) | {"content": None if parsed is None else content(parsed)}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time(seconds: float | None) -> str | None:
    """Return a time in seconds since the epoch as RFC 3339 has it; None also for one that no calendar has."""
    if seconds is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return None


def content(parsed: Parsed) -> dict[str, Any]:
    """Return the parsed content."""
    return {
        "text": parsed.text,
        "text_is_generated": parsed.text_is_generated,
        "html": parsed.html,
        "headers": [{"name": field.name, "value": field.value} for field in parsed.headers],
        "parts": [
            {
                "part_id": part.part_id,
                "role": part.role,
                "content_type": part.content_type,
                "charset": part.charset,
                "filename": part.filename,
                "size": part.size,
            }
            for part in parsed.parts
        ],
        "attachments": [_part(part) for part in parsed.attachments],
        "inline": [_part(part) for part in parsed.inline],
        "links": [link._asdict() for link in parsed.links],
        "codes": [code._asdict() for code in parsed.codes],
        "list_unsubscribe": {
            "header": parsed.list_unsubscribe.header,
            "post": parsed.list_unsubscribe.post,
            "links": list(parsed.list_unsubscribe.links),
            "one_click": parsed.list_unsubscribe.one_click,
            "errors": list(parsed.list_unsubscribe.errors),
        },
    }


def _recipient(recipient: RecipientState) -> dict[str, Any]:
    return {
        "address": recipient.address,
        "state": recipient.state,
        "reason": recipient.reason,
        "host": recipient.host,
        "due": time(recipient.due),
        "attempts": recipient.attempts,
        "copies": [
            {
                "account": copy.account,
                "mailbox": copy.mailbox,
                "uid_validity": copy.uid_validity,
                "uid": copy.uid,
                "removed": copy.removed,
            }
            for copy in recipient.copies
        ],
    }


def _people(addresses: Iterable[Address]) -> list[dict[str, str]]:
    return [address._asdict() for address in addresses]


def _part(part: Part) -> dict[str, Any]:
    return {
        "part_id": part.part_id,
        "filename": part.filename,
        "content_type": part.content_type,
        "content_id": part.content_id,
        "size": part.size,
        "md5": part.md5,
        "sha1": part.sha1,
        "sha256": part.sha256,
    }


_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_NUMBER = {"type": "integer"}
TIME = {"type": "string", "format": "date-time"}
MAYBE_TIME = {"type": ["string", "null"], "format": "date-time"}
_PEOPLE = {"type": "array", "items": object_of({"name": _TEXT, "address": _TEXT})}
_PARTS = {
    "type": "array",
    "items": object_of(
        {
            "part_id": _TEXT,
            "filename": _TEXT,
            "content_type": _TEXT,
            "content_id": _TEXT,
            "size": _NUMBER,
            "md5": _TEXT,
            "sha1": _TEXT,
            "sha256": _TEXT,
        }
    ),
}
_RECIPIENT = object_of(
    {
        "address": _TEXT,
        "state": {"type": "string", "description": "queued, deferred, held, delivered, captured, failed or dropped"},
        "reason": {"type": "string", "description": "the last reply"},
        "host": {"type": "string", "description": "who gave it"},
        "due": {**MAYBE_TIME, "description": "of the next attempt"},
        "attempts": _NUMBER,
        "copies": {
            "type": "array",
            "items": object_of(
                {
                    "account": _TEXT,
                    "mailbox": _TEXT,
                    "uid_validity": _NUMBER,
                    "uid": _NUMBER,
                    "removed": {"type": "boolean"},
                }
            ),
        },
    }
)
SUMMARY = object_of(
    {
        "id": {"type": "string", "description": "the queue ID, which the 250 named"},
        "number": {"type": "integer", "description": "grows with each message, so that it is a cursor"},
        "world": _TEXT,
        "origin": {"type": "string", "description": "app, submission, submissions, smtp or report"},
        "state": {"type": "string", "description": "that of the slowest recipient"},
        "arrived": TIME,
        "sender": {**_MAYBE, "description": "of the envelope; null: the null reverse-path"},
        "recipients": {"type": "array", "items": _RECIPIENT},
        "message_id": _MAYBE,
        "size": _NUMBER,
        "subject": {**_MAYBE, "description": "null until the content has been read"},
        "from": _PEOPLE,
        "to": _PEOPLE,
        "cc": _PEOPLE,
        "bcc": _PEOPLE,
        "reply_to": _PEOPLE,
        "date": {**MAYBE_TIME, "description": "of the Date field"},
        "snippet": _TEXT,
        "attachment_count": _NUMBER,
        "inline_count": _NUMBER,
        "read": {"type": "boolean"},
        "tags": {"type": "array", "items": _TEXT},
        "about": {**_MAYBE, "description": "of a notification: the message that it is about"},
        "reports": {"type": "array", "items": _TEXT, "description": "the notifications about it"},
        "login": _MAYBE,
        "peer": _TEXT,
        "client": _TEXT,
        "protocol": _TEXT,
        "tls": _MAYBE,
    }
)
CONTENT = object_of(
    {
        "text": _TEXT,
        "text_is_generated": {"type": "boolean", "description": "whether the text was made of the HTML"},
        "html": _TEXT,
        "headers": {"type": "array", "items": object_of({"name": _TEXT, "value": _TEXT})},
        "parts": {
            "type": "array",
            "description": "all of them; the IDs are enmime's, as in Mailpit",
            "items": object_of(
                {
                    "part_id": _TEXT,
                    "role": {"type": "string", "enum": [role.value for role in Role]},
                    "content_type": _TEXT,
                    "charset": _TEXT,
                    "filename": _TEXT,
                    "size": _NUMBER,
                }
            ),
        },
        "attachments": _PARTS,
        "inline": _PARTS,
        "links": {
            "type": "array",
            "items": object_of(
                {
                    "url": _TEXT,
                    "text": {"type": "string", "description": "what the reader sees"},
                    "kind": {"type": "string", "enum": ["link", "unsubscribe", "mail", "phone", "other"]},
                    "source": {"type": "string", "enum": ["html", "text"]},
                }
            ),
        },
        "codes": {
            "type": "array",
            "description": "what may be one-time codes, the likeliest first",
            "items": object_of({"value": _TEXT, "reason": _TEXT, "score": _NUMBER}),
        },
        "list_unsubscribe": object_of(
            {
                "header": _TEXT,
                "post": _TEXT,
                "links": {"type": "array", "items": _TEXT},
                "one_click": {"type": "boolean", "description": "whether one POST unsubscribes (RFC 8058)"},
                "errors": {"type": "array", "items": _TEXT},
            }
        ),
    }
)
WHOLE = object_of(
    {**SUMMARY["properties"], "content": {"anyOf": [CONTENT, {"type": "null"}], "description": "null if it is gone"}}
)
