"""An IMAP session: carries out what the engine has understood, against the mail (RFC 3501).

The handlers of the commands stand in modules by state, as functions of the session: `session_nonauth`,
`session_auth`, `session_append`, `session_selected`. Here is what they share: who is logged in, the view of the
selected mailbox, how a session is told of what others do (RFC 3501 §5.2, §7.4.1), errors, and the order of
answers.

`handle` answers at once wherever nothing has to be waited for, so that a client that pipelines a thousand small
commands costs no task. Only APPEND is answered later than the next command is begun (RFC 3501 §5.5 allows it, for
one APPEND is never ambiguous with another): its commit goes on while the next message is read. Any other
command waits for all APPENDs before it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_store.imap import (
    commands,
    session_append,
    session_auth,
    session_nonauth,
    session_selected,
    updates,
)
from postroad_store.imap.engine import Engine
from postroad_store.imap.grammar import responses
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import format_ranges, ranges_of
from postroad_store.imap.names import new_name, no_such_mailbox
from postroad_store.imap.states import State
from postroad_store.mail.model.account import checked_name
from postroad_store.mail.model.errors import MailError
from postroad_store.protocol.contract import ConnectionLost, Farewell

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from postroad.journal import Kind
    from postroad_store.imap.commands import Bad, Command
    from postroad_store.imap.service import Service
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.protocol.contract import Connection, Event

    Handler = Callable[["Session", Any], Awaitable[None] | None]

log = logging.getLogger(__name__)

# Commands that are none, one after another, until the connection is closed: before and after login.
MAX_BAD_BEFORE_LOGIN = 3
MAX_BAD = 20
RANGES_A_NOTE = 50  # of UIDs in one line of the journal
SERVER_BUG = b"NO [SERVERBUG] Internal error occurred."
TOO_MANY_BAD = b"Too many invalid IMAP commands."
FAREWELLS = {
    Farewell.IDLE: b"Disconnected for inactivity.",
    Farewell.SHUTDOWN: b"Server shutting down.",
    Farewell.CROWDED: b"Too many connections.",
}


class Session:
    """One connection (`engine.Session`)."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.storage = service.storage
        self.engine = Engine()
        self.account: Account | None = None
        self.view: View | None = None
        self.failures = 0  # logins that failed
        self.appends = session_append.Appends(self)
        self.in_literal = False  # a literal has been announced and not sent whole: nothing else may be written
        self._bad = 0
        self._idle_update: asyncio.Task[None] | asyncio.Handle | None = None

    # -- engine.Session ---------------------------------------------------------------------------------------

    def begin(self, connection: Connection) -> None:
        """Greet (RFC 3501 §7.1)."""
        self.connection = connection
        self.engine.secure = connection.secure
        capabilities = b" ".join(session_nonauth.capabilities(self))
        self.engine.send(b"* OK [CAPABILITY %b] Postroad ready.\r\n" % capabilities)

    def tls_started(self) -> None:
        """Go on over TLS; there is no second greeting (RFC 3501 §6.2.1)."""
        self.engine.tls_started()

    def handle(self, event: Event) -> Awaitable[None] | None:
        """Carry out an event; None where it has been answered."""
        handler = HANDLERS[type(event)]
        if handler is not Session.bad:
            self._bad = 0
        if self.appends.pending and handler not in _APPENDING:
            return self._after_appends(event)
        try:
            awaitable = handler(self, event)
        except MailError as error:
            self.refuse(event, error)
            return None
        except SyntaxFault as fault:
            self.misunderstood(event, fault)
            return None
        return None if awaitable is None else self._guarded(event, awaitable)

    def failed(self, event: Event) -> None:
        """Answer an event whose handling has crashed; nothing can be said in the midst of a literal."""
        tag = getattr(event, "tag", None)
        if self.in_literal or tag is None:
            self.connection.close()
        else:
            self.engine.complete(tag, SERVER_BUG)

    def farewell(self, reason: Farewell) -> None:
        """Say BYE (RFC 3501 §7.1.5)."""
        if not self.in_literal:
            self.engine.bye(FAREWELLS[reason])

    def end(self) -> None:
        """Stop following the mailbox."""
        if self._idle_update is not None:
            self._idle_update.cancel()
        self.close_view()
        self.appends.drop()

    # -- what the handlers share ------------------------------------------------------------------------------

    async def _after_appends(self, event: Event) -> None:
        await self.appends.settled()
        awaitable = self.handle(event)
        if awaitable is not None:
            await awaitable

    async def _guarded(self, event: Event, awaitable: Awaitable[None]) -> None:
        try:
            await awaitable
        except MailError as error:
            self.refuse(event, error)

    def misunderstood(self, event: Event, fault: SyntaxFault) -> None:
        """Answer a command whose numbers mean nothing here."""
        tag = getattr(event, "tag", b"")
        name = type(event).__name__.upper().encode("ascii")
        self.engine.complete(tag, b"BAD Error in IMAP command %b: %b" % (name, responses.text(str(fault))))

    def refuse(self, event: Event, error: MailError, code: str | None = None) -> None:
        """Answer a command with what went wrong with the mail, and its response code (RFC 5530)."""
        tag = getattr(event, "tag", None)
        if self.in_literal or tag is None:
            self.connection.close()
            return
        log.debug("imap: %s: %s", type(event).__name__, error)
        self.engine.complete(tag, responses.no(error, code))

    def finish(self, command: Command, text: bytes, *, expunges: bool = True, uid: bool = False) -> None:
        """Tell what others have done meanwhile, then complete the command.

        RFC 3501 §7.4.1: FETCH, STORE and SEARCH, not their UID forms, say `expunges=False`.
        """
        view = self.view
        if view is not None and view.changed:
            self.tell(view, expunges=expunges, uid=uid)
        self.engine.complete(command.tag, text)
        if view is not None and view.gone:
            self.mailbox_gone()

    def tell(self, view: View, *, expunges: bool, uid: bool = False) -> None:
        """Send untagged responses about what has changed in the mailbox (RFC 3501 §5.2)."""
        octets = updates.changes(view, view.take(expunges=expunges), uid=uid)
        if octets:
            self.engine.send(octets)

    def mailbox_gone(self) -> None:
        """Part with a client whose selected mailbox somebody has deleted: no state of RFC 3501 fits."""
        self.close_view()
        self.engine.bye(b"Selected mailbox was deleted, have to disconnect.")
        self.engine.close()

    def current_account(self) -> Account:
        """Return who is logged in."""
        if self.account is None:
            raise RuntimeError("the engine let a command of the authenticated state through")
        return self.account

    def selected_view(self) -> View:
        """Return the view of the selected mailbox."""
        if self.view is None:
            raise RuntimeError("the engine let a command of the selected state through")
        return self.view

    def find_mailbox(self, name: bytes) -> Mailbox:
        r"""Return the mailbox of this name, which is as the client sent it (modified UTF-7).

        Raises `NoSuchMailbox` if it could be created, which includes \Noselect names, and `NameNotAllowed` if it never
        can: no client shall be invited to create that (RFC 3501 §6.3.11, §6.4.7).
        """
        wanted = new_name(name)
        mailbox = self.current_account().find(wanted)
        if mailbox is None:
            checked_name(wanted)
        if mailbox is None or not mailbox.selectable:
            raise no_such_mailbox(name)
        return mailbox

    def close_view(self) -> None:
        """Stop looking at the selected mailbox; the state is the caller's."""
        if self.view is not None:
            self.view.close()
            self.view = None

    def note(self, kind: Kind, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """Write to the journal what was done with messages (ascending UIDs), as a number or uid-sets (RFC 4315 §4)."""
        ranges = ranges_of(uids)
        for start in range(0, len(ranges), RANGES_A_NOTE):
            text = format_ranges(ranges[start : start + RANGES_A_NOTE]).decode("ascii")
            self.service.journal.record(
                kind,
                account=self.account.login if self.account is not None else "",
                mailbox=mailbox.name,
                uid_validity=mailbox.uid_validity,
                uid=int(text) if text.isdigit() else text,
                protocol="imap",
            )

    # -- events of no state -----------------------------------------------------------------------------------

    def bad(self, event: Bad) -> None:
        """Answer what no command was."""
        self.appends.drop_incoming()
        self.stop_idling()
        self._bad += 1
        if event.tag is None:
            self.engine.untagged_bad(responses.text(event.text))
        else:
            self.engine.complete(event.tag, b"BAD " + responses.text(event.text))
        limit = MAX_BAD_BEFORE_LOGIN if self.engine.state is State.NOT_AUTHENTICATED else MAX_BAD
        if self._bad >= limit and self.engine.state is not State.LOGOUT:
            self.engine.bye(TOO_MANY_BAD)
            self.engine.close()

    # -- IDLE (RFC 2177) --------------------------------------------------------------------------------------

    def idle(self, command: commands.Idle) -> None:
        """Tell what is new as it comes, until DONE."""
        self.engine.idling(command.tag)
        view = self.view
        if view is not None:
            view.on_change = self._changed_in_idle
            if view.changed:
                self.tell(view, expunges=True)
            if view.gone:
                self.mailbox_gone()

    def done(self, command: commands.Done) -> None:
        """End IDLE."""
        self.stop_idling()
        self.finish(command, b"OK Idle completed.")

    def stop_idling(self) -> None:
        """Hear no more of changes; what comes is told with the next command."""
        if self.view is not None:
            self.view.on_change = None

    def _changed_in_idle(self) -> None:
        """Tell soon: a commit changes much at once, and this is called for each."""
        if self._idle_update is None:
            self._idle_update = self.service.loop().call_soon(self._tell_in_idle)

    def _tell_in_idle(self) -> None:
        self._idle_update = None
        view = self.view
        if view is None or not self.engine.idle:
            return
        if not self.connection.can_write():
            # RFC 3501 §5.3: a client that does not read must not make the server hold what it is told.
            self._idle_update = self.service.loop().create_task(self._tell_when_writable())
            return
        self.tell(view, expunges=True)
        if view.gone:
            self.mailbox_gone()
            self.connection.close()
        else:
            self.connection.flush()

    async def _tell_when_writable(self) -> None:
        try:
            await self.connection.wait_writable()
        except ConnectionLost:
            return
        self._tell_in_idle()


HANDLERS: dict[type[Event], Handler] = {
    commands.Bad: Session.bad,
    commands.Idle: Session.idle,
    commands.Done: Session.done,
    **session_nonauth.HANDLERS,
    **session_auth.HANDLERS,
    **session_append.HANDLERS,
    **session_selected.HANDLERS,
}
_APPENDING = frozenset(session_append.HANDLERS.values())
