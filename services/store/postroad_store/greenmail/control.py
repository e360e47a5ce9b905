"""`/users` of the control door: users beside the world's accounts are listed, made, removed, and all of them reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, Route, answer
from postroad.greenmail import OptionError, user_of, with_domain
from postroad.mail.address import AddressError, parse_address
from postroad.world.world import DEFAULT_WORLD
from postroad_store.accounts import is_listed
from postroad_store.greenmail.users import TakenError
from postroad_store.mail.database.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from postroad.control.door import Request, Response
    from postroad.greenmail import User
    from postroad_store.control.mail import Mail
    from postroad_store.greenmail.ledger import Ledger

    Drop = Callable[[list[str]], Awaitable[None]]
    Load = Callable[[], Awaitable[None]]


class UserRoutes:
    """The handlers.

    `drop` removes accounts with all their mail and ends their sessions; `load` brings what is there from the start.
    """

    def __init__(self, mail: Mail, ledger: Ledger, drop: Drop, load: Load) -> None:
        self._mail = mail
        self._accounts = mail.accounts
        self._ledger = ledger
        self._drop = drop
        self._load = load

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (
            Route("GET", "/users", self.listed),
            Route("POST", "/users", self.make),
            Route("POST", "/users/reset", self.reset),
            Route("DELETE", "/users/{name}", self.remove),
        )

    async def listed(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        """List the users, the world file's accounts, and what deliveries and logins have made."""
        named = [_entry(user, self._login(user)) for user in self._accounts.users.all()]
        known = {entry["account"] for entry in named}
        world = self._accounts.world.domains.values()
        logins = {account.login for domain in world for account in domain.accounts.values()}
        others = sorted((logins | set(await self._made())) - known)
        return answer({"users": named + [{"login": login, "email": login, "account": login} for login in others]})

    async def make(self, request: Request) -> Response:
        """Make a user."""
        users = self._accounts.users
        match request.json():
            case {"email": str(email), "login": str(login), "password": str(password)}:
                pass
            case _:
                raise Refusal(400, "a user has an email, a login and a password")
        try:
            user = user_of(email, login, password)
            address = parse_address(user.address)
            world = self._accounts.world_of(address, None)
            if world is None or world.id != DEFAULT_WORLD:
                raise TakenError(f"{user.email} is of the domain of another world")
            if world.account(user.login) is not None or is_listed(world, address):
                raise TakenError(f"{user.email} or {user.login} is in the world file already")
            users.make(user)
        except (OptionError, AddressError) as error:
            raise Refusal(422, str(error)) from error
        except TakenError as error:
            raise Refusal(409, str(error)) from error
        await self._ledger.keep(users)
        return answer(_entry(user, self._login(user)))

    async def remove(self, request: Request) -> Response:
        """Remove a user, or an account that a delivery has made, with all mail."""
        name = request.params["name"]
        users = self._accounts.users
        user = users.find(name)
        if user is not None:
            login = self._login(user)
            users.remove(user)
            await self._ledger.keep(users)
        elif self._accounts.world.account(name) is not None:
            raise Refusal(409, f"{name} is in the world file")
        else:
            login = with_domain(name.strip().lower())
            if login not in await self._made():
                raise Refusal(404, f"there is no user {name}")
        await self._drop([login])
        return answer({"removed": login})

    async def reset(self, request: Request) -> Response:  # noqa: ARG002 - as above
        """Remove all users that were made, by requests and by deliveries; those that the options name are back."""
        users = self._accounts.users
        logins = {*map(self._login, users.all()), *await self._made()}
        users.reset()
        await self._ledger.keep(users)
        await self._drop(sorted(logins - set(map(self._login, users.all()))))
        await self._load()
        return answer({"removed": len(logins)})

    async def _made(self) -> list[str]:
        """Return the accounts that deliveries and logins have made beside those of a world."""
        logins = [account.login for account in await self._mail.read(Listing.accounts)]
        layers = self._accounts.layers
        return [login for login in logins if layers.account(login) is None and self._is_default(login)]

    def _is_default(self, login: str) -> bool:
        return self._accounts.world_id(login) == DEFAULT_WORLD

    def _login(self, user: User) -> str:
        account = self._accounts.users.account(user.address)
        return user.address if account is None else account.login


def _entry(user: User, account: str) -> dict[str, Any]:
    return {"login": user.login, "email": user.email, "account": account}
