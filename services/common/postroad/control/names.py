"""Names that the web service and those that it controls know each other by."""

from __future__ import annotations

WEB = "web.postroad.test"  # what the web service greets a mail server with
