"""Trace fields (RFC 5321 §4.4): Received and Return-Path, as functions that return the octets of a field. Pure.

Standards: RFC 5321 §4.4 (grammar), RFC 3848 and RFC 6531 §4.3 (the protocol names of the WITH clause), RFC 5322
§3.3 (date-time), RFC 5322 §2.2.3 (folding).
"""

from __future__ import annotations

from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from postroad.mail.address import Address
    from postroad.mail.envelope import Envelope
    from postroad.smtp.server.service import Session

# Octets by which a message may grow on its way: each hop adds trace fields, and submission may add Date and Message-ID
# (RFC 6409 §8). So the next hop takes so much more, and so does whatever takes messages that a mailbox holds.
ROOM = 64 * 1024


def received(session: Session, envelope: Envelope, *, hostname: str, queue_id: str, when: datetime) -> bytes:
    """Return the Received field of a message that `hostname` took in `session` at `when`, which must have a time zone.

    Time-stamp-line = "Received:" FWS Stamp CRLF; Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
    """
    # From-domain = "FROM" FWS Extended-Domain; Extended-Domain = Domain FWS "(" TCP-info ")" / address-literal ...
    literal = f"[IPv6:{session.host}]" if ":" in session.host else f"[{session.host}]"
    tls = ""
    if session.tls_version is not None:
        tls = f"\r\n\t(using {session.tls_version} with cipher {session.tls_cipher})"
    # For = CFWS "FOR" FWS ( Path / Mailbox ). RFC 5321 §7.2: with several recipients it would reveal blind copies.
    path = f"\r\n\tfor <{envelope.recipients[0].address}>" if len(envelope.recipients) == 1 else ""
    # By-domain = CFWS "BY" FWS Extended-Domain; With = CFWS "WITH" FWS Protocol; ID = CFWS "ID" FWS ( Atom / msg-id )
    return (
        f"Received: from {session.client_name or literal} ({literal}){tls}\r\n"
        f"\tby {hostname} with {with_protocol(session, envelope)} id {queue_id}{path};\r\n"
        f"\t{_date_time(when)}\r\n"
    ).encode()


@lru_cache(maxsize=4)
def _date_time(when: datetime) -> str:
    """Return the date-time. It is cached per second, because callers give whole seconds."""
    return format_datetime(when)


def with_protocol(session: Session, envelope: Envelope) -> str:
    """Return the protocol of the WITH clause (RFC 3848 §1, RFC 6531 §4.3)."""
    by_lmtp = session.purpose == "lmtp"
    if not session.extended and not by_lmtp:
        return "SMTP"
    secure = "S" if session.tls_version is not None else ""
    authenticated = "A" if session.is_authenticated else ""
    plain, utf8 = ("LMTP", "UTF8LMTP") if by_lmtp else ("ESMTP", "UTF8SMTP")
    return (utf8 if envelope.smtputf8 else plain) + secure + authenticated


def return_path(reverse_path: Address | None) -> bytes:
    """Return the Return-Path field that final delivery adds (RFC 5321 §4.4)."""
    return f"Return-Path: <{'' if reverse_path is None else reverse_path}>\r\n".encode()
