"""ENHANCEDSTATUSCODES (RFC 2034): the status codes of RFC 3463 in replies.

The client reads them from any reply, whether the server offers them or not, for its DSNs.
"""

from __future__ import annotations

from postroad.mail.reply import Reply
from postroad.smtp.extensions.extension import Extension

ENHANCED_STATUS_CODES = Extension(
    keyword="ENHANCEDSTATUSCODES",
    rfc="RFC 2034",
    offer=lambda _profile, _session: "ENHANCEDSTATUSCODES",
    encode=Reply.encode,
)
