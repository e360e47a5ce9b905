"""Reports changes between commands: while the client idles (RFC 2177), and to one that asks for it (RFC 5465)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_store.imap import telling
from postroad_store.protocol.contract import ConnectionLost

if TYPE_CHECKING:
    from postroad_store.imap.session import Session


class Watch:
    """Follows the selected mailbox of one session, from `start` to `stop`, or always since `follow`."""

    __slots__ = ("_session", "telling")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.telling: asyncio.Task[None] | asyncio.Handle | None = None  # under way

    @property
    def may_speak(self) -> bool:
        """Whether changes may be reported now."""
        session = self._session
        engine = session.engine
        return engine.in_idle or (session.notify is not None and engine.between_commands)

    def start(self) -> None:
        """Report changes, now and as they come."""
        session = self._session
        view = session.view
        if view is None:
            if session.notify is not None:
                self.wake()
            return
        view.on_change = self.wake
        if self._takes_turns():
            self._go_on()
            return
        self._say()
        if view.gone:
            session.mailbox_gone(view)
        elif self._takes_turns():
            self._go_on()

    def stop(self) -> None:
        """Stop following changes: the next command reports them, and those that have not been reported yet."""
        session = self._session
        if session.view is not None and session.notify is None:
            session.view.on_change = None
        self.pause()

    def pause(self) -> None:
        """Leave off: a command has come."""
        if isinstance(self.telling, asyncio.Task):
            self.telling.cancel()
            self.telling = None

    def follow(self) -> None:
        """Follow the selected mailbox from now on, whether the client idles or not."""
        if self._session.view is not None and self._session.notify is not None:
            self._session.view.on_change = self.wake
            self._session.notify.entered()

    def end(self) -> None:
        """Report nothing more: the client has gone."""
        if self.telling is not None:
            self.telling.cancel()

    def wake(self) -> None:
        """Report soon, not at once: a commit may make many changes, and this is called for each."""
        if self.telling is None:
            self.telling = asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self.telling = None
        session = self._session
        view = session.view
        if not self.may_speak or (view is None and session.notify is None):
            return
        if not session.connection.can_write() or self._takes_turns():
            self._go_on()
            return
        self._say()
        if view is not None and view.gone:
            session.mailbox_gone(view)
            session.connection.close()
            return
        session.connection.flush()
        if self._takes_turns():
            self._go_on()

    def _go_on(self) -> None:
        self.telling = asyncio.get_running_loop().create_task(self._tell_patiently())

    def _takes_turns(self) -> bool:
        """Whether there is much to say, or something that has to be searched for first.

        Nothing counts that would be left once all is said that may be: it would be tried again without end.
        """
        session = self._session
        view, contexts = session.view, session.contexts
        if view is None:
            return False
        if contexts is not None and contexts.stale:
            return True
        return view.changed and telling.much(session, view, expunges=self._may_expunge)

    def _say(self) -> None:
        session = self._session
        notify, view = session.notify, session.view
        if view is not None and view.changed:
            session.tell(view, expunges=self._may_expunge)
        if session.contexts is not None and session.contexts.stale:
            return  # RFC 5465 §5.2: what is sent of new messages "MUST follow any ESEARCH ADDTO responses"
        if notify is not None and notify.waiting:
            session.engine.send(notify.take())
        if view is not None and (notify is None or notify.messages):
            telling.tell_highest(session, view)

    @property
    def _may_expunge(self) -> bool:
        # RFC 5465 §6.1.2: with SELECTED-DELAYED, not between commands
        session = self._session
        return session.engine.in_idle or session.notify is None or not session.notify.interests.delayed

    async def _tell_patiently(self) -> None:
        session = self._session
        try:
            # RFC 3501 §5.3: a client that does not read must not make the server buffer its updates.
            await session.connection.wait_writable()
            if session.view is not None and self.may_speak:
                await session.tell_in_turns(session.view, expunges=self._may_expunge)
                if session.contexts is not None:  # RFC 5267 §4.3.2: when the change itself is reported
                    await session.contexts.update(session)
        except ConnectionLost:
            return
        self._tell()
