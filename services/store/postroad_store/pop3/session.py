"""A POP3 session: carries out the engine's events against the mail (RFC 1939).

A maildrop is locked by one POP3 session at a time (RFC 1939 §4); IMAP sessions may look at the same INBOX meanwhile.
The snapshot stays as it is: a message that one of them expunges is answered with -ERR. Messages are removed in the
UPDATE state only, in one commit, and acknowledged when that is durable.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.tap import LoggedIn
from postroad.value import value
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad_store.mail.model.errors import MailError
from postroad_store.mail.model.message import Column
from postroad_store.pop3.authorization import AUTH_FAILED, PLAINTEXT_REFUSED
from postroad_store.pop3.engine import MANY, Engine
from postroad_store.pop3.events import ListAll, Login, LoginAbandoned, PlaintextRefused, Retrieve, Update
from postroad_store.pop3.maildrop import Maildrop
from postroad_store.pop3.multiline import body_lines
from postroad_store.pop3.utf8 import needs_utf8

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.mail.opened import OpenMessage
    from postroad_store.pop3.shared import Shared
    from postroad_store.protocol.contract import Connection, Event, Farewell

log = logging.getLogger(__name__)

PIECE = 256 * 1024  # octets of a large message read at a time; a larger message comes in pieces
READ_AHEAD = 128 * 1024  # octets of messages that a session holds for the next RETR
TOO_MANY_GUESSES = "[SYS/TEMP] Too many failed logins, try again later."  # RFC 3206 §4
NOT_ALLOWED = "[AUTH] Authorization failed."
INTERNAL_ERROR = "[SYS/TEMP] Internal error occurred."
EXPUNGED = "Message is expunged."
NEEDS_UTF8 = "[UTF8] Message needs UTF8 mode."  # RFC 6856 §5
NOT_REMOVED = "[SYS/TEMP] Some deleted messages were not removed."


@value
class _Held:
    """Held by a session from its login to its end."""

    login: str
    maildrop: Maildrop
    view: View

    @property
    def mailbox(self) -> Mailbox:
        return self.view.mailbox


class Session:
    """One connection (`contract.Session`)."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._storage = shared.storage
        self.engine = Engine(
            shared.sasl, shared.offer, shared.policy, tls=shared.tls, plaintext_auth=shared.plaintext_auth
        )
        self._held: _Held | None = None
        self._ahead: dict[UID, bytes] = {}  # messages that are likely to be asked for next
        self._after = 0  # the number after the last that was retrieved

    def begin(self, connection: Connection) -> None:
        """Greet."""
        self._connection = connection
        self.engine.greet(lambda: connection.channel, secure=connection.secure)

    def tls_started(self) -> None:
        """Go on over TLS, without a new greeting (RFC 2595 §4)."""
        self.engine.tls_started()

    def farewell(self, reason: Farewell) -> None:
        """Say nothing: RFC 1939 §3 has the server close without a response, and without UPDATE."""

    def end(self) -> None:
        """Give the maildrop back."""
        if self._held is not None:
            self._held.view.close()
            self._shared.unlock(self._held.login)
            self._held = None
        self._ahead.clear()

    def handle(self, event: Event) -> Awaitable[None] | None:
        """Carry out an event of the engine; RETR and TOP at once, unless the message is large."""
        if isinstance(event, Login):
            return self._login(event)
        if isinstance(event, PlaintextRefused):
            self._note_refusal(PLAINTEXT_REFUSED, {} if event.login is None else {"login": event.login})
            return None
        if isinstance(event, LoginAbandoned):
            self.end()
            return None
        held = self._held
        if held is not None and isinstance(event, Retrieve):
            if held.maildrop.size(event.number) > PIECE:
                return self._retrieve_in_pieces(event, held)
            self._retrieve(event, held)
            return None
        if isinstance(event, ListAll):
            return self._list(event)
        if held is not None and isinstance(event, Update):
            return self._update(event, held)
        raise TypeError(f"{type(event).__name__} is not an event that the POP3 engine gives now")

    def failed(self, event: Event) -> None:  # noqa: ARG002 - all are answered alike
        """Answer an event whose handling has crashed; after half a message, close: it must not look complete."""
        if self.engine.in_message:
            self._connection.close()
        else:
            self.engine.refuse(INTERNAL_ERROR)

    # AUTHORIZATION

    def _note_refusal(self, text: str, facts: dict[str, str]) -> None:
        peer, reply = self._connection.peer, f"-ERR {text}"
        log.info("pop3 login failed", extra=facts | {"peer": peer, "reply": reply})
        self._shared.refusals.record("AUTH", peer=peer, port="pop3", reply=reply, **facts)

    async def _login(self, event: Login) -> None:
        peer, facts = self._connection.peer, event.claim.facts
        try:
            account = await self._shared.accounts.authenticate(event.claim, peer)
        except TooManyGuesses:
            self._refuse(TOO_MANY_GUESSES, facts)
            return
        except NotAllowed:
            self._note_refusal(NOT_ALLOWED, facts)
            self.engine.login_failed(NOT_ALLOWED)
            return
        if account is None:
            self._note_refusal(AUTH_FAILED, facts)
            self.engine.login_failed()
            return
        refusal = self._shared.lock(account.login)
        if refusal is not None:
            self._refuse(refusal, facts)
            return
        try:
            inbox = (await self._storage.account(account.login)).inbox
            # claim_recent: messages that POP3 sees are still \Recent for the next IMAP session
            view = await self._storage.view_large(inbox, claim_recent=False)
        except BaseException as error:
            self._shared.unlock(account.login)  # RFC 1939 §4: release the lock before rejecting the command
            if not isinstance(error, MailError):
                raise
            log.warning("a maildrop can't be opened: %s", error, extra={"login": account.login})
            self.engine.refuse(INTERNAL_ERROR)
            return
        uids = view.uids
        maildrop = Maildrop(inbox.uid_validity, uids, view.pick(inbox.sizes, 1, len(uids)))
        self._held = _Held(account.login, maildrop, view)
        self._connection.logged_in(account.login)
        self._connection.note(LoggedIn(account.login, self._shared.accounts.world_id(account.login)))
        log.info("pop3 login", extra=facts | {"login": account.login, "peer": peer, "messages": len(maildrop)})
        self.engine.logged_in(maildrop)

    def _refuse(self, text: str, facts: dict[str, str]) -> None:
        self._note_refusal(text, facts)
        self.engine.refuse(text)

    # TRANSACTION

    async def _list(self, event: ListAll) -> None:
        """List many messages, letting other sessions run in between."""
        for start in range(0, len(event.numbers), MANY):
            self.engine.list_piece(event.numbers[start : start + MANY], unique_ids=event.unique_ids)
            self._connection.flush()
            await self._connection.wait_writable()
            await asyncio.sleep(0)
        self.engine.end_list()

    def _retrieve(self, event: Retrieve, held: _Held) -> None:
        uid = held.maildrop.uids[event.number - 1]
        content: bytes | None = None
        try:
            if event.lines is None:
                content = self._content(event.number, held)
            else:
                for _, (header, text) in self._storage.fetch(held.mailbox, [uid], [Column.HEADER, Column.TEXT]):
                    content = header + text[: body_lines(text, event.lines)]
        except MailError as error:
            log.warning("a message can't be read: %s", error, extra={"login": held.login, "uid": uid})
            self.engine.refuse(INTERNAL_ERROR)
            return
        if content is None:
            self.engine.refuse(EXPUNGED)
            return
        if not content.isascii() and not self.engine.takes_utf8 and needs_utf8(content):
            self.engine.refuse(NEEDS_UTF8)
            return
        self.engine.message(content)
        if event.lines is None:
            self._shared.notes.retrieved(self._connection, held.login, held.mailbox, [uid])

    def _content(self, number: int, held: _Held) -> bytes | None:
        """Return a whole message; for a client that reads one after another, read several by one SELECT.

        1,000 messages of 2 KiB: 27 ms for their octets instead of 75 with a SELECT for each.
        """
        maildrop = held.maildrop
        uid = maildrop.uids[number - 1]
        if uid not in self._ahead:
            last = number
            if number == self._after:
                room = READ_AHEAD - maildrop.size(number)
                while last < len(maildrop) and room >= maildrop.size(last + 1):
                    last += 1
                    room -= maildrop.size(last)
            uids = maildrop.uids[number - 1 : last]
            self._ahead = {
                read: content for read, (content,) in self._storage.fetch(held.mailbox, uids, [Column.CONTENT])
            }
        self._after = number + 1
        return self._ahead.pop(uid, None)

    async def _retrieve_in_pieces(self, event: Retrieve, held: _Held) -> None:
        """Send a large message piece by piece, as fast as the client reads, without holding it whole."""
        uid = held.maildrop.uids[event.number - 1]
        opened = self._storage.opened.open(held.mailbox, uid)
        if opened is None:
            self.engine.refuse(EXPUNGED)
            return
        if not self.engine.takes_utf8 and needs_utf8(opened.octets(0, PIECE)):
            self.engine.refuse(NEEDS_UTF8)
            return
        end = opened.size if event.lines is None else _end_of_top(opened, event.lines)
        self.engine.begin_message(end)
        for offset in range(0, end, PIECE):
            piece = opened.octets(offset, min(offset + PIECE, end))
            if not piece:  # the database is damaged
                self._connection.close()
                return
            self.engine.message_piece(piece)
            self._connection.flush()
            await self._connection.wait_writable()
        self.engine.end_message()
        if event.lines is None:
            self._shared.notes.retrieved(self._connection, held.login, held.mailbox, [uid])

    # UPDATE

    async def _update(self, event: Update, held: _Held) -> None:
        """Remove the marked messages, and unlock the maildrop whatever the last response is (RFC 1939 §6)."""
        try:
            if event.numbers:
                uids = [held.maildrop.uids[number - 1] for number in event.numbers]
                tell = self._shared.notes.removed_each(held.login)
                await self._storage.expunge(held.mailbox, uids, only_deleted=False, tell=tell)
        except MailError as error:
            log.warning("messages can't be removed: %s", error, extra={"login": held.login})
            self.engine.refuse(NOT_REMOVED)
        else:
            self.engine.updated(len(event.numbers))
        self.end()


def _end_of_top(opened: OpenMessage, lines: int) -> int:
    """Return how many octets TOP sends of a large message."""
    end = opened.root.body
    while lines and (piece := opened.octets(end, min(end + PIECE, opened.size))):
        line_ends = piece.count(b"\n")
        if line_ends >= lines:
            return end + body_lines(piece, lines)
        lines -= line_ends
        end += len(piece)
    return end
