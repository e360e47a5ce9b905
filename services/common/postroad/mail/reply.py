"""SMTP replies (RFC 5321 §4.2) with enhanced status codes (RFC 3463, RFC 2034), and the replies that have a name.

A service answers with these objects; only the SMTP receiver turns them into octets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from postroad.value import value


@dataclass(frozen=True, slots=True, order=True)
class EnhancedStatus:
    """An enhanced mail system status code: class.subject.detail (RFC 3463 §2)."""

    klass: int
    subject: int
    detail: int

    def __str__(self) -> str:
        """Give the dotted form."""
        return f"{self.klass}.{self.subject}.{self.detail}"

    @classmethod
    def parse(cls, text: str) -> EnhancedStatus | None:
        """Return the status code in `text`, or None if it is not a status code (RFC 3463 §2)."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] not in {"2", "4", "5"}:
            return None
        if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts[1:]):
            return None
        return cls(int(parts[0]), int(parts[1]), int(parts[2]))


@value
class Reply:
    """A reply: its code, its enhanced status where it has one, its text lines.

    Raises `ValueError` for CR or LF in a line: text from a remote host must not become a second reply of ours.
    """

    code: int
    status: EnhancedStatus | None
    lines: tuple[str, ...]
    is_success: bool = field(init=False, repr=False, compare=False)  # 2yz, or 3yz: more is asked for (RFC 5321 §4.2.1)
    _octets: bytes | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for line in self.lines:
            if "\r" in line or "\n" in line:
                raise ValueError("a line of a reply must not contain CR or LF")
        object.__setattr__(self, "is_success", self.code < 400)

    @property
    def is_transient(self) -> bool:
        """Whether it is 4yz: the client should try again later (RFC 5321 §4.2.1)."""
        return 400 <= self.code < 500

    def encode(self) -> bytes:
        """Return the octets of the reply: every line with code and status (RFC 2034 §4), and CRLF.

        They are cached: most replies are the named ones below, sent over and over.
        """
        if self._octets is None:
            status = f"{self.status} " if self.status is not None else ""
            text, last = "", self.lines[-1]
            if len(self.lines) > 1:
                text = "".join([f"{self.code}-{status}{line}\r\n" for line in self.lines[:-1]])
            object.__setattr__(self, "_octets", f"{text}{self.code} {status}{last}\r\n".encode())
        return self._octets  # type: ignore[return-value]

    def encode_without_status(self) -> bytes:
        """Return the octets of the reply as a server without ENHANCEDSTATUSCODES writes it."""
        return replace(self, status=None).encode()

    def __str__(self) -> str:
        """Give the reply on one line, as logs and the journal show it."""
        status = f" {self.status}" if self.status is not None else ""
        return f"{self.code}{status} {' '.join(self.lines)}"


def reply(code: int, status: str | None, *lines: str) -> Reply:
    """Make a reply: `reply(550, "5.1.1", "No such user")`."""
    parsed = EnhancedStatus.parse(status) if status else None
    return Reply(code, parsed, lines or ("",))


OK = reply(250, "2.0.0", "OK")
SENDER_OK = reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = reply(250, "2.1.5", "Recipient OK")
START_DATA = reply(354, None, "End data with <CR><LF>.<CR><LF>")
NO_SUCH_USER = reply(550, "5.1.1", "No such user here")
RELAY_DENIED = reply(550, "5.7.1", "Relaying denied")
AUTH_REQUIRED = reply(530, "5.7.0", "Authentication required")
AUTH_FAILED = reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_UNAVAILABLE = reply(454, "4.7.0", "Temporary authentication failure")  # RFC 4954 §6
ENCRYPTION_REQUIRED = reply(538, "5.7.11", "Encryption required for requested authentication mechanism")
NOT_YOUR_ADDRESS = reply(550, "5.7.1", "You may not send as this address")
TOO_MANY_RECIPIENTS = reply(452, "4.5.3", "Too many recipients")
TOO_LARGE = reply(552, "5.3.4", "Message size exceeds the limit")
STORAGE_FULL = reply(452, "4.3.1", "Insufficient system storage")
MAILBOX_FULL = reply(452, "4.2.2", "The mailbox is full: try again later")  # RFC 3463 §3.3
MAILBOX_FULL_FOR_GOOD = reply(552, "5.2.2", "The mailbox is full")
QUEUE_FULL = reply(452, "4.3.1", "The queue is full: try again later")
BAD_CONTENT = reply(550, "5.6.0", "Message content has a bare CR, bare LF or NUL")
MAIL_LOOP = reply(554, "5.4.6", "Routing loop detected: too many Received fields")
LOCAL_ERROR = reply(451, "4.3.0", "Local error in processing")
SHUTTING_DOWN = reply(421, "4.3.2", "Service shutting down")
TOO_MANY_CONNECTIONS = reply(421, "4.7.0", "Too many connections")
TIMEOUT = reply(421, "4.4.2", "Timeout waiting for the client")
