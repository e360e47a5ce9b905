"""`GET /accounts`: all accounts of the world, and those that deliveries and logins have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import answer
from postroad_store.mail.database.listing import AccountCounts, Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def accounts(request: Request) -> Response:  # noqa: ARG001 - a handler's signature
        made = {account.login: account for account in await mail.read(Listing.accounts)}
        worlds = mail.accounts.layers.every()
        world = [
            account.login for one in worlds for domain in one.domains.values() for account in domain.accounts.values()
        ]
        missing = [AccountCounts(login, 0, 0, 0) for login in world if login not in made]
        listed = sorted([*made.values(), *missing])
        return answer({"accounts": [account._asdict() for account in listed]})

    return [mail.route("GET", "/accounts", accounts)]
