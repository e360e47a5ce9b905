"""`/accounts/{login}/quota`: how much an account has and may have (RFC 9208).

    {"storage": {"used": 2048, "limit": 1048576}, "messages": {"used": 3, "limit": null}, "reject": false,
     "by_world": true}

`storage` is in octets, as IMAP's STATUS SIZE; a limit of null is none. What PUT sets holds until DELETE, as
SETQUOTA's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, answer
from postroad.world.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail

MOST = (1 << 53) - 1  # what JSON's readers keep exact


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    def told(login: str) -> Response:
        usage = mail.storage.quotas.usage(login)
        quota = usage.quota
        return answer(
            {
                "storage": {"used": usage.octets, "limit": quota.storage},
                "messages": {"used": usage.messages, "limit": quota.messages},
                "reject": quota.permanent,
                "by_world": usage.by_world,
            }
        )

    async def get(request: Request) -> Response:
        return told((await mail.receiver(request.params["login"])).login)

    async def put(request: Request) -> Response:
        quota = _read(request.json())
        account = await mail.receiver(request.params["login"])
        await mail.storage.quotas.set(account, quota)
        return told(account.login)

    async def delete(request: Request) -> Response:
        account = await mail.receiver(request.params["login"])
        await mail.storage.quotas.set(account, None)
        return told(account.login)

    path = "/accounts/{login}/quota"
    return [mail.route("GET", path, get), mail.route("PUT", path, put), mail.route("DELETE", path, delete)]


def _read(body: Any) -> Quota:
    """Return the limits that a request has; raises `Refusal`."""
    match body:
        case {"storage": int() | None as storage, "messages": int() | None as messages} if all(
            limit is None or (limit is not True and limit is not False and 0 <= limit <= MOST)
            for limit in (storage, messages)
        ):
            return Quota(storage, messages)
    raise Refusal(400, 'the body must be {"storage": octets or null, "messages": number or null}')
