"""The spool: messages that the relay has accepted, on disk until they are delivered or reported.

`record.py` has the form of the records, `segment.py` that of the files. `log.py` writes durably, `writer.py` does so in
batches, `index.py` knows where each record is, and `spool.py` puts these together.
"""

from postroad_relay.queue.spool.index import Entry
from postroad_relay.queue.spool.record import UNTRIED, Message, Progress, QueueId
from postroad_relay.queue.spool.spool import Spool
from postroad_relay.queue.spool.stored import SpoolError, Stored

__all__ = ["UNTRIED", "Entry", "Message", "Progress", "QueueId", "Spool", "SpoolError", "Stored"]
