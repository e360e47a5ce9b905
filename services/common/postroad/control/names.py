"""Names that the web service, and the store, are known by to the relay."""

from __future__ import annotations

WEB = "web.postroad.test"  # what the web service greets a mail server with
STORE = "store.postroad.test"  # what the store greets the relay with, to which it hands letters of scripts
