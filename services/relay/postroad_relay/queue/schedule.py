"""When to try again, and when to give up (RFC 5321 §4.5.4.1). Pure: times and randomness are passed in.

The RFC asks for 30 minutes between attempts and 4 or 5 days before giving up, and for more frequent ones at
first; in a sandbox "at first" is seconds, and both are settings.
"""

from __future__ import annotations

import math

from postroad.value import value

JITTER = 0.1  # of the wait, so that messages that failed together do not all come back together


@value
class Schedule:
    """Waits between attempts, the last one repeating, and the age at which a message expires; in seconds.

    `warning` is the age at which the sender of a message that is delayed gets a DSN about that. `now`, `arrived` and
    the returned times are in seconds of one clock, whichever that is.
    """

    waits: tuple[float, ...]
    expiry: float
    warning: float = math.inf

    def next_attempt(self, *, now: float, arrived: float, attempts: int, chance: float) -> float | None:
        """Return when the next attempt is due, `attempts` having failed; None when the message has expired.

        `chance` is from 0 to 1: how far into the jitter. The last attempt is made just when the message expires,
        so that a message that arrives at a bad moment gets its full time.
        """
        if self.is_over(now=now, arrived=arrived):
            return None
        return min(now + self._step(attempts) * (1 + JITTER * chance), arrived + self.expiry)

    def wait_left(self, *, now: float, due: float, attempts: int) -> float:
        """Return the seconds until a persisted due time, below 0 where it has passed.

        It is never more than the step that was waited for: the wall clock may have been set back since `due` was
        written, by a day or a year.
        """
        return min(due - now, self._step(attempts) * (1 + JITTER) if attempts else 0.0)

    def is_over(self, *, now: float, arrived: float) -> bool:
        """Whether a message has expired: its next failure is the last."""
        return now >= arrived + self.expiry

    def is_delayed(self, *, now: float, arrived: float) -> bool:
        """Whether the sender of a message should know that it is delayed."""
        return now >= arrived + self.warning

    def deadline(self, *, arrived: float, warned: bool) -> float:
        """Return when a message has to be attempted though its domain rests: to expire, or to warn its sender."""
        return arrived + (self.expiry if warned else min(self.warning, self.expiry))

    def _step(self, attempts: int) -> float:
        return self.waits[min(attempts, len(self.waits)) - 1]
