"""A world of its own: domains, accounts and mail that no other test sees."""

from __future__ import annotations

import contextlib
import secrets
import smtplib
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from postroad_kit import asking
from postroad_kit.account import Account
from postroad_kit.definition import DEFAULT, with_account
from postroad_kit.dns.client import Dns
from postroad_kit.errors import PostroadError, Refused, TooMany
from postroad_kit.mail import mail_of
from postroad_kit.outline import Outline
from postroad_kit.telling import several

if TYPE_CHECKING:
    import imaplib
    import poplib
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta
    from typing import Unpack

    from postroad_kit.criteria import Criteria
    from postroad_kit.definition import AccountInfo, Definition
    from postroad_kit.endpoints import Endpoint, Endpoints
    from postroad_kit.history import Clock, Road, Session
    from postroad_kit.http.call import Call
    from postroad_kit.http.plain import Client
    from postroad_kit.letter import Letter
    from postroad_kit.mail import Mail

T = TypeVar("T")

KEPT = 900.0  # seconds for which the world of a failed test stays


class World(Outline):
    """A world, for tests that block. As a context manager it drops the world at the end.

    It exists already, or is made when it is first used, as it is `wanted`. An account that is asked for first is made
    with it: that costs four services one change, and not two.
    """

    def __init__(
        self,
        client: Client,
        definition: Definition | None,
        endpoints: Endpoints,
        wanted: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(definition, endpoints, client.place.url)
        self._client = client
        self._wanted = wanted  # until it is made
        self._dropped = False
        self._made: dict[str, Account] = {}
        self._open: list[smtplib.SMTP] = []
        self._changing = threading.Lock()  # a world has one change at a time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    @property
    def definition(self) -> Definition:
        """What it was made as; it is made now, if it is not yet."""
        if self._wanted is not None:
            with self._changing:
                self._make()
        return super().definition

    @property
    def is_made(self) -> bool:
        """Whether it exists, as far as is known here."""
        return self._wanted is None

    def _make(self, account: Mapping[str, Any] | None = None) -> None:
        """Make it if it is not made yet, if possible with an account. Whoever calls is the only one that changes it."""
        if self._wanted is None:
            return
        wanted, definition = self._wanted, None
        if account is not None:
            # What is wrong with the account is told by the question that is about it alone.
            with contextlib.suppress(Refused):
                definition = self._client.ask(asking.make(with_account(wanted, account)))
        self._definition = definition or self._client.ask(asking.make(wanted))
        self._wanted = None

    def ask(self, call: Call[T]) -> T:
        """Ask the API something about this world."""
        __tracebackhide__ = True
        return self._client.ask(call, world=self.id)

    # Who

    def account(
        self,
        name: str = "",
        *,
        password: str | None = None,
        quota: Any = None,
        imap_without: Sequence[str] | None = None,
    ) -> Account:
        """Return the account with this name or address, which is made if need be; without a name, a new one.

        The default world is the world file's: there the whole address and the password have to be given.
        """
        name = name or f"u{secrets.token_hex(4)}"
        members = {"password": password, "quota": quota, "imap_without": imap_without}
        if self._wanted is not None:
            account = {"name": name, **{member: value for member, value in members.items() if value is not None}}
            with self._changing:
                self._make(account)
        if self.id == DEFAULT:
            return self._bound(name, name, name, password or "")
        known = self.known(name)
        if known is not None:
            return self._bound(known.name, known.address, known.login, known.password)
        address = self.address(name)
        local, _, domain = address.rpartition("@")
        with self._changing:
            if address not in self._made:
                info = self.ask(asking.add_account(self.id, local, domain, **members))
                self._made[address] = self._bound(info.name, info.address, info.login, info.password)
        return self._made[address]

    @property
    def accounts(self) -> list[Account]:
        """The accounts that it was made with, and those that `account` has made."""
        infos: Iterator[AccountInfo] = (account for domain in self.domains for account in domain.accounts)
        return [
            *(self._bound(info.name, info.address, info.login, info.password) for info in infos),
            *self._made.values(),
        ]

    @property
    def capture(self) -> Account:
        """The account that gets what this world's people and its app send to strangers."""
        login = self.capture_login
        return self._bound(login.user.rpartition("@")[0], login.user, login.user, login.password)

    def _bound(self, name: str, address: str, login: str, password: str) -> Account:
        return Account(name, address, login, password, self)

    # Sending

    def smtp(self) -> smtplib.SMTP:
        """Return a client of Python's library at the app door, logged in; it is closed with the world at the latest."""
        host, port = self.smtp_endpoint
        client = smtplib.SMTP(host, port, timeout=30)
        self._open.append(client)
        if self.smtp_user:
            client.login(self.smtp_user, self.smtp_password)
        return client

    def port(self) -> Endpoint:
        """Return host and port of an app door of this world's own, for an app that can't log in.

        All that comes by it is this world's mail, whomever it is for. The first call opens it, further ones return the
        same one, and it is closed with the world.
        """
        if self.id == DEFAULT:
            return self.smtp_endpoint
        with self._changing:
            if self.own_port is None:
                self.own_port = self.ask(asking.open_port(self.id))
            return self.own_port

    def imap(self, account: Account | str | None = None) -> AbstractContextManager[imaplib.IMAP4_SSL]:
        """Return an IMAP client of an account, logged in; of the only one, if none is named."""
        return self._reader(account).imap()

    def pop3(self, account: Account | str | None = None) -> AbstractContextManager[poplib.POP3_SSL]:
        """Return a POP3 client of an account, logged in; of the only one, if none is named."""
        return self._reader(account).pop3()

    def _reader(self, account: Account | str | None) -> Account:
        if account is None:
            accounts = self.accounts
            if len(accounts) != 1:
                names = ", ".join(map(str, accounts)) or "none"
                raise PostroadError(f"say whose mail: the world {self.id} has the accounts {names}")
            return accounts[0]
        return account if isinstance(account, Account) else self.account(account)

    # What came

    def wait(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> Mail:
        """Return the one message that meets all criteria, as soon as it is in its mailbox, captured or failed.

        Raises `NotArrived`, which says what came instead, and `TooMany` if several match.
        """
        __tracebackhide__ = True
        mails = self.wait_all(timeout=timeout, **criteria)
        if len(mails) > 1:
            raise TooMany(several(mails))
        return mails[0]

    def wait_all(
        self,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        timeout: float = 10.0,
        **criteria: Unpack[Criteria],
    ) -> list[Mail]:
        """Return so many messages, at least one; with `exactly` it is sure that no more will come."""
        __tracebackhide__ = True
        messages = self.ask(asking.wait(criteria, timeout, exactly=exactly, at_least=at_least))
        return [mail_of(message, self) for message in messages]

    def none(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> None:
        """Return once it is sure that no such message has come or will come. Raises `TooMany`."""
        __tracebackhide__ = True
        self.ask(asking.wait(criteria, timeout, exactly=0))

    def quiet(self, *, timeout: float = 10.0) -> int:
        """Return once nothing is under way, and the cursor: `after` of later waits. Raises `NotQuiet`."""
        __tracebackhide__ = True
        return self.ask(asking.quiet(timeout))

    def messages(self, query: str | None = None) -> list[Mail]:
        """Return all messages, or those that a query finds, the oldest first."""
        mails: list[Mail] = []
        after = None
        while True:
            page, after = self.ask(asking.messages(query or None, after))
            mails += [mail_of(message, self) for message in page]
            if after is None:
                return mails

    # What happened

    def road(self, mail: Letter | str) -> Road:
        """Return one message's whole story, hop by hop."""
        return self.ask(asking.road(mail if isinstance(mail, str) else mail.id))

    def sessions(self, *, protocol: str | None = None, account: str | None = None) -> list[Session]:
        """Return the transcripts of its SMTP, IMAP, POP3 and DNS sessions, the oldest first, with their lines."""
        idents: list[str] = []
        cursor = None
        while True:
            page, cursor = self.ask(asking.sessions(cursor, protocol=protocol, account=account))
            idents += [session.id for session in page]
            if cursor is None:
                return [self.ask(asking.session(ident)) for ident in reversed(idents)]

    def dialogue(self, session: Session | str) -> str:
        """Return a transcript as a dialogue file, for `postroad replay`."""
        return self.ask(asking.dialogue(session if isinstance(session, str) else session.id))

    @property
    def dns(self) -> Dns:
        """The name server: what it answers, and the records of this world's zones."""
        return Dns(self)

    # What is done to it

    def snapshot(self, name: str = "") -> Snapshot:
        """Take a snapshot of mailboxes and queue."""
        name = name or f"s{secrets.token_hex(4)}"
        self.ask(asking.snapshot(self.id, name))
        return Snapshot(self, name)

    def restore(self, name: str) -> None:
        """Put mailboxes and queue back to a snapshot."""
        self.ask(asking.restore(self.id, name))

    def clock(self) -> Clock:
        """Return this world's clock."""
        return self.ask(asking.clock(self.id))

    def push_clock(self, span: str | float | timedelta) -> Clock:
        """Push the clock by "2h", seconds, a `timedelta`, or to the "next" thing that falls due.

        It returns once all that fell due has been tried: retries, delay notifications, expiry.
        """
        return self.ask(asking.push_clock(self.id, span))

    def purge(self) -> None:
        """Empty it of mail; domains and accounts stay."""
        self.ask(asking.purge(self.id))

    def keep(self, seconds: float = KEPT) -> None:
        """Let it stay for so long, for people to look at, without its ports; the default world stays anyway."""
        self.close()
        if self.is_made and self.id != DEFAULT:
            self.ask(asking.keep(self.id, seconds))
            for _, port in self.ask(asking.ports(self.id)):
                self.ask(asking.close_port(self.id, port))
            self.own_port = None

    def drop(self) -> None:
        """Remove it with all that is in it; the default world stays."""
        self.close()
        if self.is_to_be_dropped:
            self.ask(asking.drop(self.id))
            self._dropped = True

    @property
    def is_to_be_dropped(self) -> bool:
        """Whether it is there, and to be dropped when nobody uses it any longer."""
        return self.is_made and not self._dropped and self.id != DEFAULT

    def close(self) -> None:
        """Close the clients that `smtp` has made."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().close()


class Snapshot:
    """A snapshot of a world; as a context manager it restores the world at the end."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def restore(self) -> None:
        """Put the world back to it."""
        self._world.restore(self.name)
