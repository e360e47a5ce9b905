"""Capabilities that change more than one command."""

from __future__ import annotations

from postroad_store.imap.spec import Capability, after_login

# UID EXPUNGE, and the codes APPENDUID and COPYUID.
UIDPLUS = Capability(b"UIDPLUS", "RFC 4315", after_login)
