"""Records of the spool's log: a message came, its recipients made progress, it is done. Pure: to octets and back.

A record is a kind, the queue ID's number, and a body by kind:

    MESSAGE   length of head, head (JSON: the envelope), content
    PROGRESS  JSON: all changes since the message came; the last record counts
    DONE      nothing
    NEWS      of no message: what the journal has to say of the records before it (`news.py`)

The head is JSON so that the envelope may grow; the content follows it unchanged.
"""

from __future__ import annotations

import json
import struct
from dataclasses import field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NewType

from postroad.jsontext import to_json
from postroad.mail.address import Address
from postroad.mail.envelope import BodyType, Envelope, Parameters, Recipient
from postroad.mail.reply import EnhancedStatus, Reply
from postroad.smtp.client.outcome import Deferred, Failed
from postroad.value import value
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QueueId = NewType("QueueId", str)  # 13 hexadecimal digits, capitals; never used twice


class RecordError(ValueError):
    """A record is not of a form that this code knows."""


class Kind(IntEnum):
    """The first octet of a record."""

    MESSAGE = 1
    PROGRESS = 2
    DONE = 3
    NEWS = 4


_HEAD = struct.Struct("<BQ")
_LENGTH = struct.Struct("<I")
_MESSAGE = struct.Struct("<BQI")  # both together


def queue_id(number: int) -> QueueId:
    """Return the queue ID of this number."""
    return QueueId(f"{number:013X}")


def number_of(ident: QueueId) -> int:
    """Return the number of this queue ID."""
    return int(ident, 16)


@value
class Message:
    """The facts about a queued message that do not change once it is accepted.

    `size` is that of the whole content with its trace fields, in octets. `eight_bit` says that the content has octets
    above 127, `utf8_header` that its header section has.
    """

    queue_id: QueueId
    arrived: float  # seconds since the epoch
    envelope: Envelope
    message_id: str | None  # from the header section, with its angle brackets
    size: int
    eight_bit: bool = False
    utf8_header: bool = False
    spilled: bool = False  # the content after the record's own octets is in a file
    reports: QueueId | None = None  # this is a DSN about that message
    login: str | None = None  # the name that AUTH gave, as it was taken

    @property
    def world(self) -> str:
        """The ID of the world that the message belongs to."""
        return self.envelope.world or DEFAULT_WORLD


@value
class Progress:
    """How far a message has come; recipients are named by their index in the envelope.

    A recipient is done when it has the message, or when it is reported: the sender has a DSN about it, or may not get
    one. A failed one has not been reported yet. For a deferred one the last reason is kept, which the DSN quotes if the
    message expires. While a message is held no attempt is made, and it does not expire.
    """

    due: float = 0.0  # seconds since the epoch: when the next attempt is
    attempts: int = 0
    done: frozenset[int] = frozenset()
    failed: Mapping[int, Failed] = field(default_factory=lambda: MappingProxyType({}))
    deferred: Mapping[int, Deferred] = field(default_factory=lambda: MappingProxyType({}))
    reported: frozenset[int] = frozenset()  # among those that are done
    held: bool = False
    warned: bool = False  # the sender has a DSN that it is delayed, or may not get one

    def pending(self, message: Message) -> list[int]:
        """Return the recipients that are neither done nor failed."""
        indexes = range(len(message.envelope.recipients))
        if not self.done and not self.failed:
            return list(indexes)
        return [index for index in indexes if index not in self.done and index not in self.failed]


UNTRIED = Progress()


def encode_message(message: Message, content: bytes | tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the record in pieces, so that the content is not copied."""
    envelope = message.envelope
    path = envelope.reverse_path
    head: dict[str, Any] = {
        "at": message.arrived,
        "from": [path.local_part, path.domain] if path is not None else None,
        "to": [_pack_recipient(recipient) for recipient in envelope.recipients],
        "size": message.size,
    }
    if envelope.body is not None:
        head["body"] = envelope.body.value
    if envelope.parameters:
        head["params"] = envelope.parameters
    if message.message_id is not None:
        head["id"] = message.message_id
    if message.reports is not None:
        head["reports"] = message.reports
    if message.login is not None:
        head["login"] = message.login
    if envelope.world is not None:
        head["world"] = envelope.world
    if envelope.smtputf8:
        head["utf8"] = True
    if message.eight_bit:
        head["8bit"] = True
    if message.utf8_header:
        head["utf8hdr"] = True
    if message.spilled:
        head["file"] = True
    data = to_json(head)
    start = _MESSAGE.pack(Kind.MESSAGE, int(message.queue_id, 16), len(data)) + data
    return (start, *content) if isinstance(content, tuple) else (start, content)


def decode_message(record: bytes | memoryview) -> tuple[Message, int]:
    """Return the message and where in the record its content begins; raises `RecordError`."""
    try:
        kind, number = _HEAD.unpack_from(record)
        (length,) = _LENGTH.unpack_from(record, _HEAD.size)
        start = _HEAD.size + _LENGTH.size
        head = json.loads(bytes(record[start : start + length]))
        if kind != Kind.MESSAGE:
            raise RecordError(f"a record of kind {kind} is no message")
        envelope = Envelope(
            reverse_path=Address(*head["from"]) if head["from"] is not None else None,
            recipients=tuple(
                Recipient(Address(local_part, domain), _unpack_parameters(*parameters))
                for local_part, domain, *parameters in head["to"]
            ),
            body=BodyType(head["body"]) if "body" in head else None,
            smtputf8=head.get("utf8", False),
            parameters=_unpack_parameters(head.get("params", ())),
            world=head.get("world"),
        )
        message = Message(
            queue_id=queue_id(number),
            arrived=head["at"],
            envelope=envelope,
            message_id=head.get("id"),
            size=head["size"],
            eight_bit=head.get("8bit", False),
            utf8_header=head.get("utf8hdr", False),
            spilled=head.get("file", False),
            reports=head.get("reports"),
            login=head.get("login"),
        )
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"not a message: {error!r}") from error
    return message, start + length


def content_at(record: bytes) -> int:
    """Return where in the record of a message its content begins; the record may be cut off. Raises `RecordError`."""
    try:
        (length,) = _LENGTH.unpack_from(record, _HEAD.size)
    except struct.error as error:
        raise RecordError(f"not a message: {error!r}") from error
    return _HEAD.size + _LENGTH.size + int(length)


def encode_progress(ident: QueueId, progress: Progress) -> bytes:
    """Return the record of a message that is not done yet."""
    body: dict[str, Any] = {
        "due": progress.due,
        "attempts": progress.attempts,
        "done": sorted(progress.done),
        "failed": {str(index): _pack(outcome) for index, outcome in progress.failed.items()},
        "deferred": {str(index): _pack(outcome) for index, outcome in progress.deferred.items()},
    }
    if progress.reported:
        body["reported"] = sorted(progress.reported)
    if progress.held:
        body["held"] = True
    if progress.warned:
        body["warned"] = True
    return _HEAD.pack(Kind.PROGRESS, number_of(ident)) + to_json(body)


def decode_progress(record: bytes | memoryview) -> Progress:
    """Return the progress in a record; raises `RecordError`."""
    try:
        body = json.loads(bytes(record[_HEAD.size :]))
        return Progress(
            due=body["due"],
            attempts=body["attempts"],
            done=frozenset(body["done"]),
            failed={int(index): Failed(**_unpack(value)) for index, value in body["failed"].items()},
            deferred={int(index): Deferred(**_unpack(value)) for index, value in body["deferred"].items()},
            reported=frozenset(body.get("reported", ())),
            held=body.get("held", False),
            warned=body.get("warned", False),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(f"not progress: {error!r}") from error


def encode_done(ident: QueueId) -> bytes:
    """Return the record that ends a message."""
    return _HEAD.pack(Kind.DONE, number_of(ident))


def peek(record: bytes | memoryview) -> tuple[Kind, QueueId]:
    """Return which record this is, and of which message; raises `RecordError`."""
    try:
        kind, number = _HEAD.unpack_from(record)
        return Kind(kind), queue_id(number)
    except (struct.error, ValueError) as error:
        raise RecordError(f"not a record: {error!r}") from error


def _pack_recipient(recipient: Recipient) -> list[Any]:
    address = recipient.address
    if not recipient.parameters:
        return [address.local_part, address.domain]
    return [address.local_part, address.domain, recipient.parameters]


def _unpack_parameters(pairs: Sequence[tuple[str, str | None]] = ()) -> Parameters:
    return tuple([(keyword, value) for keyword, value in pairs])


def _pack(outcome: Deferred | Failed) -> dict[str, Any]:
    reply = outcome.reply
    return {
        "status": str(outcome.status),
        "reason": outcome.reason,
        "host": outcome.host,
        "reply": [reply.code, str(reply.status) if reply.status else None, list(reply.lines)] if reply else None,
        "command": outcome.command,
    }


def _unpack(value: dict[str, Any]) -> dict[str, Any]:
    reply = value["reply"]
    return {
        "status": EnhancedStatus.parse(value["status"]),
        "reason": value["reason"],
        "host": value["host"],
        "reply": Reply(reply[0], EnhancedStatus.parse(reply[1] or ""), tuple(reply[2])) if reply else None,
        "command": value["command"],
    }
