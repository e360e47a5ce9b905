"""Takes letters from the outbox to the relay's app door, one after the other, until the relay has them.

A letter is forgotten once the relay has said 250, so after a crash it may be sent twice, and is never lost. What can't
be sent now is tried again later; what the relay refuses, or has not taken for days, is dropped with a line in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from typing import TYPE_CHECKING

from postroad.control import names
from postroad.mail.address import AddressError, parse_address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.value import value
from postroad.world.world import Role
from postroad_store.mail.model.errors import MailError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

    from postroad.clock import Clock, Timer
    from postroad.config import Settings
    from postroad.world.world import World
    from postroad_store.mail.model.letter import Letter, Posted
    from postroad_store.mail.outbox import Outbox

WAITS = (1, 5, 15, 60, 300, 900)  # seconds between attempts; the last one repeats
GIVEN_UP = 5 * 86_400  # seconds after which a letter that nobody takes is dropped (RFC 5321 §4.5.4.1)
log = logging.getLogger(__name__)


@value
class AppDoor:
    """Where the relay takes mail from software; `postroad.smtp.client.session.Target`."""

    host: str
    address: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        """Give the form in which outcomes name it."""
        return f"{self.host}[{self.address}]"


def app_door(settings: Settings, world: World) -> AppDoor:
    """Return the app door of this world's relay."""
    host = world.host_of(Role.RELAY)
    front = ipaddress.ip_address(settings.front)
    return AppDoor(host.name, host.address if front.is_unspecified else front, settings.app_port)


class _Content:
    """A letter as the client of SMTP wants it."""

    path: Path | None = None

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def blocks(self) -> Iterator[bytes]:
        """Yield it from its start."""
        for start in range(0, len(self._octets), 1 << 16):
            yield self._octets[start : start + (1 << 16)]


class RefusedError(Exception):
    """The relay will never take the letter; the message says why."""


class AwayError(Exception):
    """The relay does not take the letter now; the message says why."""


class Postman:
    """Empties the outbox. `door` gives the app door of the world as it is now."""

    def __init__(self, outbox: Outbox, door: Callable[[], AppDoor], clock: Clock) -> None:
        self._outbox = outbox
        self._door = door
        self._clock = clock
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take up what is in the outbox, and wait for more."""
        self._outbox.on_posted = self._wake.set
        if self._outbox.next_due() is not None:
            self._wake.set()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; a letter that is under way may be sent again later."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while (posted := self._outbox.due(self._clock.now())) is not None:
                    await self._carry(posted)
                due = self._outbox.next_due()
            except MailError as error:
                log.warning("the outbox can't be read or written: %s", error)
                due = int(self._clock.now()) + WAITS[-1]
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if due is not None:
                self._timer = self._clock.call_later(max(0.0, due - self._clock.now()), self._wake.set)

    async def _carry(self, posted: Posted) -> None:
        letter = posted.letter
        who = {"sender": letter.sender, "recipient": letter.recipient}
        try:
            said = await self._send(letter)
            log.info("a script's letter is with the relay: %s", said, extra=who)
        except RefusedError as error:
            log.error("a script's letter is dropped: %s", error, extra=who)  # noqa: TRY400 - said all
        except (AwayError, OSError) as error:
            if await self._waits(posted, str(error), who):
                return
        except Exception:
            log.exception("unforeseen error with a script's letter", extra=who)
            if await self._waits(posted, "unforeseen error", who):
                return
        await self._outbox.forget(posted.number)

    async def _waits(self, posted: Posted, why: str, who: dict[str, str]) -> bool:
        """Let a letter wait for its next attempt; return False if it is given up."""
        now = self._clock.now()
        if now - posted.written >= GIVEN_UP:
            log.error("a script's letter is given up: %s", why, extra=who)
            return False
        wait = WAITS[min(posted.attempts, len(WAITS) - 1)]
        log.warning("a script's letter waits for %d s: %s", wait, why, extra=who)
        await self._outbox.postpone(posted.number, now + wait)
        return True

    async def _send(self, letter: Letter) -> str:
        """Hand a letter to the relay, and return what it said; raises `RefusedError`, `AwayError`, `OSError`."""
        # A store without scripts needs no client of SMTP, which is 3 MB.
        from postroad.smtp.client.events import Transaction  # noqa: PLC0415
        from postroad.smtp.client.login import with_login  # noqa: PLC0415
        from postroad.smtp.client.outcome import Delivered, Failed  # noqa: PLC0415
        from postroad.smtp.client.session import Session  # noqa: PLC0415
        from postroad.smtp.extensions import EXTENSIONS  # noqa: PLC0415

        try:
            sender = parse_address(letter.sender) if letter.sender else None
            recipient = Recipient(parse_address(letter.recipient))
        except AddressError as error:
            raise RefusedError(str(error)) from error
        content = letter.content
        eight_bit = not content.isascii()
        header = content.partition(b"\r\n\r\n")[0]
        transaction = Transaction(
            Envelope(sender, (recipient,), BodyType.EIGHT_BIT_MIME if eight_bit else None, letter.smtputf8),
            len(content),
            eight_bit=eight_bit,
            utf8_header=not header.isascii(),
        )
        door = self._door()
        # By the name of AUTH the relay knows which world the letter is of.
        extensions = with_login(letter.world, "-", plaintext=True) if letter.world else EXTENSIONS
        session = Session(door, names.STORE, None, self._clock, extensions=extensions)
        try:
            refused = await session.open(door.port)
            if refused is not None:
                raise AwayError(refused.outcome.reason)
            (outcome,) = (await session.run(transaction, _Content(content))).outcomes
        finally:
            session.leave()
        if isinstance(outcome, Delivered):
            return str(outcome.reply)
        if isinstance(outcome, Failed):
            raise RefusedError(outcome.reason)
        raise AwayError(outcome.reason)
