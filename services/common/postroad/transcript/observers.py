"""The observer of each protocol. To add a protocol is to add a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.transcript.imap import ImapObserver
from postroad.transcript.managesieve import ManageSieveObserver
from postroad.transcript.pop3 import Pop3Observer
from postroad.transcript.smtp import SmtpObserver

if TYPE_CHECKING:
    from postroad.tap import Opened
    from postroad.transcript.observer import Observer


def observer_of(session: Opened) -> Observer:
    """Return an observer of a session; raises `KeyError` for a protocol that has none."""
    match session.protocol:
        case "smtp" | "lmtp":
            return SmtpObserver(lmtp=session.protocol == "lmtp", outbound=session.outbound)
        case "imap":
            return ImapObserver()
        case "pop3":
            return Pop3Observer()
        case "managesieve":
            return ManageSieveObserver()
        case other:
            raise KeyError(other)
