"""What all IMAP sessions of the store share."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from postroad.journal import Journal
    from postroad_store.accounts import Accounts
    from postroad_store.imap.session import Session
    from postroad_store.mail.storage import Storage

log = logging.getLogger(__name__)
Result = TypeVar("Result")

REFUSAL = b"* BYE Too many connections.\r\n"
IDLE_TIMEOUT = 1800.0  # RFC 3501 §5.4: at least 30 minutes


class Service:
    """The mail, the accounts and the settings; makes the sessions.

    `incoming` is a folder for large messages as they arrive.
    """

    def __init__(
        self,
        accounts: Accounts,
        storage: Storage,
        journal: Journal,
        incoming: Path,
        *,
        tls: bool = True,
        plaintext_auth: bool = False,
        message_size: int = 50 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accounts = accounts
        self.storage = storage
        self.journal = journal
        self.incoming = incoming
        self.tls = tls
        self.plaintext_auth = plaintext_auth
        self.message_size = message_size
        self.clock = clock  # seconds since 1970

    def session(self) -> Session:
        """Return a session for a new connection."""
        from postroad_store.imap.session import Session  # noqa: PLC0415 - they name each other

        return Session(self)

    @staticmethod
    async def breathe() -> None:
        """Let other sessions have a turn."""
        await asyncio.sleep(0)

    @staticmethod
    def as_future(commit: Awaitable[Result]) -> asyncio.Future[Result]:
        """Return a commit as a future, to be told when it ends."""
        return asyncio.ensure_future(commit)

    @staticmethod
    def log_crash(what: str, error: BaseException) -> None:
        """Log what nobody foresaw, with its traceback."""
        log.error("imap: %s failed", what, exc_info=error)

    @staticmethod
    def loop() -> asyncio.AbstractEventLoop:
        """Return the event loop that everything runs on."""
        return asyncio.get_running_loop()
