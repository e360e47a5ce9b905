"""`GET /accounts/{login}/mailboxes`: the mailboxes of an account with their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def mailboxes(request: Request) -> Response:
        login = (await mail.account(request.params["login"])).login
        listed = await mail.read(lambda listing: listing.mailboxes(login))
        return answer({"mailboxes": [mailbox._asdict() for mailbox in listed]})

    return [mail.route("GET", "/accounts/{login}/mailboxes", mailboxes)]
