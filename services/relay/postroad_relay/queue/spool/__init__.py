"""The spool: messages that the relay has answered for, on disk until they are delivered or reported.

`record.py` says what is written, `log.py` writes it so that it stays, `writer.py` does so in batches, `spool.py` keeps
the index of it.
"""

from postroad_relay.queue.spool.record import UNTRIED, Message, Progress, QueueId
from postroad_relay.queue.spool.spool import Entry, Spool, SpoolError, Stored

__all__ = ["UNTRIED", "Entry", "Message", "Progress", "QueueId", "Spool", "SpoolError", "Stored"]
