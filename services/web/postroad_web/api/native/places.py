"""Paths with logins and names of mailboxes in them, which may have slashes.

Starlette matches the decoded path, so it can't tell `%2F` from `/`. A login ends with its domain; a mailbox's name is
followed by a word that no client gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.convertors import Convertor, register_url_convertor

from postroad.control.client import quote_path
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request

    from postroad_web.api.services import Services


class _Login(Convertor[str]):
    regex = r".+@[^/@]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("login", _Login())

ACCOUNT = "/v1/accounts/{login:login}"
MAILBOX = f"{ACCOUNT}/mailboxes/{{mailbox:path}}"


def world_of_login(services: Services, login: str) -> str:
    """Return the ID of the world that a login is of: that of its domain."""
    return services.worlds.of_domain(login.rpartition("@")[2])


def login_of(services: Services, request: Request) -> str:
    """Return the login that a request's path names; raises `Problem` 404 if it is one of another world."""
    login: str = request.path_params["login"]
    if world_of(request) not in {EVERY, world_of_login(services, login)}:
        raise Problem(404, "No such account", f"There is no account {login[:200]}.")
    return login


async def mailbox_of(services: Services, request: Request) -> dict[str, Any]:
    """Return the mailbox that a request's path names, as the store lists it; raises `Problem`."""
    login, name = login_of(services, request), request.path_params["mailbox"]
    answer = await services.store.get(quote_path("accounts", login, "mailboxes"))
    for box in answer["mailboxes"]:
        if box["name"] == name or name.upper() == box["name"] == "INBOX":
            mailbox: dict[str, Any] = box
            return mailbox
    raise Problem(404, "No such mailbox", f"{login[:200]} has no mailbox {name[:200]}.")
