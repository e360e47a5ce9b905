"""The SMTP client: `engine.py` is the protocol without I/O, `courier` puts sockets under it."""

from postroad.smtp.client.engine import Client, State
from postroad.smtp.client.events import (
    Event,
    Finished,
    Ready,
    Refused,
    SendContent,
    StartTls,
    Transaction,
)

__all__ = ["Client", "Event", "Finished", "Ready", "Refused", "SendContent", "StartTls", "State", "Transaction"]
