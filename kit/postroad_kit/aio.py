"""The same for asyncio: `AsyncPostroad`, `AsyncWorld`, `AsyncAccount`, `AsyncMail`.

What needs no answer is the same (addresses, credentials, links and codes of a mail); what asks is awaited. Mail clients
are the test's own: `world.smtp_endpoint` and `account.login` are what aiosmtplib and aioimaplib want.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from postroad_kit import asking
from postroad_kit.definition import DEFAULT, DEFAULT_DEFINITION, AccountInfo, wanted
from postroad_kit.dns.client import AsyncDns
from postroad_kit.errors import TooMany
from postroad_kit.http.aio import AsyncClient
from postroad_kit.letter import Attachment, Letter
from postroad_kit.mail import SEEN
from postroad_kit.outline import Outline
from postroad_kit.postroad import LIFE
from postroad_kit.reading import fields_of
from postroad_kit.telling import several
from postroad_kit.world import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Unpack

    from postroad_kit.criteria import Criteria
    from postroad_kit.definition import Accounts, Definition
    from postroad_kit.endpoints import Endpoint, Endpoints
    from postroad_kit.history import Clock, Road, Session
    from postroad_kit.http.call import Call

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class AsyncMail(Letter):
    """A message, and the world in which it is."""

    _world: AsyncWorld = field(repr=False, compare=False)

    async def raw(self) -> bytes:
        """Return the message as it is, with its CRLFs."""
        return await self._world.ask(asking.raw(self.id))

    async def seen(self) -> bool:
        r"""Return whether a mail client has read a copy of it: whether one has the flag \Seen now."""
        copies = [copy for copy in self.copies if not copy.removed]
        return any([SEEN in await self._world.ask(asking.flags(copy)) for copy in copies])

    async def road(self) -> Road:
        """Return its whole story, hop by hop, as it is known now."""
        return await self._world.ask(asking.road(self.id))

    async def attachment(self, name: str = "*") -> Attachment:
        """Return the one attachment whose file name matches, with `*` and `?`, and its content. Raises `NotOne`."""
        file = self.file(name)
        return Attachment(**vars(file), content=await self._world.ask(asking.part(self.id, file.part_id)))


@dataclass(frozen=True)
class AsyncAccount(AccountInfo):
    """An account. Its waits are for mail to its address, unless they name another recipient."""

    _world: AsyncWorld = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.address

    async def wait(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> AsyncMail:  # noqa: ASYNC109
        """Return the one message to this account that meets all criteria, as soon as it is in its mailbox."""
        __tracebackhide__ = True
        return await self._world.wait(timeout=timeout, **self._mine(criteria))

    async def wait_all(
        self,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - the server's
        **criteria: Unpack[Criteria],
    ) -> list[AsyncMail]:
        """Return so many messages to this account; with `exactly` it is sure that no more will come."""
        __tracebackhide__ = True
        return await self._world.wait_all(exactly=exactly, at_least=at_least, timeout=timeout, **self._mine(criteria))

    async def none(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> None:  # noqa: ASYNC109
        """Return once it is sure that no such message to this account has come or will come. Raises `TooMany`."""
        __tracebackhide__ = True
        await self._world.none(timeout=timeout, **self._mine(criteria))

    async def messages(self, query: str = "") -> list[AsyncMail]:
        """Return the messages to this account, the oldest first."""
        return await self._world.messages(f'rcpt:"{self.address}" {query}'.strip())

    def _mine(self, criteria: Criteria) -> Criteria:
        return {"recipient": self.address, **criteria}


class AsyncWorld(Outline):
    """A world, for asyncio. As a context manager it drops the world at the end."""

    def __init__(self, client: AsyncClient, definition: Definition, endpoints: Endpoints) -> None:
        super().__init__(definition, endpoints, client.place.url)
        self._client = client
        self._made: dict[str, AsyncAccount] = {}
        self._changing = asyncio.Lock()  # a world has one change at a time

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop()

    async def ask(self, call: Call[T]) -> T:
        """Ask the API something about this world."""
        __tracebackhide__ = True
        return await self._client.ask(call, world=self.id)

    async def account(
        self,
        name: str = "",
        *,
        password: str | None = None,
        quota: Any = None,
        imap_without: Sequence[str] | None = None,
    ) -> AsyncAccount:
        """Return the account with this name or address, which is made if need be; without a name, a new one."""
        name = name or f"u{secrets.token_hex(4)}"
        if self.id == DEFAULT:
            return AsyncAccount(name, name, name, password or "", self)
        known = self.known(name)
        if known is not None:
            return AsyncAccount(known.name, known.address, known.login, known.password, self)
        address = self.address(name)
        local, _, domain = address.rpartition("@")
        async with self._changing:
            if address not in self._made:
                members = {"password": password, "quota": quota, "imap_without": imap_without}
                info = await self.ask(asking.add_account(self.id, local, domain, **members))
                self._made[address] = AsyncAccount(info.name, info.address, info.login, info.password, self)
        return self._made[address]

    @property
    def accounts(self) -> list[AsyncAccount]:
        """The accounts that it was made with, and those that `account` has made."""
        infos = (account for domain in self.domains for account in domain.accounts)
        return [
            *(AsyncAccount(info.name, info.address, info.login, info.password, self) for info in infos),
            *self._made.values(),
        ]

    @property
    def capture(self) -> AsyncAccount:
        """The account that gets what this world's people and its app send to strangers."""
        login = self.capture_login
        return AsyncAccount(login.user.rpartition("@")[0], login.user, login.user, login.password, self)

    async def port(self) -> Endpoint:
        """Return host and port of an app door of this world's own, for an app that can't log in.

        All that comes by it is this world's mail, whomever it is for. The first call opens it, further ones return the
        same one, and it is closed with the world.
        """
        if self.id == DEFAULT:
            return self.smtp_endpoint
        async with self._changing:
            if self.own_port is None:
                self.own_port = await self.ask(asking.open_port(self.id))
            return self.own_port

    @property
    def dns(self) -> AsyncDns:
        """The name server: what it answers, and the records of this world's zones."""
        return AsyncDns(self)

    async def wait(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> AsyncMail:  # noqa: ASYNC109
        """Return the one message that meets all criteria; raises `NotArrived`, or `TooMany` if several match."""
        __tracebackhide__ = True
        mails = await self.wait_all(timeout=timeout, **criteria)
        if len(mails) > 1:
            raise TooMany(several(mails))
        return mails[0]

    async def wait_all(
        self,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - the server's
        **criteria: Unpack[Criteria],
    ) -> list[AsyncMail]:
        """Return so many messages, at least one; with `exactly` it is sure that no more will come."""
        __tracebackhide__ = True
        messages = await self.ask(asking.wait(criteria, timeout, exactly=exactly, at_least=at_least))
        return [self._mail(message) for message in messages]

    async def none(self, *, timeout: float = 10.0, **criteria: Unpack[Criteria]) -> None:  # noqa: ASYNC109
        """Return once it is sure that no such message has come or will come. Raises `TooMany`."""
        __tracebackhide__ = True
        await self.ask(asking.wait(criteria, timeout, exactly=0))

    async def quiet(self, *, timeout: float = 10.0) -> int:  # noqa: ASYNC109
        """Return once nothing is under way, and the cursor: `after` of later waits. Raises `NotQuiet`."""
        __tracebackhide__ = True
        return await self.ask(asking.quiet(timeout))

    async def messages(self, query: str | None = None) -> list[AsyncMail]:
        """Return all messages, or those that a query finds, the oldest first."""
        mails: list[AsyncMail] = []
        after = None
        while True:
            page, after = await self.ask(asking.messages(query or None, after))
            mails += map(self._mail, page)
            if after is None:
                return mails

    def _mail(self, message: Mapping[str, Any]) -> AsyncMail:
        return AsyncMail(**fields_of(message), _world=self)

    async def road(self, mail: Letter | str) -> Road:
        """Return one message's whole story, hop by hop."""
        return await self.ask(asking.road(mail if isinstance(mail, str) else mail.id))

    async def sessions(self, *, protocol: str | None = None, account: str | None = None) -> list[Session]:
        """Return the transcripts of its sessions, the oldest first, with their lines."""
        idents: list[str] = []
        cursor = None
        while True:
            page, cursor = await self.ask(asking.sessions(cursor, protocol=protocol, account=account))
            idents += [session.id for session in page]
            if cursor is None:
                return [await self.ask(asking.session(ident)) for ident in reversed(idents)]

    async def dialogue(self, session: Session | str) -> str:
        """Return a transcript as a dialogue file, for `postroad replay`."""
        return await self.ask(asking.dialogue(session if isinstance(session, str) else session.id))

    async def snapshot(self, name: str) -> None:
        """Take a snapshot of mailboxes and queue."""
        await self.ask(asking.snapshot(self.id, name))

    async def restore(self, name: str) -> None:
        """Put mailboxes and queue back to a snapshot."""
        await self.ask(asking.restore(self.id, name))

    async def clock(self) -> Clock:
        """Return this world's clock."""
        return await self.ask(asking.clock(self.id))

    async def push_clock(self, span: str | float | timedelta) -> Clock:
        """Push the clock by "2h", seconds, a `timedelta`, or to the "next" thing that falls due."""
        return await self.ask(asking.push_clock(self.id, span))

    async def purge(self) -> None:
        """Empty it of mail; domains and accounts stay."""
        await self.ask(asking.purge(self.id))

    async def keep(self, seconds: float = KEPT) -> None:
        """Let it stay for so long, for people to look at, without its ports; the default world stays anyway."""
        if self.id != DEFAULT:
            await self.ask(asking.keep(self.id, seconds))
            for _, port in await self.ask(asking.ports(self.id)):
                await self.ask(asking.close_port(self.id, port))
            self.own_port = None

    async def drop(self) -> None:
        """Remove it with all that is in it; the default world stays."""
        if self.id != DEFAULT:
            await self.ask(asking.drop(self.id))


class _Making:
    """A world that is about to be made: awaited, or entered, which drops it at the end."""

    def __init__(self, postroad: AsyncPostroad, call: Call[Definition]) -> None:
        self._postroad = postroad
        self._call = call
        self._world: AsyncWorld | None = None

    def __await__(self) -> Any:
        return self._make().__await__()

    async def _make(self) -> AsyncWorld:
        endpoints = await self._postroad.endpoints()
        return self._postroad.over(await self._postroad.client.ask(self._call), endpoints)

    async def __aenter__(self) -> AsyncWorld:
        self._world = await self._make()
        return self._world

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._world is not None:
            await self._world.drop()


class AsyncPostroad:
    """A running stack."""

    def __init__(self, url: str, endpoints: Endpoints | None = None) -> None:
        self.client = AsyncClient(url)
        self.url = self.client.place.url
        self._endpoints = endpoints

    def __repr__(self) -> str:
        return f"<AsyncPostroad {self.url}>"

    async def endpoints(self) -> Endpoints:
        """Return where the protocols are spoken."""
        if self._endpoints is None:
            self._endpoints = await self.client.ask(asking.endpoints())
        return self._endpoints

    def world(
        self,
        ident: str | None = None,
        *,
        accounts: Accounts | None = None,
        domains: int | Sequence[str | Mapping[str, Any]] | None = None,
        owner: str | None = None,
        ttl: int | None = LIFE,
        password: str | None = None,
        imap_without: Sequence[str] | None = None,
        quota: Any = None,
    ) -> _Making:
        """Make a world: `await` it, or enter it with `async with`, which drops it. The members are as in `Postroad`."""
        definition = wanted(
            ident,
            accounts,
            domains=domains,
            owner=owner,
            ttl=ttl,
            password=password,
            imap_without=imap_without,
            quota=quota,
        )
        return _Making(self, asking.make(definition))

    def over(self, definition: Definition, endpoints: Endpoints) -> AsyncWorld:
        """Return the world of a definition that is known already."""
        return AsyncWorld(self.client, definition, endpoints)

    async def default(self) -> AsyncWorld:
        """Return the world of the world file."""
        return self.over(DEFAULT_DEFINITION, await self.endpoints())
