"""Slows down the guessing of passwords, over all sessions of a service together.

A delay before the *answer* stops nobody: a guesser closes the connection that does not answer and opens another. So
the delay comes before the *check*, and all sessions share it:

- Each login name has turns. The first wrong passwords are free, because everybody mistypes. Each further one
  makes the turn of the next attempt come later, up to `LONGEST_TURN`. Attempts queue for their turns; one that would
  have to wait for longer than `PATIENCE` is not checked at all and raises `TooManyGuesses`. A right password clears the
  name.
- As many attempts for one name may be under way at a time as are free; others wait until one of them is answered. A
  turn costs as if those in front of it had failed. So a burst gets no more passwords checked than the same attempts
  one after the other. A right password is answered at once: sessions of one user that log in all together don't wait.
- Each client address has turns as well, against one password tried on many names. Their wait never exceeds
  `ADDRESS_PATIENCE`, and none is refused for it: behind Docker's gateway all clients share one address, and one client
  that guesses must not shut out the others.
- Failures are forgotten, one per `FORGOTTEN_AFTER`, and names and addresses beyond `KEPT` of each (`turns`).

A client cannot tell an unknown name, a wrong plain password and a wrong hashed one from each other. Their turns are
alike, because turns go by the name that the client gave. Their time is alike, because every refusal comes
`answer_after` seconds after the check began, which is longer than a hash takes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from postroad.world.authenticate import authenticate
from postroad.world.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.clock import Clock
    from postroad.world.world import Account

FREE = 5  # wrong passwords for one name that cost no turns
FIRST_TURN = 0.5  # seconds; each further failure doubles it
LONGEST_TURN = 8.0  # seconds
PATIENCE = 30.0  # seconds that an attempt waits for its turn
ADDRESS_FREE = 50  # wrong passwords of one client address that cost no turns
ADDRESS_TURN = 0.1  # seconds
ADDRESS_PATIENCE = 1.0  # seconds
LONGEST_NAME = 320  # characters of a name that are compared; longer ones share turns


class TooManyGuesses(Exception):  # noqa: N818 - a state of affairs, and no fault
    """So many wrong passwords were tried for this login name that this attempt is not checked. Try again later."""


class Guesses:
    """Checks the passwords of one service's clients.

    `answer_after` is the time from the beginning of a check to its refusal, in seconds.
    """

    def __init__(self, clock: Clock, *, answer_after: float = 1.0) -> None:
        self._clock = clock
        self._answer_after = answer_after
        self._names = Turns(free=FREE, first=FIRST_TURN, longest=LONGEST_TURN)
        self._addresses = Turns(free=ADDRESS_FREE, first=ADDRESS_TURN, longest=ADDRESS_TURN)
        self._under_way: Counter[str] = Counter()  # attempts that are not answered yet, by name
        self._waiting: dict[str, asyncio.Future[None]] = {}  # for one of them to end

    async def log_in(
        self, find: Callable[[str], Account | None], login: str, password: str, address: str
    ) -> Account | None:
        """Return the account that `find` has for the login name if the password is right, else None.

        `address` is the client's. Raises `TooManyGuesses`.
        """
        clock = self._clock
        name = login.casefold()[:LONGEST_NAME]
        while (wait := self._names.wait(name, clock.monotonic())) == 0 and self._under_way[name] >= FREE:
            await asyncio.shield(self._waiting.setdefault(name, asyncio.get_running_loop().create_future()))
        if wait > PATIENCE:
            await clock.sleep(self._answer_after)
            raise TooManyGuesses(login)
        self._under_way[name] += 1
        try:
            return await self._check(find, login, password, address, wait)
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]
            if (waiting := self._waiting.pop(name, None)) is not None:
                waiting.set_result(None)

    async def _check(
        self, find: Callable[[str], Account | None], login: str, password: str, address: str, wait: float
    ) -> Account | None:
        """Take the turn that comes in `wait` seconds, then look at the password."""
        clock = self._clock
        name = login.casefold()[:LONGEST_NAME]
        now = clock.monotonic()
        wait = max(wait, min(self._addresses.wait(address, now), ADDRESS_PATIENCE))
        self._names.take(name, now, self._under_way[name] - 1)
        self._addresses.take(address, now)
        if wait > 0:
            await clock.sleep(wait)
        began = clock.monotonic()
        account = find(login)
        if await authenticate(account.secret if account is not None else "", password):
            self._names.clear(name)
            return account
        await clock.sleep(began + self._answer_after - clock.monotonic())
        now = clock.monotonic()
        self._names.failed(name, now)
        self._addresses.failed(address, now)
        return None
