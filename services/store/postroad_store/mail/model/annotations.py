"""Annotations of mailboxes and of the server (RFC 5464): which entries there may be."""

from __future__ import annotations

import re

from postroad_store.mail.model.errors import AnnotationTooLarge

# RFC 5464 §4.1: at least 1,024 octets, and 10 entries
MAX_VALUE = 32_768  # octets of one value: less than a command may have
MAX_ENTRIES = 100  # of one mailbox, or the server, that are shared; and as many that are one user's own
MAX_NAME = 1_000  # octets of an entry's name

SPECIAL_USE = "/private/specialuse"  # RFC 6154 §4
PRIVATE = "/private"
SCOPES = frozenset({PRIVATE, "/shared"})
ADMIN = "/shared/admin"  # RFC 5464 §3.2.1.1: always read-only

# RFC 5464 §3.2: no "//", no "/" at the end, no "*" or "%", no octet that is not ASCII or below %x20; a scope, and at
# least one component; in the vendor namespace at least the vendor's name and one below.
_NAME = re.compile(r"/(?:shared|private)(?:/[ -$&-).0-~+,-]+)+", re.IGNORECASE)
_VENDOR = re.compile(r"/(?:shared|private)/vendor(?:/[^/]*)?", re.IGNORECASE)


def checked_entry(name: bytes) -> str | None:
    """Return the name of an entry in lower case, None if no entry can have it."""
    text = name.decode("latin-1")
    if len(text) > MAX_NAME or not _NAME.fullmatch(text) or _VENDOR.fullmatch(text):
        return None
    return text.lower()


def checked_value(value: bytes | None) -> bytes | None:
    """Return a value; raises `AnnotationTooLarge`."""
    if value is not None and len(value) > MAX_VALUE:
        raise AnnotationTooLarge(f"an annotation has at most {MAX_VALUE} octets", MAX_VALUE)
    return value


def is_private(entry: str) -> bool:
    """Return True if each user has a value of their own."""
    return entry == PRIVATE or entry.startswith(f"{PRIVATE}/")
