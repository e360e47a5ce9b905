"""/api/user: the users. In the default world they are the store's; in any other its accounts are the users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorRefused, quote_path
from postroad.greenmail import with_domain
from postroad.world.overlay import OverlayError
from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.native.places import world_of_login
from postroad_web.api.scope import world_of
from postroad_web.greenmail.refused import Refused
from postroad_web.greenmail.shapes import said, user
from postroad_web.mailpit import gojson
from postroad_web.worlds.keeper import Beyond, Keeper, NoSuchWorld, Taken, Unwritable
from postroad_web.worlds.plan import NoSuchDomain

if TYPE_CHECKING:
    from starlette.requests import Request

    from postroad_web.api.services import Services

LEFT_OUT = "a user has an email and a password"
OF_A_WORLD = "the accounts of a world go with their world"


class Users:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def listed(self, request: Request) -> Any:
        """Answer all users."""
        return [user(entry) for entry in await self._all(request)]

    async def make(self, request: Request) -> Any:
        """Make a user."""
        try:
            asked = gojson.decode(await request.body())
            wanted = {name: asked.text(name) for name in ("email", "login", "password")}
        except (gojson.BadJsonError, gojson.TooManyValuesError) as error:
            raise Refused(f"Can not create user : {error}") from error
        if not wanted["email"].strip() or not wanted["password"]:
            raise Refused(f"Can not create user : {LEFT_OUT}")
        world = world_of(request)
        try:
            if world != DEFAULT_WORLD:
                return user(await self._made_in(world, wanted["email"].strip(), wanted["password"]))
            return user(await self._services.store.post("/users", wanted))
        except DoorRefused as error:
            raise Refused(f"Can not create user : {error.sentence}") from error
        except (Beyond, OverlayError, Taken, Unwritable) as error:
            raise Refused(f"Can not create user : {error}") from error
        except NoSuchWorld as error:
            raise Refused(f"Can not create user : there is no world {error}") from error
        except NoSuchDomain as error:
            raise Refused(f"Can not create user : the world {world} has no {error}") from error

    async def _made_in(self, world: str, email: str, password: str) -> dict[str, Any]:
        """Make an account of a world, whose login is its address."""
        keeper = self._services.worlds
        if not isinstance(keeper, Keeper):
            raise NoSuchWorld(world)
        name, _, domain = email.rpartition("@")
        _, domain, new = await keeper.add_account(world, domain, {"name": name or email, "password": password})
        address = f"{new['name']}@{domain}"
        return {"login": address, "email": address}

    async def remove(self, request: Request) -> Any:
        """Remove a user with all mail."""
        name = request.path_params["name"]
        if world_of(request) != DEFAULT_WORLD:
            raise Refused(f"Can not delete user '{name}' : {OF_A_WORLD}")
        try:
            await self._services.store.delete(quote_path("users", name))
        except DoorRefused as error:
            sentence = f"User '{name}' not found" if error.status == 404 else error.sentence
            raise Refused(sentence) from error
        return said(f"User '{name}' deleted")

    async def account(self, request: Request) -> str:
        """Return the account of the user that the path names by login or by email; raises `Refused`."""
        name = request.path_params["name"].strip().lower()
        users = await self._all(request)
        for wanted in dict.fromkeys((name, with_domain(name))):  # a user that a login has made has the domain localhost
            for member in ("login", "email"):
                for entry in users:
                    if entry[member].lower() == wanted:
                        account: str = entry["account"]
                        return account
        raise Refused(f"User '{request.path_params['name']}' not found")

    async def _all(self, request: Request) -> list[dict[str, Any]]:
        world = world_of(request)
        if world == DEFAULT_WORLD:
            users: list[dict[str, Any]] = (await self._services.store.get("/users"))["users"]
            return users
        accounts = (await self._services.store.get("/accounts", world=world))["accounts"]
        logins = [entry["login"] for entry in accounts]
        return [
            {"login": login, "email": login, "account": login}
            for login in logins
            if world_of_login(self._services, login) == world
        ]
