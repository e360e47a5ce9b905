"""`DELETE /mail`: empty every mailbox, of one account, of a world, or of all; the mailboxes themselves stay.

What was there when the request came is removed, a few messages at a time: each step is a commit of its own, which
shares its fsync with those of others, and open sessions hear of it as of any client's EXPUNGE.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from postroad.control.door import answer
from postroad_store.mail.model.errors import NoSuchMailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail
    from postroad_store.mail.database.listing import Listing

STEP = 1000  # messages of one commit: a few milliseconds


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def purge(request: Request) -> Response:
        login = request.query.get("account")
        if login is not None:
            login = (await mail.account(login)).login
        logins = [login]
        if (world := request.query.get("world")) is not None and login is None:
            logins = [*await mail.logins_of(world)]
        removed = 0
        for login in logins:
            for owner, name, last in await mail.read(partial(_filled, login)):
                removed += await _empty(mail, owner, name, last)
        return answer({"removed": removed})

    return [mail.route("DELETE", "/mail", purge)]


async def _empty(mail: Mail, login: str, name: str, last: int) -> int:
    """Remove the messages of a mailbox up to a UID; return how many there were."""
    mailbox = (await mail.storage.account(login)).find(name)
    count = 0
    while mailbox is not None and not mailbox.deleted:
        uids = await mail.read(partial(_lowest, mailbox.id, last))
        if not uids:
            break
        try:
            tell = mail.notes.removed(login)
            removed = await mail.storage.expunge(mailbox, uids, only_deleted=False, tell=tell)
        except NoSuchMailbox:  # somebody has deleted it meanwhile
            break
        count += len(removed)
    return count


def _filled(login: str | None, listing: Listing) -> list[tuple[str, str, int]]:
    return listing.filled(login)


def _lowest(mailbox: int, last: int, listing: Listing) -> list[int]:
    return listing.uids(mailbox, last=last, limit=STEP)
