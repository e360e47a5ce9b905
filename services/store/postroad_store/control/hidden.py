"""`GET`, `PUT` and `DELETE /accounts/{login}/hidden`: the capabilities of IMAP that an account does not see.

What is put there takes the place of what the world hides from the account, until it is deleted. Sessions that have
logged in go on as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import Refusal, answer
from postroad_store.imap.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""
    registry = Registry()

    async def show(request: Request) -> Response:
        return _shown(mail, (await mail.receiver(request.params["login"])).login)

    async def hide(request: Request) -> Response:
        match request.json():
            case {"capabilities": list(names)} if all(isinstance(name, str) for name in names):
                pass
            case _:
                raise Refusal(400, 'the body must be {"capabilities": ["…"]}')
        for name in names:
            fault = registry.why_not_hide(name)
            if fault is not None:
                raise Refusal(422, fault)
        login = (await mail.receiver(request.params["login"])).login
        await mail.storage.hidden.set(login, {name.upper() for name in names})
        return _shown(mail, login)

    async def forget(request: Request) -> Response:
        login = (await mail.receiver(request.params["login"])).login
        await mail.storage.hidden.set(login, None)
        return _shown(mail, login)

    path = "/accounts/{login}/hidden"
    return [mail.route("GET", path, show), mail.route("PUT", path, hide), mail.route("DELETE", path, forget)]


def _shown(mail: Mail, login: str) -> Response:
    hidden = mail.storage.hidden.of(login)
    world = mail.accounts.hidden(login)
    return answer({"capabilities": sorted(world if hidden is None else hidden), "by_world": hidden is None})
