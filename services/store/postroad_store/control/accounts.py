"""`GET /accounts`: all accounts of the worlds, or of one, and those that deliveries and logins have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import answer
from postroad.world.world import DEFAULT_WORLD
from postroad_store.mail.database.listing import AccountCounts, Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def accounts(request: Request) -> Response:
        ident = request.query.get("world")
        worlds = mail.accounts.layers.every() if ident is None else [mail.world(ident)]
        known = [
            account.login
            for overlay in worlds
            for domain in overlay.domains.values()
            for account in domain.accounts.values()
        ]
        if ident is None or ident == DEFAULT_WORLD or mail.accounts.creates:
            accounts = await mail.read(Listing.accounts)
            if ident is not None:
                accounts = [account for account in accounts if mail.accounts.world_id(account.login) == ident]
        else:
            accounts = await mail.read(lambda listing: listing.counted(known))
        has = {account.login for account in accounts}
        missing = [AccountCounts(login, 0, 0, 0) for login in known if login not in has]
        return answer({"accounts": [account._asdict() for account in sorted([*accounts, *missing])]})

    return [mail.route("GET", "/accounts", accounts)]
