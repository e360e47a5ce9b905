"""Delivery status notifications: the message to the reverse-path when the relay gives up, or when it takes long. Pure.

The format is RFC 3464's in RFC 6522's multipart/report, with RFC 6533's media types when the original is
internationalized. A DSN goes out under the null reverse-path, and nobody gets one for a message that itself had it
(RFC 5321 §6.1).
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from postroad.mail.dates import date_time
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.value import value
from postroad_relay.queue.spool.record import Message, QueueId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from postroad.mail.address import Address
    from postroad.smtp.client.outcome import Deferred, Failed

RETURN_WHOLE = 64 * 1024  # octets: larger originals come back as their header section alone
_WIDTH = 76


@value
class Reporter:
    """The sender of DSNs: the relay's name, and the address in From, which answers go to."""

    hostname: str
    postmaster: Address


@value
class Part:
    """A body part of the multipart/report; `media_type` may have parameters."""

    media_type: str
    description: str
    octets: bytes

    def encode(self, boundary: str) -> bytes:
        """Return the part with the delimiter line before it (RFC 2046 §5.1.1)."""
        encoding = "7bit" if self.octets.isascii() else "8bit"
        head = (
            f"--{boundary}\r\nContent-Type: {self.media_type}\r\nContent-Description: {self.description}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        ).encode()
        return head + self.octets + (b"" if self.octets.endswith(b"\r\n") else b"\r\n") + b"\r\n"


@value
class Report:
    """A DSN, ready to be queued; `action` is what became of its recipients, `failed` or `delayed` (RFC 3464 §2.3.3)."""

    message: Message
    content: bytes
    action: str = "failed"


def report(
    original: Message,
    outcomes: Mapping[int, Failed | Deferred],
    content: bytes,
    *,
    reporter: Reporter,
    queue_id: QueueId,
    now: float,
    unique: str,
    retry_until: float | None = None,
) -> Report | None:
    """Return the DSN for recipients that failed (by index); None if no DSN may be sent.

    With `retry_until` they are delayed, and tried until then. `content` is the original's: at least its header section,
    and all of it up to RETURN_WHOLE octets. `unique` is a random word for Message-ID and boundary; times are in seconds
    since the epoch.
    """
    sender = original.envelope.reverse_path
    if sender is None:
        return None  # RFC 5321 §4.5.5, RFC 3464 §2: a DSN must not cause another
    header, _, _ = content.partition(b"\r\n\r\n")
    header += b"\r\n"
    utf8 = _is_internationalized(original, sender, outcomes, header)
    # RFC 3461 §4.3: without a failure, the header section alone is returned.
    whole = retry_until is None and len(content) == original.size <= RETURN_WHOLE
    parts = [
        Part("text/plain; charset=utf-8", "Notification", _human(original, outcomes, reporter, retry_until)),
        Part(
            "message/global-delivery-status" if utf8 else "message/delivery-status",
            "Delivery report",
            _machine(original, outcomes, reporter, retry_until, utf8=utf8),
        ),
        _returned(content, header, whole=whole, utf8=utf8),
    ]
    boundary = f"=_{unique}"
    message_id = f"<{unique}@{reporter.hostname}>"
    eight_bit = utf8 or not all(part.octets.isascii() for part in parts)
    head = _header(
        original,
        sender,
        reporter,
        subject="Failure" if retry_until is None else "Delay",
        boundary=boundary,
        message_id=message_id,
        now=now,
        eight_bit=eight_bit,
    )
    body = _body(parts, boundary)
    message = Message(
        queue_id=queue_id,
        arrived=now,
        envelope=Envelope(
            reverse_path=None,
            recipients=(Recipient(sender),),
            body=BodyType.EIGHT_BIT_MIME if eight_bit else None,
            smtputf8=utf8,
            world=original.envelope.world,
        ),
        message_id=message_id,
        size=len(head) + len(body),
        eight_bit=eight_bit,
        utf8_header=not head.isascii(),
        reports=original.queue_id,
    )
    return Report(message, head + body, "failed" if retry_until is None else "delayed")


def _is_internationalized(original: Message, sender: Address, recipients: Iterable[int], header: bytes) -> bool:
    """Whether the DSN needs RFC 6533's media types and SMTPUTF8.

    RFC 6533 §4.4: if all is ASCII the traditional types may be used, and every mail program knows them. Raw 8-bit
    octets in the header section of a message that was not sent as internationalized do not make it so.
    """
    return (
        not sender.is_ascii
        or not all(original.envelope.recipients[index].address.is_ascii for index in recipients)
        or (original.envelope.smtputf8 and not header.isascii())
    )


def _body(parts: Iterable[Part], boundary: str) -> bytes:
    preamble = b"This is a MIME-encapsulated message (RFC 6522).\r\n\r\n"
    return preamble + b"".join(part.encode(boundary) for part in parts) + f"--{boundary}--\r\n".encode()


def _header(
    original: Message,
    sender: Address,
    reporter: Reporter,
    *,
    subject: str,
    boundary: str,
    message_id: str,
    now: float,
    eight_bit: bool,
) -> bytes:
    fields = [
        f"Date: {date_time(now)}",
        f"From: Mail Delivery System <{reporter.postmaster}>",
        f"To: <{sender}>",
        f"Subject: Delivery Status Notification ({subject})",
        f"Message-ID: {message_id}",
    ]
    if original.message_id is not None and original.message_id.isascii():
        # RFC 3834 §3.1.6: In-Reply-To and References name the original message.
        fields += [f"In-Reply-To: {original.message_id}", f"References: {original.message_id}"]
    fields += [
        "Auto-Submitted: auto-replied",  # RFC 3834 §3.1.7
        "MIME-Version: 1.0",
        # RFC 6522 §3: report-type names the second part's subtype, in its traditional form
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"',
        f"Content-Transfer-Encoding: {'8bit' if eight_bit else '7bit'}",
    ]
    return "".join(f"{line}\r\n" for line in (*fields, "")).encode()


def _human(
    original: Message, outcomes: Mapping[int, Failed | Deferred], reporter: Reporter, retry_until: float | None
) -> bytes:
    """Return the part for people: each recipient, with the remote server's own words."""
    whom = "these recipients" if len(outcomes) > 1 else "this recipient"
    if retry_until is None:
        what = f"Your message could not be delivered to {whom}, and no further attempt will be made."
    else:
        what = (
            f"Your message has not been delivered to {whom} yet. You need not send it again: it will be tried until"
            f" {date_time(retry_until)}."
        )
    paragraphs = [f"This is the mail system at host {reporter.hostname}.", what]
    for index, outcome in outcomes.items():
        address = original.envelope.recipients[index].address
        paragraphs.append(f"<{address}>:\n{_filled(outcome.reason, indent='    ')}")
    about = [f"Message-ID: {original.message_id}"] if original.message_id is not None else []
    about += [f"Accepted:   {date_time(original.arrived)}", f"Queue ID:   {original.queue_id}"]
    paragraphs.append("\n".join(about))
    paragraphs.append(
        f"For help, write to <{reporter.postmaster}>. Please send this notification along. The next part is for"
        " mail programs, the last one is what you sent."
    )
    text = "\n\n".join(text if "\n" in text else _filled(text) for text in paragraphs) + "\n"
    return text.replace("\n", "\r\n").encode()


def _machine(
    original: Message,
    outcomes: Mapping[int, Failed | Deferred],
    reporter: Reporter,
    retry_until: float | None,
    *,
    utf8: bool,
) -> bytes:
    """Return the part for programs (RFC 3464 §2.1): fields about the message, then a group for each recipient."""
    groups = [
        [
            f"Reporting-MTA: dns; {reporter.hostname}",  # RFC 3464 §2.2.2
            f"X-Postroad-Queue-ID: {original.queue_id}",  # RFC 3464 §2.4: extension fields
            f"Arrival-Date: {date_time(original.arrived)}",  # RFC 3464 §2.2.5
        ]
    ]
    for index, outcome in outcomes.items():
        address = original.envelope.recipients[index].address
        kind = "rfc822" if address.is_ascii else "utf-8"  # RFC 6533 §3
        group = [
            f"Final-Recipient: {kind}; {address}",  # RFC 3464 §2.3.2
            f"Action: {'failed' if retry_until is None else 'delayed'}",  # RFC 3464 §2.3.3
            f"Status: {outcome.status}",  # RFC 3464 §2.3.4
        ]
        if outcome.host is not None:
            group.append(f"Remote-MTA: dns; {outcome.host.partition('[')[0] or outcome.host}")  # RFC 3464 §2.3.5
        if outcome.reply is not None:
            group.append(_folded(f"Diagnostic-Code: smtp; {outcome.reply}", utf8=utf8))  # RFC 3464 §2.3.6
        else:
            group.append(_folded(f"Diagnostic-Code: x-postroad; {outcome.reason}", utf8=utf8))
        if retry_until is not None:
            group.append(f"Will-Retry-Until: {date_time(retry_until)}")  # RFC 3464 §2.3.9
        groups.append(group)
    return "\r\n\r\n".join("\r\n".join(group) for group in groups).encode() + b"\r\n"


def _returned(content: bytes, header: bytes, *, whole: bool, utf8: bool) -> Part:
    """Return the part with the original (RFC 6522 §3), or with its header section alone."""
    if whole:
        return Part("message/global" if utf8 else "message/rfc822", "Undelivered message", content)
    return Part("message/global-headers" if utf8 else "text/rfc822-headers", "Header section", header)


def _folded(field: str, *, utf8: bool) -> str:
    """Fold a field at spaces (RFC 5322 §2.2.3); without UTF-8, characters that are not ASCII become question marks."""
    text = field if utf8 else field.encode("ascii", "replace").decode("ascii")
    return "\r\n ".join(_lines(text, _WIDTH))


def _filled(text: str, *, indent: str = "") -> str:
    return "\n".join(indent + line for line in _lines(text, _WIDTH - len(indent)))


def _lines(text: str, width: int) -> Sequence[str]:
    # RFC 5322 §2.1.1: a line has at most 998 characters, so a longer word is cut; only a hostile server sends such a
    # word.
    short = re.sub(r"\S{900}", lambda match: match[0] + " ", text)
    return textwrap.wrap(short, width, break_long_words=False, break_on_hyphens=False) or [""]
