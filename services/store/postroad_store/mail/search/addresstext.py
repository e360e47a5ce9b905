"""The addresses of an ENVELOPE, as text to be searched (RFC 3501 §6.4.4 FROM, TO, CC, BCC).

They are read from the octets that FETCH sends, which the store has kept since its first version. So a search finds
what the client shows, even if the field has comments, folding or old forms, and whichever version stored it.

An address reads `name <mailbox@host>`, its encoded-words decoded (RFC 2047); a group `name:`, its addresses, `;`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.text import decode_words, fold
from postroad_store.mail.search.envelopes import Place, listing

if TYPE_CHECKING:
    from postroad_store.mail.search.envelopes import Address

PLACES = {b"from": Place.FROM, b"to": Place.TO, b"cc": Place.CC, b"bcc": Place.BCC}


def addresses(envelope: bytes, name: bytes) -> bytes | None:
    """Return the text of a field's addresses, folded for searching; None if the ENVELOPE has no address there.

    `name` is one of `PLACES`.
    """
    listed = listing(envelope, PLACES[name])
    if b"=?" not in envelope and b"{" not in envelope:  # then it is ASCII, and nothing has to be decoded
        return b", ".join([_written(*address) for address in listed]).lower() or None
    return fold(", ".join([_shown(address) for address in listed])) or None


def _written(name: bytes, route: bytes, mailbox: bytes, host: bytes) -> bytes:
    if not host:  # RFC 3501 §7.4.2: a group begins (with its name), or ends
        return mailbox + b":" if mailbox else b";"
    if route:
        mailbox = b"%b:%b" % (route, mailbox)
    return b"%b <%b@%b>" % (name, mailbox, host) if name else b"<%b@%b>" % (mailbox, host)


def _shown(address: Address) -> str:
    # Each part for itself: an encoded-word must not take in the brackets around an address.
    name, route, mailbox, host = map(decode_words, address)
    if not host:
        return f"{mailbox}:" if mailbox else ";"
    if route:
        mailbox = f"{route}:{mailbox}"
    return f"{name} <{mailbox}@{host}>" if name else f"<{mailbox}@{host}>"
