"""Checks who clients are, and slows down guessing, over all sessions of a service together and all mechanisms alike.

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
- An address from which a name was logged in has turns of its own for that name: guesses that come from elsewhere don't
  delay the owner.
- Failures are forgotten, one per `FORGOTTEN_AFTER`, and names and addresses beyond `KEPT` of each (`turns`).

A client cannot tell an unknown name, a wrong plain password, a wrong hashed one and any other wrong proof from each
other. Their turns are alike, because turns go by the name that the client gave. Their time is alike, because every
refusal comes `answer_after` seconds after the check began, which is longer than a hash takes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import LONGEST_NAME, identities
from postroad.sasl.saslprep import PrepareError, saslprep
from postroad.world.turns import KEPT, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from postroad.clock import Clock
    from postroad.sasl.mechanism import Claim, Proof
    from postroad.world.world import Account

FREE = 5  # wrong passwords for one name that cost no turns
FIRST_TURN = 0.5  # seconds; each further failure doubles it
LONGEST_TURN = 8.0  # seconds
PATIENCE = 30.0  # seconds that an attempt waits for its turn
ADDRESS_FREE = 50  # wrong passwords of one client address that cost no turns
ADDRESS_TURN = 0.1  # seconds
ADDRESS_PATIENCE = 1.0  # seconds


class TooManyGuesses(Exception):  # noqa: N818 - a state of affairs, and no fault
    """So many wrong passwords were tried for this login name that this attempt is not checked. Try again later."""


class NotAllowed(Exception):  # noqa: N818 - a state of affairs, and no fault
    """The client is who it says it is, and may not act as whom it asks for."""


class Guesses:
    """Checks the claims of one service's clients.

    `answer_after` is the time from the beginning of a check to its refusal, in seconds.
    """

    def __init__(self, clock: Clock, *, answer_after: float = 1.0) -> None:
        self._clock = clock
        self._answer_after = answer_after
        self._names = Turns(free=FREE, first=FIRST_TURN, longest=LONGEST_TURN)
        self._addresses = Turns(free=ADDRESS_FREE, first=ADDRESS_TURN, longest=ADDRESS_TURN)
        self._homes: OrderedDict[str, None] = OrderedDict()  # names with the addresses where they have logged in
        self._under_way: dict[str, int] = {}  # attempts that are not answered yet, by name
        self._waiting: dict[str, asyncio.Future[None]] = {}  # for one of them to end

    async def log_in(
        self,
        find: Callable[[str], Account | None],
        claim: Claim,
        address: str,
        administrators: Container[str] = (),
        *,
        fellows: Callable[[str, str], bool] = lambda _one, _other: True,
    ) -> Account | None:
        """Return the account that the client may act as if its claim is right, else None.

        `find` has the accounts, and `administrators` are the logins of those who may act as any of their `fellows`:
        it says whether two logins are of the same world. `address` is the client's. Raises `TooManyGuesses`,
        `NotAllowed`.
        """
        clock = self._clock
        login, identity = identities(claim.login, claim.identity)
        name = self._key(login, address)
        under_way = self._under_way
        while (wait := self._names.wait(name, clock.monotonic())) == 0 and under_way.get(name, 0) >= FREE:
            await asyncio.shield(self._waiting.setdefault(name, asyncio.get_running_loop().create_future()))
        if wait > PATIENCE:
            await clock.sleep(self._answer_after)
            raise TooManyGuesses(login)
        under_way[name] = under_way.get(name, 0) + 1
        try:
            account = await self._check(partial(_found, find, login), claim.proof, name, (login, address), wait)
        finally:
            if (left := under_way.pop(name) - 1) > 0:
                under_way[name] = left
            if (waiting := self._waiting.pop(name, None)) is not None:
                waiting.set_result(None)
        if account is None or not identity:
            return account
        wanted = _found(find, identity)
        if wanted is not None and wanted.login == account.login:
            return wanted
        # RFC 4422 §3.4.1: the authorization identity
        if wanted is None or account.login not in administrators or not fellows(account.login, wanted.login):
            raise NotAllowed(identity)
        return wanted

    def _key(self, login: str, address: str) -> str:
        """Return the name whose turns an attempt takes."""
        name = login.casefold()[:LONGEST_NAME]
        home = f"{name} {address}"
        return home if home in self._homes else name

    def _at_home(self, login: str, address: str) -> None:
        home = f"{login.casefold()[:LONGEST_NAME]} {address}"
        self._homes[home] = None
        self._homes.move_to_end(home)
        if len(self._homes) > KEPT:
            self._homes.popitem(last=False)

    async def _check(
        self, find: Callable[[], Account | None], proof: Proof, name: str, home: tuple[str, str], wait: float
    ) -> Account | None:
        """Take the turn that comes in `wait` seconds, then look at the proof; `home` is login name and address."""
        address = home[1]
        clock = self._clock
        now = clock.monotonic()
        wait = max(wait, min(self._addresses.wait(address, now), ADDRESS_PATIENCE))
        self._names.take(name, now, self._under_way[name] - 1)
        self._addresses.take(address, now)
        if wait > 0:
            await clock.sleep(wait)
        began = clock.monotonic()
        account = find()
        if account is not None and await _proves(proof, account):
            self._names.clear(name)
            self._at_home(*home)
            return account
        await clock.sleep(began + self._answer_after - clock.monotonic())
        now = clock.monotonic()
        self._names.failed(name, now)
        self._addresses.failed(address, now)
        return None


async def _proves(proof: Proof, account: Account) -> bool:
    """Check a proof without holding up the event loop: a hash takes tens of milliseconds, so a thread computes it."""
    if proof.is_quick(account):
        return proof.proves(account)
    return await asyncio.to_thread(proof.proves, account)


def _found(find: Callable[[str], Account | None], login: str) -> Account | None:
    """Return the account with a login name, as it came or prepared (RFC 4616 §2, RFC 5034 §4)."""
    account = find(login)
    if account is not None or login.isascii():
        return account
    try:
        return find(saslprep(login))
    except PrepareError:
        return None
