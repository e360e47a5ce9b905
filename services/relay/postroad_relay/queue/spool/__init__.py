"""The spool: messages that the relay has answered for, on disk until they are delivered or reported.

`record.py` says what is written, `segment.py` what the files look like, `log.py` writes them so that they last,
`writer.py` does so in batches, `index.py` knows what is where, and `spool.py` puts these together.
"""

from postroad_relay.queue.spool.index import Entry
from postroad_relay.queue.spool.record import UNTRIED, Message, Progress, QueueId
from postroad_relay.queue.spool.spool import Spool, SpoolError, Stored

__all__ = ["UNTRIED", "Entry", "Message", "Progress", "QueueId", "Spool", "SpoolError", "Stored"]
