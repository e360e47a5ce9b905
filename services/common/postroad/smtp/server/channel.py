"""The TLS of an SMTP session as SASL sees it, from Python's `ssl`.

`ssl` cannot export keying material, so `tls-exporter` cannot be had, and over TLS 1.3 no -PLUS is offered: RFC 9266 §3
wants that binding of whoever offers any. Over TLS 1.2 there is `tls-unique`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.mail.address import login_of
from postroad.sasl.channel import END_POINT, PLAINTEXT, UNIQUE, Channel, Encrypted

if TYPE_CHECKING:
    import ssl


def channel_of(tls: ssl.SSLObject | None, end_point: bytes | None) -> Channel:
    """Return the channel; `end_point` is the binding to our own certificate."""
    if tls is None:
        return PLAINTEXT
    bindings = {}
    if tls.version() != "TLSv1.3" and (unique := tls.get_channel_binding("tls-unique")) is not None:
        bindings[UNIQUE] = unique
        if end_point is not None:
            bindings[END_POINT] = end_point
    return Encrypted(bindings, _logins(tls.getpeercert() or {}))


def _logins(certificate: dict[str, Any]) -> tuple[str, ...]:
    """Return the login names of a client's certificate."""
    names = (login_of(value) for kind, value in certificate.get("subjectAltName", ()) if kind == "email")
    return tuple(name for name in names if name is not None)
