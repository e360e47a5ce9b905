"""PIPELINING (RFC 2920): commands in groups, without waiting for each reply.

The server takes a group whether it offers this or not, and never answers out of order. It refuses DATA and STARTTLS
unless they are the last of their group (RFC 2920 §3.1). The client sends MAIL, RCPT and DATA in one group if it may.
"""

from __future__ import annotations

from postroad.smtp.extensions.extension import Extension

PIPELINING = Extension(
    keyword="PIPELINING", rfc="RFC 2920", offer=lambda _profile, _session: "PIPELINING", pipelines=True
)
