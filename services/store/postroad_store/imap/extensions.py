"""Capabilities that change more than one command."""

from __future__ import annotations

from postroad_store.imap.spec import Capability, after_login

# UID EXPUNGE, and the codes APPENDUID and COPYUID.
UIDPLUS = Capability(b"UIDPLUS", "RFC 4315", after_login)

# FETCH of parts without their transfer encoding, and APPEND of octets that hold NULs (~{n}).
BINARY = Capability(b"BINARY", "RFC 3516", after_login)
