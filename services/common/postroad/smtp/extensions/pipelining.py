"""PIPELINING (RFC 2920): commands in groups, without waiting for each reply.

The server takes a group whether it offers this or not, and never answers out of order; what must be the last of its
group (DATA, STARTTLS, RFC 2920 §3.1) is held to that. The client sends MAIL, RCPT and DATA in one group where it may.
"""

from __future__ import annotations

from postroad.smtp.extensions.extension import Extension

PIPELINING = Extension(
    keyword="PIPELINING", rfc="RFC 2920", offer=lambda _profile, _secure: "PIPELINING", pipelines=True
)
