"""What BYE says (RFC 3501 §7.1.5) when the server ends a session."""

from __future__ import annotations

from postroad_store.protocol.contract import Farewell

FAREWELLS = {
    Farewell.IDLE: b"Disconnected for inactivity.",
    Farewell.GARBLED: b"Input is not compressed.",
    Farewell.SHUTDOWN: b"Server shutting down.",
    Farewell.CROWDED: b"Too many connections.",
    Farewell.REMOVED: b"The account has been removed.",
    Farewell.RESTORED: b"The mailboxes have been restored, have to disconnect.",
}
MAILBOX_DELETED = b"Selected mailbox was deleted, have to disconnect."
TOO_MANY_BAD = b"Too many invalid IMAP commands."
