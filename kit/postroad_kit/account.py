"""An account of a world: who it is, what it has got, and its mail clients."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad_kit.definition import AccountInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from postroad_kit.criteria import Criteria
    from postroad_kit.mail import Mail
    from postroad_kit.world import World

PATIENCE = 30.0  # seconds of a mail client


@dataclass(frozen=True)
class Account(AccountInfo):
    """An account. Its waits are for mail to its address, unless they name another recipient."""

    _world: World = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.address

    def wait(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> Mail:
        """Return the one message to this account that meets all criteria, as soon as it is in its mailbox."""
        __tracebackhide__ = True
        return self._world.wait(timeout=timeout, **self._mine(criteria))

    def wait_all(
        self,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        timeout: float = 10.0,
        **criteria: Unpack[Criteria],
    ) -> list[Mail]:
        """Return so many messages to this account; with `exactly` it is sure that no more will come."""
        __tracebackhide__ = True
        return self._world.wait_all(exactly=exactly, at_least=at_least, timeout=timeout, **self._mine(criteria))

    def none(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> None:
        """Return once it is sure that no such message to this account has come or will come. Raises `TooMany`."""
        __tracebackhide__ = True
        self._world.none(timeout=timeout, **self._mine(criteria))

    def messages(self, query: str = "") -> list[Mail]:
        """Return the messages to this account, the oldest first."""
        return self._world.messages(f'rcpt:"{self.address}" {query}'.strip())

    @contextlib.contextmanager
    def imap(self) -> Iterator[imaplib.IMAP4_SSL]:
        """Yield an IMAP client of Python's library, over TLS and logged in; it logs out at the end."""
        endpoints = self._world.endpoints
        host, port = endpoints["imaps"]
        client = imaplib.IMAP4_SSL(host, port, ssl_context=endpoints.ssl_context(), timeout=PATIENCE)
        try:
            client.login(self.login, self.password)
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    @contextlib.contextmanager
    def pop3(self) -> Iterator[poplib.POP3_SSL]:
        """Yield a POP3 client of Python's library, over TLS and logged in; QUIT at the end removes what is marked."""
        endpoints = self._world.endpoints
        host, port = endpoints["pop3s"]
        client = poplib.POP3_SSL(host, port, timeout=PATIENCE, context=endpoints.ssl_context())
        try:
            client.user(self.login)
            client.pass_(self.password)
            yield client
            client.quit()
        finally:
            client.close()

    def _mine(self, criteria: Criteria) -> Criteria:
        return {"recipient": self.address, **criteria}
