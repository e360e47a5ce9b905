"""What the endpoints share: the mail, the accounts, the reading thread, and errors as refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Route
from postroad.value import value
from postroad_store.mail.database.listing import Listing
from postroad_store.mail.model.errors import (
    LimitReached,
    MailError,
    NameNotAllowed,
    OverQuota,
    SnapshotRefused,
    StorageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.clock import Clock
    from postroad.control.door import Handler, Request, Response
    from postroad.world.world import World
    from postroad_store.accounts import Accounts
    from postroad_store.control.reading import Reading
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.storage import Storage
    from postroad_store.notes import Notes
    from postroad_store.sieve.registry import Registry

HIGHEST = (1 << 32) - 1  # RFC 3501 §2.3.1.1: UIDs and UIDVALIDITY have 32 bits


@value
class Mail:
    """The store's mail, as its control door sees it."""

    accounts: Accounts
    storage: Storage
    read: Reading
    notes: Notes
    clock: Clock
    sieve: Callable[[], Registry]
    snapshots: int  # the most that a world may have
    dismiss: Callable[[str], None]  # end the sessions of an account that a snapshot has given back its mail

    async def account(self, login: str) -> Account:
        """Return an account of a world or of a user, or one that was made; raises `Refusal`."""
        known = self.accounts.named(login)
        if known is not None:
            return await self.storage.account(known.login)
        if not await self.read(lambda listing: listing.has(login)):
            raise no_account(login)
        return await self.storage.account(login)

    def world(self, ident: str) -> World:
        """Return a world; raises `Refusal`."""
        world = self.accounts.layers.world(ident)
        if world is None:
            raise Refusal(404, f"there is no world {ident}")
        return world

    async def logins_of(self, world: str) -> list[str]:
        """Return the logins of a world's accounts that have been made; raises `Refusal` if there is no such world."""
        self.world(world)
        overlay = self.accounts.layers.overlays.get(world)
        if overlay is not None and not self.accounts.creates:
            logins = overlay.logins
            return await self.read(lambda listing: [login for login in logins if listing.has(login)])
        accounts = await self.read(Listing.accounts)
        return [account.login for account in accounts if self.accounts.world_id(account.login) == world]

    async def receiver(self, login: str) -> Account:
        """Return an account that a delivery could reach, which may make it; raises `Refusal`."""
        known = self.accounts.find(login)
        return await self.account(login) if known is None else await self.storage.account(known.login)

    def route(self, method: str, pattern: str, handler: Handler) -> Route:
        """Return a route whose handler may raise `MailError`."""

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except StorageError as error:
                raise Refusal(503, str(error)) from error
            except (SnapshotRefused, LimitReached) as error:
                raise Refusal(409, str(error)) from error
            except OverQuota as error:
                raise Refusal(507, str(error)) from error
            except NameNotAllowed as error:
                raise Refusal(422, str(error)) from error
            except MailError as error:
                raise Refusal(404, str(error)) from error

        return Route(method, pattern, guarded)


def no_account(login: str) -> Refusal:
    """Return the refusal that says that there is no such account."""
    return Refusal(404, f"there is no account {login}")


def no_mailbox(login: str, name: str) -> Refusal:
    """Return the refusal that says that the account has no such mailbox."""
    return Refusal(404, f"{login} has no mailbox {name}")


def wanted(request: Request, name: str) -> str:
    """Return a parameter of the query; raises `Refusal` if it is missing."""
    value = request.query.get(name)
    if not value:
        raise Refusal(400, f"{name} is missing")
    return value
