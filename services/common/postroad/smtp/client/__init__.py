"""The SMTP client: `engine.py` is the protocol without I/O, `session.py` puts a socket, TLS and a clock under it."""

from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import (
    Event,
    Finished,
    Ready,
    Refused,
    SendContent,
    StartTls,
    Transaction,
)
from postroad.smtp.client.transitions import State

__all__ = ["Client", "Event", "Finished", "Ready", "Refused", "SendContent", "StartTls", "State", "Transaction"]
