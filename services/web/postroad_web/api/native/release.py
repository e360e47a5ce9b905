"""POST /v1/messages/{id}/release: a message goes to a real server, if one is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from postroad.control import names
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import body_of, given, line, many
from postroad_web.api.native.found import ID, content_from, record_from
from postroad_web.api.native.send import REFUSED, refused, told
from postroad_web.api.problem import Problem
from postroad_web.sending.release import release as released
from postroad_web.sending.transaction import AwayError, EnvelopeError, RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """To whom."""

    to: tuple[str, ...] = given(many(line(most=320), least=1, most=100), "the recipients", example=["ann@example.com"])
    from_: str | None = given(
        line(least=0, most=320), "the envelope's sender, if it is not the message's", default=None, name="from"
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def release(request: Request) -> Response:
        record = await record_from(services, request)
        asked = await body_of(request, Release)
        url = services.settings.release
        if not url:
            raise Problem(
                409,
                "Release is not set up",
                "Nothing leaves Postroad unless POSTROAD_RELEASE names a server, such as smtp://user:password@host:587.",
            )
        content = await content_from(services, record)
        sender = record.sender or "" if asked.from_ is None else asked.from_
        try:
            answers = await released(
                url, sender=sender, recipients=asked.to, content=content, hostname=names.WEB, clock=services.clock
            )
        except EnvelopeError as error:
            raise Problem(422, "The envelope is not right", f"The envelope is not right: {error}.") from None
        except RefusedError as error:
            raise refused(error) from None
        except AwayError as error:
            raise Problem(502, "The server could not be used", f"{error}.") from None
        return json(
            {
                "released": [told(answer) for answer in answers if answer.accepted],
                "refused": [told(answer) for answer in answers if not answer.accepted],
            }
        )

    return [Route("/v1/messages/{id}/release", release, methods=["POST"])]


OPENAPI = {
    "/v1/messages/{id}/release": {
        "post": operation(
            "messages",
            "Release a message to a real server",
            description="Off until POSTROAD_RELEASE names a server: 409. The server's certificate is checked.",
            path=ID,
            body=Release,
            example={"to": ["ann@example.com"]},
            answer=record({"released": REFUSED, "refused": REFUSED}),
            errors=(404, 409, 410, 502, 503),
        )
    }
}
