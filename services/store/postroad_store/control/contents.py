"""`GET /content` and `POST /contents`: messages as they are stored, one or many, by the places of their copies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Response
from postroad_store.control.mail import HIGHEST, wanted
from postroad_store.mail.database.listing import Listing, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Route
    from postroad_store.control.mail import Mail

MOST = 10_000  # copies of one request
OCTETS = 8 << 20  # of an answer, with which it ends early
STEP = 500  # messages that are read at a time: between two steps other requests get their turn
STEP_OCTETS = 1 << 20  # ... or so many octets, if that is less
GONE = b"\xff\xff\xff\xff"  # in place of a length


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def content(request: Request) -> Response:
        place = Place(
            wanted(request, "account"),
            request.whole("uid_validity", 0, most=HIGHEST),
            request.whole("uid", 0, most=HIGHEST),
        )
        (octets,) = await mail.read(lambda listing: listing.contents([place], most=OCTETS))
        if octets is None:
            raise Refusal(404, "the message is not there")
        return Response(body=octets, content_type="message/rfc822")

    async def contents(request: Request) -> Response:
        places = await mail.read(
            lambda _: _places(request.json())
        )  # in the thread, because thousands take milliseconds
        pieces: list[bytes] = []
        at = octets = 0
        while at < len(places) and octets < OCTETS:
            count, framed = await mail.read(partial(_framed, places[at : at + STEP]))
            at += count
            octets += len(framed)
            pieces.append(framed)
        return Response(body=b"".join(pieces), content_type="application/octet-stream")

    return [mail.route("GET", "/content", content), mail.route("POST", "/contents", contents)]


def _places(value: object) -> list[Place]:
    """Return the copies of a request; raises `Refusal`."""
    match value:
        case {"copies": list(copies)} if len(copies) <= MOST:
            pass
        case _:
            raise Refusal(400, f'the body must be {{"copies": […]}} with at most {MOST} of them')
    places = []
    for copy in copies:
        match copy:
            case [str(login), str(), int(uid_validity), int(uid)] if 0 <= uid_validity <= HIGHEST >= uid >= 0:
                places.append(Place(login, uid_validity, uid))
            case _:
                raise Refusal(400, "a copy must be [account, mailbox, UIDVALIDITY, UID]")
    return places


def _framed(places: list[Place], listing: Listing) -> tuple[int, bytes]:
    """Return how many messages were read, and these, each behind its length."""
    contents = listing.contents(places, most=STEP_OCTETS)
    pieces: list[bytes] = []
    for content in contents:
        pieces += (GONE,) if content is None else (len(content).to_bytes(4, "big"), content)
    return len(contents), b"".join(pieces)
