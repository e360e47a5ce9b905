"""The messages that actions make: vacation responses (RFC 5230 §5), refusals as MDN or DSN (RFC 5429 §2), redirects.

All go out under the null reverse-path and say that they were made automatically (RFC 3834 §5), except a redirect: that
is the message itself.
"""

from __future__ import annotations

import re
import textwrap
from email.utils import formataddr
from typing import TYPE_CHECKING, NamedTuple

from postroad.mail.dates import date_time
from postroad.mail.header import without_return_path
from postroad.mime.text import decode_words
from postroad.value import value
from postroad_store.sieve.extensions.base import mailbox_list
from postroad_store.sieve.extensions.editheader import field

if TYPE_CHECKING:
    from postroad_store.sieve.actions import Respond
    from postroad_store.sieve.message import Message

REDIRECTED = "X-Sieve-Redirected-From"  # who has redirected the message, to find a loop
_REASON = "\r\nThe reason given is as follows:\r\n\r\n"
_IDENT = re.compile(rb"<[^<>\s]+>")  # a msg-id, among the phrases and comments that old programs write
LONGEST = 500  # octets of a message's id that is repeated: a line has at most 998 (RFC 5322 §2.1.1)
RETURNED = 64 * 1024  # octets of a header section that a refusal returns


@value
class Origin:
    """Where and when a letter is written; `unique` is a word that no other letter has."""

    hostname: str
    owner: str  # the address of the account whose script it is
    now: float  # seconds since 1970
    unique: str

    @property
    def message_id(self) -> str:
        """The letter's Message-ID."""
        return f"<{self.unique}@{self.hostname}>"


def response(origin: Origin, message: Message, action: Respond, recipient: str) -> bytes:
    """Return a vacation response."""
    lines = [
        f"Date: {date_time(origin.now)}\r\n".encode(),
        *_senders(action.sender, origin.owner),
        _plain("To", f"<{recipient}>"),
        field("Subject", action.subject[:1000]),
        _plain("Message-ID", origin.message_id),
        *_thread(message),
        b"Auto-Submitted: auto-replied (vacation)\r\n",  # RFC 5230 §5.6, RFC 3834 §5.1
        b"Precedence: bulk\r\n",  # for programs from before RFC 3834
        b"X-Sieve: Postroad\r\n",
        b"MIME-Version: 1.0\r\n",
    ]
    if action.mime:  # RFC 5230 §4.4: the reason is a MIME entity, with its header fields
        return b"".join(lines) + _lines(action.reason)
    return b"".join(lines) + _text(action.reason)


def _senders(mailboxes: str, owner: str) -> list[bytes]:
    """Return From, names in encoded-words where they need them (RFC 2047 §5), and Sender (RFC 5322 §3.6.2)."""
    pairs = [(_spoken(name), address) for name, address in mailbox_list(mailboxes)]
    if all(address.isascii() for _, address in pairs):
        written = [formataddr(pair) if pair[0].isascii() else f"{_quoted(pair[0])} <{pair[1]}>" for pair in pairs]
        senders = field("From", ", ".join(written))
    else:
        senders = _plain("From", ", ".join(f"<{address}>" for _, address in pairs))
    return [senders, *[_plain("Sender", owner)] * (len(pairs) > 1)]


def _quoted(name: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _spoken(name: str) -> str:
    """Return a name without encoded-words, so that none ends up within a quoted-string (RFC 2047 §5)."""
    return "".join(filter(str.isprintable, decode_words(name.encode())))


def _thread(message: Message) -> list[bytes]:
    """Return In-Reply-To and References (RFC 5230 §5.8, RFC 5322 §3.6.4)."""
    idents = [field.raw for field in message.named("message-id")]
    if not idents:
        return []
    own = next(iter(_IDENT.findall(idents[0])), idents[0])
    if len(own) > LONGEST:
        return []
    references, answers = message.named("references"), message.named("in-reply-to")
    known = [ident for field in (references or answers)[:1] for ident in _IDENT.findall(field.raw)]
    if not references and len(known) > 1:  # RFC 5322 §3.6.4: In-Reply-To counts if it has "a single message identifier"
        known = []
    chain = [ident for ident in (*known[-20:], own) if len(ident) <= LONGEST]
    return [b"In-Reply-To: " + own + b"\r\n", b"References: " + b"\r\n ".join(chain) + b"\r\n"]


def redirected(origin: Origin, content: bytes, header_size: int) -> bytes:
    """Return a message to send on: without Return-Path (RFC 5321 §4.4), with a trace of who does it.

    RFC 5228 §4.2: the Received field that the delivery has put in front makes one more than there were.
    """
    return _plain(REDIRECTED, origin.owner) + without_return_path(content, header_size)


def loops(origin: Origin, message: Message) -> bool:
    """Whether this account has redirected the message before (RFC 5228 §4.2: "must take measures")."""
    return any(value.casefold() == origin.owner.casefold() for value in message.values(REDIRECTED))


def disposition(origin: Origin, message: Message, reason: str, recipient: str, final: str) -> bytes:
    """Return the MDN of a `reject` (RFC 5429 §2.2.1, RFC 8098); `final` is the forward-path that is refused."""
    text = f"The message was refused by the recipient's mail filtering program.{_REASON}{reason}"
    idents = [field.raw for field in message.named("message-id")]
    machine = [
        f"Reporting-UA: {origin.hostname}; Postroad\r\n".encode(),
        *[b"Original-Message-ID: " + ident + b"\r\n" for ident in idents[:1]],
        _plain("Final-Recipient", f"rfc822; {final}"),
        # RFC 5429 §2.2.1: "deleted", with "automatic-action" and "MDN-sent-automatically"
        b"Disposition: automatic-action/MDN-sent-automatically; deleted\r\n",
    ]
    kind = _Kind("disposition-notification", "Rejected", origin.owner)
    return _report(origin, message, kind, text=text, machine=b"".join(machine), recipient=recipient)


def refusal(origin: Origin, message: Message, reason: str, recipient: str, final: str) -> bytes:
    """Return the DSN of an `ereject` (RFC 5429 §2.1.2, RFC 3464)."""
    text = f"Your message was refused by the recipient's mail filtering program.{_REASON}{reason}"
    machine = [
        f"Reporting-MTA: dns; {origin.hostname}\r\n\r\n".encode(),
        _plain("Final-Recipient", f"rfc822; {final}"),
        b"Action: failed\r\n",  # RFC 5429 §2.1.2: "MUST contain the value "failed""
        b"Status: 5.7.1\r\n",
    ]
    kind = _Kind("delivery-status", "Undeliverable", f"Mail Delivery Subsystem <postmaster@{origin.hostname}>")
    return _report(origin, message, kind, text=text, machine=b"".join(machine), recipient=recipient)


class _Kind(NamedTuple):
    """A kind of report."""

    type: str  # report-type, and the subtype of its second part
    subject: str
    sender: str


def _report(origin: Origin, message: Message, kind: _Kind, *, text: str, machine: bytes, recipient: str) -> bytes:
    """Return a multipart/report (RFC 6522) with the header section of the message."""
    boundary = f"=_{origin.unique}"
    subjects = message.values("subject")
    delimiter = f"--{boundary}\r\n".encode()
    parts = [
        _text(text),
        f"Content-Type: message/{kind.type}\r\n\r\n".encode() + machine,
        b"Content-Type: text/rfc822-headers\r\n\r\n" + message.content[: message.header_size][:RETURNED],
    ]
    head = [
        f"Date: {date_time(origin.now)}\r\n".encode(),
        _plain("From", kind.sender),
        _plain("To", f"<{recipient}>"),
        field("Subject", f"{kind.subject}: {subjects[0][:500]}" if subjects else kind.subject),
        _plain("Message-ID", origin.message_id),
        *_thread(message),
        b"Auto-Submitted: auto-replied (rejected)\r\n",
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/report; report-type={kind.type};\r\n boundary="{boundary}"\r\n\r\n'.encode(),
    ]
    body = b"".join(delimiter + part + (b"\r\n" if part.endswith(b"\r\n") else b"\r\n\r\n") for part in parts)
    return b"".join(head) + body + f"--{boundary}--\r\n".encode()


def _text(text: str) -> bytes:
    """Return a text as a MIME entity, with lines that SMTP can carry."""
    octets = _lines(text)
    charset, encoding = ("us-ascii", "7bit") if octets.isascii() else ("utf-8", "8bit")
    return (
        f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + octets
    )


def _lines(text: str) -> bytes:
    """Return a text with CRLF alone as its line ends, and no line that is too long (RFC 5321 §4.5.3.1.6)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").removesuffix("\n").split("\n")
    short = [piece for line in lines for piece in ([line] if len(line.encode()) < 990 else textwrap.wrap(line, 240))]
    return "".join(f"{line}\r\n" for line in short).encode()


def _plain(name: str, value: str) -> bytes:
    """Return a field of words that need no encoding, or that must not have it."""
    return f"{name}: {' '.join(value.split())}\r\n".encode()
