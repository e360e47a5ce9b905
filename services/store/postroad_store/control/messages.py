"""`GET /accounts/{login}/messages`: what is in a mailbox; `POST /accounts/{login}/remove`: take messages out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import Refusal, answer
from postroad_store.control.mail import HIGHEST, no_mailbox, wanted
from postroad_store.mail.model.account import canonical_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail

MOST = 1000  # messages of one answer
MOST_REMOVED = 10_000  # messages of one request


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def messages(request: Request) -> Response:
        name = canonical_name(wanted(request, "mailbox"))
        login = (await mail.account(request.params["login"])).login
        after = request.whole("after", 0, most=HIGHEST)
        limit = request.whole("limit", 100, least=1, most=MOST)
        listed = await mail.read(lambda listing: listing.messages(login, name, after=after, limit=limit + 1))
        if listed is None:
            raise no_mailbox(login, name)
        following = listed[limit - 1].uid if len(listed) > limit else None
        return answer({"messages": [message._asdict() for message in listed[:limit]], "next": following})

    async def remove(request: Request) -> Response:
        name, uids = _removal(request.json())
        account = await mail.account(request.params["login"])
        mailbox = account.selectable(name)
        tell = mail.notes.removed(account.login)
        removed = await mail.storage.expunge(mailbox, uids, only_deleted=False, tell=tell)
        return answer({"removed": len(removed)})

    return [
        mail.route("GET", "/accounts/{login}/messages", messages),
        mail.route("POST", "/accounts/{login}/remove", remove),
    ]


def _removal(value: object) -> tuple[str, list[int]]:
    """Return mailbox and UIDs (ascending) of a request; raises `Refusal`."""
    match value:
        case {"mailbox": str(name), "uids": list(uids)} if all(type(uid) is int for uid in uids):
            pass
        case _:
            raise Refusal(400, 'the body must be {"mailbox": "…", "uids": [1, …]}')
    if len(uids) > MOST_REMOVED:
        raise Refusal(400, f"at most {MOST_REMOVED} messages may be removed at a time")
    return name, sorted(uid for uid in set(uids) if 0 < uid <= HIGHEST)
