"""The decision about a message once each of its domains has been attempted. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_relay.queue.spool.record import Progress

if TYPE_CHECKING:
    from postroad_relay.dsn.report import Report
    from postroad_relay.queue.active import Active


@value
class Conclusion:
    """A decision, to be written to the spool and only then to the journal.

    `progress` is for the spool, None if the message is done. `report` is the DSN for the recipients that failed, or
    that are delayed. `resume_at` is when the next attempt is due, in monotonic seconds of the world's clock;
    `progress.due` is the same moment in seconds since the epoch, which a restart needs.
    """

    progress: Progress | None
    report: Report | None
    resume_at: float


def conclude(active: Active, report: Report | None, *, due: float | None, resume_at: float) -> Conclusion:
    """Decide about a message whose failures are in `report`; `due` None: nothing is left to attempt."""
    progress = None
    if due is not None:
        # A recipient in the report is done: the spool writes report and progress together.
        failed = active.failed.keys()
        done = frozenset(active.done | failed)
        reported = active.reported | failed if failed else active.reported
        attempts = active.attempt if active.news or not active.withdrawn else active.entry.attempts
        progress = Progress(
            due,
            attempts,
            done,
            deferred=dict(active.deferred),
            reported=reported,
            held=active.held,
            warned=active.warned,
        )
    return Conclusion(progress, report, resume_at)
