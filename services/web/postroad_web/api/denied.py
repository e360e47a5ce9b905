"""Requests that are denied leave a line in the log: wrong passwords, names and origins that are not ours.

People see nothing else of them when an app has the wrong password, or calls the service by a name that nobody knows. A
request without credentials is how every browser begins, and leaves none.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from postroad.bucket import Bucket
from postroad.journal.refusals import BURST, REFILL
from postroad_web.api.passwords import user_of

if TYPE_CHECKING:
    from starlette.types import Scope

    from postroad.clock import Clock
    from postroad_web.api.problem import Problem

log = logging.getLogger(__name__)

_DENIED = frozenset({401, 403, 421, 429})


class Denied:
    """Writes the lines: many at once, and then one every `REFILL` seconds, so that guesses do not fill the disk."""

    def __init__(self, clock: Clock) -> None:
        self._allowance = Bucket(clock, 1.0 / REFILL, BURST)
        self._silent = 0  # requests without a line since the last one

    def note(self, problem: Problem, scope: Scope) -> None:
        """Note the answer to a request, if it was denied."""
        headers = Headers(scope=scope)
        authorization = headers.get("authorization")
        if problem.status not in _DENIED or (problem.status == 401 and authorization is None):
            return
        if not self._allowance.take():
            self._silent += 1
            return
        client = scope.get("client")
        facts = {
            "peer": client[0] if client else None,
            "method": scope.get("method"),
            "path": scope["path"],
            "status": problem.status,
            "host": headers.get("host"),
            "origin": headers.get("origin"),
            "user": user_of(authorization),
            "not_noted": self._silent or None,
        }
        self._silent = 0
        log.info("refused: %s", problem, extra={name: value for name, value in facts.items() if value is not None})
