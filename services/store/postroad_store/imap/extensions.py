"""Capabilities that more than one command has a part in."""

from __future__ import annotations

from postroad_store.imap.spec import Capability, after_login

# UID EXPUNGE, and the codes APPENDUID and COPYUID.
UIDPLUS = Capability(b"UIDPLUS", "RFC 4315", after_login)
