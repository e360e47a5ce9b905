"""`/accounts/{login}/scripts`: an account's Sieve scripts, listed, read, put, activated and deleted.

`PUT /accounts/{login}/scripts/{name}` has `{"script": "…", "active": true}` as its body; with `active` false or absent,
what is active stays. A script that is not valid is refused with its faults. `DELETE` of the active one ends the
filtering.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Response, answer
from postroad_store.mail.model.script_name import is_script_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Route
    from postroad_store.control.mail import Mail


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""
    scripts = mail.storage.scripts

    async def listed(request: Request) -> Response:
        account = await mail.receiver(request.params["login"])
        return answer({"scripts": [script._asdict() for script in scripts.listed(account)]})

    async def content(request: Request) -> Response:
        account = await mail.receiver(request.params["login"])
        octets = scripts.content(account, request.params["name"])
        return Response(body=octets, content_type="application/sieve")  # RFC 5228 §6.1

    async def put(request: Request) -> Response:
        match request.json():
            case {"script": str(text), **more} if more.keys() <= {"active"} and more.get("active") in {
                None,
                True,
                False,
            }:
                active = bool(more.get("active"))
            case _:
                raise Refusal(400, 'the body must be {"script": "…", "active": true or false}')
        name = request.params["name"]
        if not is_script_name(name):
            raise Refusal(422, "this can't be the name of a script")
        # Sieve is loaded when it is first needed.
        from postroad_store.sieve.compiler import compile_script  # noqa: PLC0415
        from postroad_store.sieve.errors import InvalidScript  # noqa: PLC0415

        try:
            program = await asyncio.to_thread(compile_script, text.encode(), mail.sieve())
        except InvalidScript as error:
            raise Refusal(422, "; ".join(map(str, error.faults))) from error
        account = await mail.receiver(request.params["login"])
        await scripts.put(account, name, text.encode())
        if active:
            await scripts.activate(account, name)
        return answer({"warnings": list(program.warnings)})

    async def delete(request: Request) -> Response:
        account, name = await mail.receiver(request.params["login"]), request.params["name"]
        if any(script.active and script.name == name for script in scripts.listed(account)):
            await scripts.activate(account, "")
        await scripts.delete(account, name)
        return answer({})

    path = "/accounts/{login}/scripts"
    return [
        mail.route("GET", path, listed),
        mail.route("GET", f"{path}/{{name}}", content),
        mail.route("PUT", f"{path}/{{name}}", put),
        mail.route("DELETE", f"{path}/{{name}}", delete),
    ]
