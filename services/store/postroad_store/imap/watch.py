"""Reports changes between commands, while the client idles (RFC 2177)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_store.protocol.contract import ConnectionLost

if TYPE_CHECKING:
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import View


class Watch:
    """Follows the selected mailbox of one session, from `start` to `stop`."""

    __slots__ = ("_session", "telling")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.telling: asyncio.Task[None] | asyncio.Handle | None = None  # under way

    def start(self) -> None:
        """Report changes, now and as they come."""
        session = self._session
        view = session.view
        if view is None:
            return
        view.on_change = self._changed
        if view.changed and view.much(expunges=True):
            self.telling = asyncio.get_running_loop().create_task(self._tell_patiently())
            return
        self._say(view)
        if view.gone:
            session.mailbox_gone()

    def stop(self) -> None:
        """Stop following changes: the next command reports them, and those that have not been reported yet."""
        if self._session.view is not None:
            self._session.view.on_change = None
        if isinstance(self.telling, asyncio.Task):
            self.telling.cancel()
            self.telling = None

    def end(self) -> None:
        """Report nothing more: the client has gone."""
        if self.telling is not None:
            self.telling.cancel()

    def _changed(self) -> None:
        """Report soon, not at once: a commit may make many changes, and this is called for each."""
        if self.telling is None:
            self.telling = asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self.telling = None
        session = self._session
        view = session.view
        if view is None or not session.engine.in_idle:
            return
        if not session.connection.can_write() or view.much(expunges=True):
            self.telling = asyncio.get_running_loop().create_task(self._tell_patiently())
            return
        self._say(view)
        if view.gone:
            session.mailbox_gone()
            session.connection.close()
        else:
            session.connection.flush()

    def _say(self, view: View) -> None:
        if view.changed:
            self._session.tell(view, expunges=True)
        self._session.tell_highest(view, tagged=False)

    async def _tell_patiently(self) -> None:
        session = self._session
        try:
            # RFC 3501 §5.3: a client that does not read must not make the server buffer its updates.
            await session.connection.wait_writable()
            if session.view is not None and session.engine.in_idle:
                await session.tell_in_turns(session.view, expunges=True)
        except ConnectionLost:
            return
        self._tell()
