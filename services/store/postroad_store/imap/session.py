"""An IMAP session: carries out the engine's events against the mail (RFC 3501).

The handlers of the commands are functions of the session, each in the module of its command (`commands/`); the
registry knows them. Here is what they share: who is logged in, the view of the selected mailbox, how a client hears of
changes by others (RFC 3501 §5.2, §7.4.1), errors, and the order of answers.

`handle` answers at once if nothing has to be waited for, so that a client that pipelines a thousand small commands
costs no task. Only commands that stream (APPEND) are answered later than the next command is begun: the commit goes on
while the next message is read, and one APPEND is never ambiguous with another (RFC 3501 §5.5). Others wait for these.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from postroad.foreign import HTTP_METHODS
from postroad_store.imap import names, telling
from postroad_store.imap.announcements import Announcements
from postroad_store.imap.appends import Appends
from postroad_store.imap.directory import Directory
from postroad_store.imap.engine import Engine
from postroad_store.imap.events import Bad
from postroad_store.imap.extensions import ACL, INPROGRESS, METADATA_SERVER
from postroad_store.imap.farewells import FAREWELLS, MAILBOX_DELETED, TOO_MANY_BAD
from postroad_store.imap.grammar import mailbox_name, responses
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.highest import Highest
from postroad_store.imap.spec import Conditions
from postroad_store.imap.states import LOGGED_IN, State
from postroad_store.imap.watch import Watch
from postroad_store.mail.model.errors import MailError
from postroad_store.protocol.contract import Farewell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad_store.imap.authentication import Underway
    from postroad_store.imap.contexts import Contexts
    from postroad_store.imap.events import Command
    from postroad_store.imap.manner import Manner
    from postroad_store.imap.notify import Notify
    from postroad_store.imap.shared import Shared
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.protocol.contract import Connection, Event

log = logging.getLogger(__name__)

# Consecutive bad commands after which the connection is closed.
MAX_BAD_BEFORE_LOGIN = 3
MAX_BAD = 20
SERVER_BUG = b"NO [SERVERBUG] Internal error occurred."


class Session:
    """One connection (`protocol.contract.Session`)."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.storage = shared.storage
        self.engine = Engine(shared.offer)
        self.account: Account | None = None
        self.view: View | None = None
        self.contexts: Contexts | None = None  # searches of the view that are kept up to date
        self.failures = 0  # failed logins
        self.exchange: Underway | None = None  # of AUTHENTICATE
        self.appends = Appends(self)
        self.watch = Watch(self)
        self.highest = Highest()
        self.announcements: Announcements | None = None  # made when there may be any
        self.notify: Notify | None = None  # made by the first NOTIFY
        self.in_literal = False  # a literal is under way to the client: nothing else may be written
        self._bad = 0  # in a row
        self._directory: Directory | None = None  # of the account that is logged in, once a command has asked for it
        self._rest: Callable[[], Awaitable[None]] | None = None  # of a command that `finish` could not end at once

    # -- protocol.contract.Session ----------------------------------------------------------------------------

    def begin(self, connection: Connection) -> None:
        """Greet (RFC 3501 §7.1)."""
        self.connection = connection
        self.shared.sessions.add(self)
        self.engine.secure = connection.secure
        self.engine.send(b"* OK [CAPABILITY %b] Postroad ready.\r\n" % self.capabilities())

    def tls_started(self) -> None:
        """Go on over TLS; there is no second greeting (RFC 3501 §6.2.1)."""
        self.engine.tls_started()

    def handle(self, event: Event) -> Awaitable[None] | None:
        """Carry out an event; None if it has been answered."""
        if self.notify is not None:
            self.watch.pause()
        awaitable = self._handle(event)
        if self.notify is None:
            return awaitable
        if awaitable is not None:
            return self._then_notify(awaitable)
        self.watch.wake()
        return None

    async def _then_notify(self, awaitable: Awaitable[None]) -> None:
        await awaitable
        self.watch.wake()

    def _handle(self, event: Event) -> Awaitable[None] | None:
        kind = type(event)
        if kind is not Bad:
            self._bad = 0
        registry = self.engine.offer.registry
        if self.appends.pending and kind not in registry.streaming:  # RFC 3501 §5.5: no ambiguity
            return self._after_appends(event)
        if isinstance(event, Bad):
            self._answer_bad(event)
            return None
        try:
            awaitable = registry.handlers[kind](self, event)
        except MailError as error:
            self.refuse(event, error)
            return None
        except SyntaxFault as fault:
            self._misunderstood(event, fault)
            return None
        if awaitable is not None:
            return self._guarded(event, awaitable)
        return None if self._rest is None else self._finished()

    def failed(self, event: Event) -> None:
        """Answer an event whose handling has crashed; inside a literal nothing can be said."""
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
        self.watch.end()
        self.follow(None)
        self.close_view()
        self.appends.drop()

    # -- for the handlers: account and mailbox ----------------------------------------------------------------

    def offers(self, capability: Capability) -> bool:
        """Return False if a capability is hidden."""
        return capability.name in self.engine.offer.names

    def has_enabled(self, capability: Capability) -> bool:
        """Return True if the client has enabled a capability (RFC 5161)."""
        return self.engine.offer.has_enabled(capability)

    def enable(self, *capabilities: Capability) -> list[Capability]:
        """Enable what is offered of these, and say nothing; return those that were not enabled before."""
        before = self.engine.offer
        self.engine.make_offer(after := before.enabling(filter(before.offers, capabilities)))
        if after.has_enabled(METADATA_SERVER):
            self.announcements = self.announcements or Announcements()
            self.shared.annotated.add(self)
        return [each for each in capabilities if after.has_enabled(each) and not before.has_enabled(each)]

    @property
    def manner(self) -> Manner:
        """How the client is told of changes."""
        return self.engine.offer.manner

    @property
    def rev2(self) -> bool:
        """Whether the client speaks IMAP4rev2 (RFC 9051)."""
        return self.engine.offer.rev2

    def capabilities(self) -> bytes:
        """Return the list of capabilities in the state of the connection (RFC 3501 §6.1.1)."""
        shared, engine = self.shared, self.engine
        stranger = engine.state is State.NOT_AUTHENTICATED
        mechanisms = shared.sasl.offered(self.connection.channel) if stranger else ()
        varies = self.account is not None and shared.accounts.limits_appends(self.account.login)
        sizes = None if varies else shared.message_size, mechanisms, shared.message_limit
        conditions = Conditions(engine.state, engine.secure, shared.tls, shared.plaintext_auth, *sizes)
        return self.engine.offer.registry.capabilities(conditions)

    def follow(self, notify: Notify | None) -> None:
        """Tell the client of other events than until now (RFC 5465 §3.1)."""
        if self.notify is not None:
            self.notify.end()
        self.notify = notify
        if notify is not None:
            self.watch.follow()

    def current_account(self) -> Account:
        """Return the account that is logged in."""
        if self.account is None:
            raise RuntimeError("the engine let a command of the authenticated state through")
        return self.account

    def selected_view(self) -> View:
        """Return the view of the selected mailbox."""
        if self.view is None:
            raise RuntimeError("the engine let a command of the selected state through")
        return self.view

    @property
    def directory(self) -> Directory:
        """The mailboxes that the session may see."""
        directory = self._directory
        if directory is None:
            directory = Directory(self.storage, self.current_account(), shares=self.offers(ACL))
            self._directory = directory
        return directory

    def find_mailbox(self, name: bytes, needs: str = "r") -> Mailbox:
        r"""Return the mailbox of this name, which is as the client sent it, with which it may do what it needs.

        Raises `NotPermitted`; `NoSuchMailbox` if it could be created, which includes \Noselect names; `NameNotAllowed`
        if it never can: no client must be invited to create that (RFC 3501 §6.3.11, §6.4.7).
        """
        mailbox = self.directory.usable(self.known_name(name), needs)
        if mailbox is None or not mailbox.selectable:
            raise self.no_such_mailbox(name)
        return mailbox

    def no_such_mailbox(self, name: bytes) -> MailError:
        """See `names.no_such_mailbox`."""
        return names.no_such_mailbox(name, utf8=self.engine.offer.utf8)

    def new_name(self, name: bytes) -> str:
        """Return the name of a new mailbox, which is as the client sent it; raises `NameNotAllowed`."""
        return names.new_name(name, utf8=self.engine.offer.utf8)

    def known_name(self, name: bytes) -> str:
        """Return the name of a mailbox that may exist; "" if the octets are not a name."""
        return names.known_name(name, utf8=self.engine.offer.utf8)

    def encoded(self, name: str) -> bytes:
        """Return a mailbox name as this client spells it: UTF-8 (RFC 9051 §5.1, RFC 6855 §3) or modified UTF-7."""
        return name.encode() if self.engine.offer.utf8 else mailbox_name.encode(name)

    def written(self, name: str) -> bytes:
        """Return a mailbox name as an astring, as this client spells it."""
        return self.as_name(self.encoded(name))

    def as_name(self, encoded: bytes) -> bytes:
        """Return what `encoded` has returned as an astring."""
        return responses.utf8_astring(encoded) if self.engine.offer.utf8 else responses.astring(encoded)

    def log_out(self) -> None:
        """Forget all that has come since the greeting, except TLS and failed logins (RFC 8437 §3, §4.1)."""
        self.watch.stop()
        self.follow(None)
        self.close_view()
        self.account = self.exchange = self._directory = None
        self.highest = Highest()
        self.announcements = None
        self.engine.enter(State.NOT_AUTHENTICATED)
        self.engine.make_offer(self.shared.offer)
        self.connection.logged_out()

    def close_view(self) -> None:
        """Stop looking at the selected mailbox; the caller changes the state."""
        if self.view is not None:
            self.view.close()
            self.view = self.contexts = None

    def leave_mailbox(self) -> None:
        """Give up the selected mailbox, and go back to the authenticated state."""
        self.close_view()
        self.engine.enter(LOGGED_IN)

    # -- for the handlers: answers ---------------------------------------------------------------------------

    def finish(
        self, command: Command, text: bytes, *, expunges: bool = True, uid: bool = False, coded: bool = False
    ) -> None:
        """Report changes by other sessions, then complete the command.

        RFC 3501 §7.4.1: FETCH, STORE and SEARCH, but not their UID forms, pass `expunges=False`. With `coded`, a client
        that takes mod-sequences finds HIGHESTMODSEQ in the tagged OK (RFC 7162 §3.2.7).
        """
        if self.announcements is not None:
            self.engine.send(self.announcements.take())
        view = self.view
        if view is None:
            self.engine.complete(command.tag, text)
            return
        stale = self.contexts is not None and (view.changed or self.contexts.stale)
        if view.changed or stale:
            if stale or telling.much(self, view, expunges=expunges):  # `handle` goes on with it, after the handler
                self._rest = partial(
                    self._finish_in_turns, view, command, text, expunges=expunges, uid=uid, coded=coded
                )
                return
            self.tell(view, expunges=expunges, uid=uid)
        self._complete(view, command, text, coded=coded)

    async def _finish_in_turns(
        self, view: View, command: Command, text: bytes, *, expunges: bool, uid: bool, coded: bool
    ) -> None:
        await self.tell_in_turns(view, expunges=expunges, uid=uid)
        if self.contexts is not None:
            await self.contexts.update(self)
        self._complete(view, command, text, coded=coded)

    def _complete(self, view: View, command: Command, text: bytes, *, coded: bool) -> None:
        if self.engine.offer.manner.modseq:
            before, text = self.highest.completed(view, text, coded=coded)
            if before:
                self.engine.send(before)
        self.engine.complete(command.tag, text)
        if view.gone:
            self.mailbox_gone(view)

    async def _finished(self) -> None:
        """End a command that `finish` could not end at once."""
        rest, self._rest = self._rest, None
        if rest is not None:
            await rest()

    def tell(self, view: View, *, expunges: bool, flags: bool = True, uid: bool = False) -> None:
        """Send untagged responses about changes of the mailbox (RFC 3501 §5.2)."""
        telling.tell(self, view, expunges=expunges, flags=flags, uid=uid)

    async def tell_in_turns(self, view: View, *, expunges: bool, uid: bool = False) -> None:
        """Do the same; with much to say, let others run in between, and go no faster than the client reads."""
        await telling.tell_in_turns(self, view, expunges=expunges, uid=uid)

    def still_under_way(self, tag: bytes) -> None:
        """Tell the client that a command takes its time (RFC 9585 §4); how much is left is not known."""
        if self.offers(INPROGRESS) and not self.in_literal and self.connection.can_write():
            self.engine.send(b"* OK [INPROGRESS (%b NIL NIL)] Still under way.\r\n" % responses.string(tag))
            self.connection.flush()

    def refuse(self, event: Event, error: MailError, code: str | None = None) -> None:
        """Answer a command with NO, the error of the mail, and its response code (RFC 5530)."""
        tag = getattr(event, "tag", None)
        if self.in_literal or tag is None:
            self.connection.close()
            return
        log.debug("imap: %s: %s", type(event).__name__, error)
        self.engine.complete(tag, responses.no(error, code))

    def mailbox_gone(self, view: View) -> None:
        """Disconnect a client whose selected mailbox has been deleted or replaced: no state of RFC 3501 fits."""
        self.close_view()
        self.engine.bye(FAREWELLS[Farewell.RESTORED] if view.mailbox.replaced else MAILBOX_DELETED)
        self.engine.close()

    # -- the order of answers, and faults ---------------------------------------------------------------------

    async def _after_appends(self, event: Event) -> None:
        await self.appends.settled()
        self.connection.flush()
        awaitable = self._handle(event)
        if awaitable is not None:
            await awaitable

    async def _guarded(self, event: Event, awaitable: Awaitable[None]) -> None:
        under_way = self.shared.under_way
        under_way.begin(self, getattr(event, "tag", b""))
        try:
            await awaitable
        except MailError as error:
            self.refuse(event, error)
        finally:
            under_way.end(self)
        if self._rest is not None:
            await self._finished()

    def _misunderstood(self, event: Event, fault: SyntaxFault) -> None:
        """Answer a command whose arguments are not valid for the selected mailbox."""
        tag = getattr(event, "tag", b"")
        name = type(event).__name__.upper().encode("ascii")
        self.engine.complete(tag, b"BAD Error in IMAP command %b: %b" % (name, responses.text(str(fault))))

    def _answer_bad(self, event: Bad) -> None:
        """Answer input that is not a valid command."""
        self.appends.drop_incoming()
        self.watch.stop()
        if event.limit and event.tag is not None:
            self.engine.complete(event.tag, b"NO [%b] %b" % (event.limit.encode("ascii"), responses.text(event.text)))
            return
        self._bad += 1
        if event.tag is None:
            self.engine.untagged_bad(responses.text(event.text))
        else:
            self.engine.complete(event.tag, b"BAD " + responses.text(event.text))
        limit = MAX_BAD_BEFORE_LOGIN if self.engine.state is State.NOT_AUTHENTICATED else MAX_BAD
        if event.tag in HTTP_METHODS:
            limit = 1
        if self._bad >= limit and self.engine.state is not State.LOGOUT:
            self.engine.bye(TOO_MANY_BAD)
            self.engine.close()
