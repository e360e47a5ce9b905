"""The mailboxes of an account, and the messages in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import DoorRefused, quote_path
from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record, ref
from postroad_web.api.fields import body_of, given, many, query_of, whole
from postroad_web.api.native.places import ACCOUNT, MAILBOX, login_of, mailbox_of, world_of_login
from postroad_web.api.native.shapes import CONTENT, TIME, content, time
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.message.reader import read_message

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

HIGHEST_UID = (1 << 32) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a mailbox."""

    after: int = given(whole(0, HIGHEST_UID), "the cursor of the page: a UID", default=0)
    limit: int = given(whole(1, 1000), "the most messages of a page", default=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Which messages to remove."""

    uids: tuple[int, ...] = given(many(whole(1, HIGHEST_UID), least=1, most=10_000), "their UIDs")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    store = services.store

    async def mailboxes(request: Request) -> Response:
        login = login_of(services, request)
        answer = await store.get(quote_path("accounts", login, "mailboxes"))
        world = world_of_login(services, login)
        return json({"mailboxes": [{"account": login, "world": world, **box} for box in answer["mailboxes"]]})

    async def messages(request: Request) -> Response:
        page = query_of(request, Page)
        box = await mailbox_of(services, request)
        answer = await store.get(
            quote_path("accounts", request.path_params["login"], "messages"),
            mailbox=box["name"],
            after=page.after,
            limit=page.limit,
        )
        stored = [_shown(_place(services, request, box, entry["uid"]), entry) for entry in answer["messages"]]
        return json({"messages": stored, "next": answer["next"]})

    async def message(request: Request) -> Response:
        box = await mailbox_of(services, request)
        entry = await _entry(request, box["name"])
        parsed = await read_message(await _octets(request, box))
        return json(_shown(_place(services, request, box, entry["uid"]), entry) | {"content": content(parsed)})

    async def raw(request: Request) -> Response:
        return Response(await _octets(request, await mailbox_of(services, request)), media_type="message/rfc822")

    async def remove(request: Request) -> Response:
        if not await _remove(request, [request.path_params["uid"]]):
            raise _gone(request)
        return Response(status_code=204)

    async def remove_some(request: Request) -> Response:
        removal = await body_of(request, Removal)
        return json({"removed": await _remove(request, list(removal.uids))})

    async def _entry(request: Request, name: str) -> dict[str, Any]:
        """Return what is listed of a message; raises `Problem`."""
        uid = request.path_params["uid"]
        answer = await store.get(
            quote_path("accounts", request.path_params["login"], "messages"), mailbox=name, after=uid - 1, limit=1
        )
        for entry in answer["messages"]:
            if entry["uid"] == uid:
                mailbox: dict[str, Any] = entry
                return mailbox
        raise _gone(request)

    async def _octets(request: Request, box: dict[str, Any]) -> bytes:
        place = _place(services, request, box, request.path_params["uid"])
        del place["world"]
        try:
            return await store.octets("/content", **place)
        except DoorRefused as error:
            if error.status != 404:
                raise
            raise _gone(request) from None

    async def _remove(request: Request, uids: list[int]) -> int:
        answer = await store.post(
            quote_path("accounts", login_of(services, request), "remove"),
            {"mailbox": request.path_params["mailbox"], "uids": uids},
        )
        return int(answer["removed"])

    message_path = f"{MAILBOX}/messages/{{uid:int}}"
    return [
        Route(f"{ACCOUNT}/mailboxes", mailboxes),
        Route(f"{MAILBOX}/messages", messages),
        Route(f"{MAILBOX}/messages/remove", remove_some, methods=["POST"]),
        Route(f"{message_path}/raw", raw),
        by_method(message_path, get=message, delete=remove),
    ]


def _place(services: Services, request: Request, box: dict[str, Any], uid: int) -> dict[str, Any]:
    login = request.path_params["login"]
    return {
        "account": login,
        "world": world_of_login(services, login),
        "mailbox": box["name"],
        "uid_validity": box["uid_validity"],
        "uid": uid,
    }


def _shown(place: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return a message as lists show it."""
    return place | entry | {"internal_date": time(entry["internal_date"])}


def _gone(request: Request) -> Problem:
    given = request.path_params
    return Problem(404, "No such message", f"{given['mailbox'][:200]} has no message with the UID {given['uid']}.")


_STORED = {
    "account": {"type": "string"},
    "world": {"type": "string"},
    "mailbox": {"type": "string"},
    "uid_validity": {"type": "integer"},
    "uid": {"type": "integer"},
    "flags": {"type": "array", "items": {"type": "string"}, "description": "by their IMAP names"},
    "internal_date": {**TIME, "description": "when it arrived"},
    "size": {"type": "integer"},
}
SCHEMAS = {
    "Mailbox": record(
        {
            "account": {"type": "string"},
            "world": {"type": "string"},
            "name": {"type": "string", "description": "in Unicode, with / between its levels"},
            "special_use": {"type": ["string", "null"], "description": "such as \\Sent (RFC 6154)"},
            "selectable": {"type": "boolean", "description": "false: only a name that has others below it"},
            "messages": {"type": "integer"},
            "unseen": {"type": "integer"},
            "uid_validity": {"type": "integer"},
            "uid_next": {"type": "integer"},
        }
    ),
    "StoredMessage": record(_STORED),
    "StoredMessageWithContent": record(_STORED | {"content": CONTENT}),
}
_ACCOUNT = {"login": "the whole address"}
_MAILBOX = _ACCOUNT | {"mailbox": "the name of the mailbox"}
_MESSAGE = _MAILBOX | {"uid": "the message's UID"}
_OF_MAILBOX = "/v1/accounts/{login}/mailboxes/{mailbox}"
OPENAPI = {
    "/v1/accounts/{login}/mailboxes": {
        "get": operation(
            "mailboxes",
            "List the mailboxes of an account",
            path=_ACCOUNT,
            answer=record({"mailboxes": {"type": "array", "items": ref("Mailbox")}}),
            errors=(404, 503),
        )
    },
    f"{_OF_MAILBOX}/messages": {
        "get": operation(
            "mailboxes",
            "List the messages of a mailbox",
            path=_MAILBOX,
            query=Page,
            answer=listed(ref("StoredMessage"), "messages"),
            errors=(404, 503),
        )
    },
    f"{_OF_MAILBOX}/messages/remove": {
        "post": operation(
            "mailboxes",
            "Remove messages from a mailbox",
            description="Clients that have the mailbox open are told, as when another client expunges.",
            path=_MAILBOX,
            body=Removal,
            example={"uids": [3, 4]},
            answer=record({"removed": {"type": "integer", "description": "how many of them were there"}}),
            errors=(404, 503),
        )
    },
    f"{_OF_MAILBOX}/messages/{{uid}}": {
        "get": operation(
            "mailboxes",
            "Read a message",
            path=_MESSAGE,
            answer=ref("StoredMessageWithContent"),
            errors=(404, 503),
        ),
        "delete": operation(
            "mailboxes", "Remove a message from its mailbox", path=_MESSAGE, status=204, errors=(404, 503)
        ),
    },
    f"{_OF_MAILBOX}/messages/{{uid}}/raw": {
        "get": operation(
            "mailboxes",
            "Read a message as it is stored",
            path=_MESSAGE,
            media_type="message/rfc822",
            errors=(404, 503),
        )
    },
}
