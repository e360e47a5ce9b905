"""POST /v1/wait: held until the messages that a test expects are there; POST /v1/quiet: until nothing more can come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import (
    Wrong,
    body_of,
    either,
    flag,
    given,
    inner,
    line,
    many,
    number,
    refusal,
    text,
    whole,
)
from postroad_web.api.limits import Slots
from postroad_web.api.native import shapes
from postroad_web.api.problem import Problem
from postroad_web.search.query import parse
from postroad_web.waiting.criteria import Criteria, CriterionError, Judge
from postroad_web.waiting.narrow import Only
from postroad_web.waiting.tally import Decision, Mode
from postroad_web.waiting.underway import of_queue, of_records
from postroad_web.waiting.waits import Asked, Found, TooManyContents, WorldGone

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record
    from postroad_web.catalog.view import View
    from postroad_web.search.query import Query

Answer = TypeVar("Answer")

MOST = 100  # messages that one wait gives
LONGEST = 120.0  # seconds
AT_ONCE = 600  # waits
RECENT = LONGEST + 60.0  # seconds since a refusal that may be why a message does not come


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A field of the header."""

    name: str = given(line(most=200), "its name")
    value: str = given(text(), "a part of its value; left out: any", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many messages are expected: one of the three."""

    exactly: int | None = given(whole(1, MOST), "so many, and no more will come", default=None)
    at_least: int | None = given(whole(1, MOST), "so many or more", default=None)
    none: bool | None = given(flag(), "true: none, and none will come", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What is waited for. All criteria have to be met."""

    recipient: str | None = given(
        line(most=320),
        "a recipient of the envelope, compared whole; `*` stands for any characters",
        default=None,
        example="customer@shop.test",
    )
    sender: str | None = given(
        line(least=0, most=320), 'the sender of the envelope; "" is the null reverse-path', default=None
    )
    to: str | None = given(line(most=320), "an address in a To or Cc field, compared whole", default=None)
    from_: str | None = given(line(most=320), "an address in the From field, compared whole", default=None, name="from")
    subject: str | None = given(text(least=1), "a part of the subject", default=None, example="Welcome")
    header: tuple[Header, ...] = given(many(inner(Header), most=20), "fields of the header", default=())
    body: str | None = given(text(least=1), "a part of the text, or of the HTML", default=None)
    attachment: str | None = given(
        line(most=255), "the file name of an attachment, with `*` and `?`", default=None, example="*.pdf"
    )
    regex: str | None = given(
        text(least=1), "a regular expression (RE2) that is found in the subject, the text or the HTML", default=None
    )
    query: str | None = given(text(least=1), "a query of the search language", default=None)
    id: str | None = given(line(most=64), "the queue ID, which the 250 named", default=None)
    reports: bool = given(flag(), "whether notifications (DSNs) of the relay's own count", default=False)
    mode: Wanted | None = given(inner(Wanted), "how many: at least 1 if left out", default=None)  # noqa: RUF009 - it is field()
    after: int | str | None = given(
        either(whole(), line(most=64), sentence="must be a cursor (a whole number) or a queue ID"),
        "only messages after it count: a `cursor` that a wait gave, or a queue ID, which may be one that is to come",
        default=None,
    )
    timeout: float = given(number(0, LONGEST), "seconds", default=10.0)
    settled: bool = given(
        flag(),
        "true: a message counts once nothing more will happen to it: it is in a mailbox, captured, or has failed; "
        "false: as soon as it was accepted and its content is known",
        default=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long."""

    timeout: float = given(number(0, LONGEST), "seconds", default=10.0)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    slots = Slots("waits", AT_ONCE)

    async def wait(request: Request) -> Response:
        wanted = await body_of(request, Wait)
        asked = _asked(services.view(request), wanted)
        with slots.one():
            return await until_gone(request, _waited(services, asked, wanted.timeout))

    async def quiet(request: Request) -> Response:
        patience = await body_of(request, Patience)
        with slots.one():
            return await until_gone(request, _quieted(services, services.view(request), patience.timeout))

    return [Route("/v1/wait", wait, methods=["POST"]), Route("/v1/quiet", quiet, methods=["POST"])]


async def until_gone(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what the work gives; give it up when the client goes, and raise `ClientDisconnect`."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await leaving


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _asked(catalog: View, wanted: Wait) -> Asked:
    """Return the wait; raises `Problem` 422."""
    try:
        mode = _mode(wanted.mode)
        query = None if wanted.query is None else parse(wanted.query)
        criteria = Criteria(
            id=wanted.id,
            recipient=wanted.recipient,
            sender=wanted.sender,
            to=wanted.to,
            from_=wanted.from_,
            subject=wanted.subject,
            header=tuple((header.name, header.value) for header in wanted.header),
            body=wanted.body,
            attachment=wanted.attachment,
            regex=wanted.regex,
            reports=wanted.reports,
        )
        test = None if query is None else partial(_matches, catalog, query)
        return Asked(catalog, Judge(criteria, test), mode, wanted.after, wanted.settled, query)
    except CriterionError as error:
        raise refusal(Wrong([(error.field, str(error))])) from None


def _matches(catalog: View, query: Query, message: Record) -> bool:
    return bool(catalog.page(Only(query, message.number), limit=1, counted=False).records)


def _mode(wanted: Wanted | None) -> Mode:
    if wanted is None:
        return Mode(1, None)
    ways = [way for way in (wanted.exactly, wanted.at_least, wanted.none) if way is not None]
    if len(ways) != 1 or wanted.none is False:
        raise CriterionError("mode", 'must be {"exactly": n}, {"at_least": n} or {"none": true}')
    if wanted.none:
        return Mode(0, 0)
    return Mode(wanted.exactly, wanted.exactly) if wanted.exactly else Mode(wanted.at_least or 1, None)


async def _waited(services: Services, asked: Asked, timeout: float) -> Response:  # noqa: ASYNC109 - it has an answer
    try:
        outcome = await services.waits.wait(asked, timeout)
    except WorldGone:
        raise Problem(404, "No such world", f"The world {asked.catalog.world} was dropped meanwhile.") from None
    except TooManyContents:
        raise Problem(
            422,
            "Too many messages would have to be opened",
            "Give `after`, or a criterion of the envelope, so that fewer earlier messages may match.",
        ) from None
    if outcome.decision is not Decision.DONE:
        return _missed(services, asked, outcome, timeout).response()
    messages = [shapes.whole(record, await services.waits.content(record)) for record in outcome.tally.matched[:MOST]]
    return json({"messages": messages, "cursor": outcome.cursor})


def _missed(services: Services, asked: Asked, outcome: Found, seconds: float) -> Problem:
    """Return why a wait has ended without what was expected."""
    tally = outcome.tally
    members = _told(services, asked, outcome)
    if outcome.decision is Decision.TOO_MANY:
        count = len(tally.matched) + len(tally.pending)
        detail = f"{asked.mode.sentence} should match, but {count} {'does' if count == 1 else 'do'}."
        return Problem(409, "More messages than expected", detail, **members)
    detail = f"{asked.mode.sentence} should match, but within {seconds:g} s {len(tally.matched)} did."
    if outcome.decision is Decision.IF_QUIET:
        detail = f"{len(tally.matched)} match as expected, but within {seconds:g} s it was not quiet: more may come."
    if isinstance(asked.after, int) and asked.after > services.catalog.position["relay"]:
        detail += f" No message has a number above {asked.after} yet; the cursors of events are other numbers."
    elif not outcome.started:
        detail += f" The message {asked.after}, after which they count, has not come."
    elif members["under_way"]:
        first = members["under_way"][0]
        detail += f" Still under way to {first['recipient']}: {first['detail']}."
    elif members["near_misses"] and outcome.decision is Decision.WAIT:
        near = tally.near[0]
        detail += f" Nearest: {_named(near.record)}, which missed {', '.join(near.verdict.missed)}."
    fits = asked.judge.recipient
    for denied in reversed(members["refused"] if outcome.decision is Decision.WAIT else ()):
        recipients = [recipient for recipient in denied["recipients"] if fits is None or fits(recipient)]
        if recipients or not denied["recipients"]:
            to = "".join(f" to {recipient}" for recipient in recipients[:1])
            detail += f" The relay has refused a message{to}: {denied['reply']}."
            break
    return Problem(408, "Time is over", detail, **members)


def _named(record: Record) -> str:
    """Return how people know a message: 4f1a9c to bob@beta.test, “Welcome”."""
    to = "".join(f" to {recipient.address}" for recipient in record.recipients[:1])
    more = f" and {len(record.recipients) - 1} more" if len(record.recipients) > 1 else ""
    subject = f", “{record.digest.subject[:100]}”" if record.digest is not None else ""
    return f"{record.id}{to}{more}{subject}"


def _told(services: Services, asked: Asked, outcome: Found) -> dict[str, Any]:
    """Return what a test's failure needs to know; what concerns the recipient that was asked for comes first."""
    tally, fits = outcome.tally, asked.judge.recipient
    waiting = {record.id: record for record in (*tally.pending, *services.waits.under_way(asked.catalog))}
    under_way = of_records(waiting.values(), services.clock.now())
    if fits is not None:
        under_way.sort(key=lambda entry: not fits(entry["recipient"]))
    return {
        "matched": [shapes.summary(record) for record in (*tally.matched, *tally.pending)[:MOST]],
        "near_misses": [
            {"message": shapes.summary(near.record), "met": near.verdict.met, "missed": near.verdict.missed}
            for near in tally.near
        ],
        "arrived": [shapes.summary(record) for record in tally.arrived],
        "under_way": under_way,
        "refused": [
            {
                "time": refusal.time,
                "sender": refusal.sender,
                "recipients": refusal.recipients[:MOST],
                "command": refusal.command,
                "reply": refusal.reply,
                "client": refusal.client,
            }
            for refusal in services.waits.refusals.after(outcome.start, asked.catalog.world)
            if services.clock.now() - refusal.at < RECENT
        ],
        "cursor": outcome.cursor,
    }


async def _quieted(services: Services, catalog: View, timeout: float) -> Response:  # noqa: ASYNC109 - it has an answer
    try:
        async with asyncio.timeout(timeout):
            state = await services.quiet.reached(catalog.world)
    except TimeoutError:
        state = await services.quiet.state(catalog.world)
        under_way = of_queue(state.messages, services.clock.now())
        first = next((recipient for recipient in under_way if recipient["state"] != "held"), None)
        because = "a message is just being accepted" if first is None else f"{first['recipient']}: {first['detail']}"
        count = "1 message is" if state.under_way == 1 else f"{state.under_way} messages are"
        still = (
            f"{count} still under way; {because}" if state.under_way else "the web service has not read all of it yet"
        )
        raise Problem(408, "It is not quiet", f"After {timeout:g} s {still}.", under_way=under_way) from None
    held = [recipient for recipient in of_queue(state.messages, services.clock.now()) if recipient["state"] == "held"]
    return json({"held": held, "cursor": catalog.latest_number()})


_UNDER_WAY = {
    "type": "array",
    "items": record(
        {
            "id": {"type": "string"},
            "recipient": {"type": "string"},
            "state": {"type": "string"},
            "detail": {"type": "string", "description": "why, and when it is tried again"},
        }
    ),
}
_CURSOR = {"type": "integer", "description": "`after` of the next wait"}
SCHEMAS = {"Message": shapes.WHOLE, "Summary": shapes.SUMMARY}
OPENAPI = {
    "/v1/wait": {
        "post": operation(
            "wait",
            "Wait for messages",
            description=(
                "Held until as many messages match as expected, and answered by their arrival. Messages that are there "
                "already count, unless `after` leaves them out. `exactly` and `none` are decided as soon as nothing is "
                "under way any more, so `none` costs no time. When time is over: 408, with `near_misses` (which "
                "message met which criteria), `arrived` (what came meanwhile) and `under_way` (what is still queued, "
                "and why) and `refused` (what the relay did not accept lately). With more than `exactly`: 409 at once."
            ),
            body=Wait,
            example={"recipient": "customer@shop.test", "subject": "Welcome", "timeout": 5},
            answer=record({"messages": {"type": "array", "items": ref("Message")}, "cursor": _CURSOR}),
            errors=(404, 408, 409, 503),
        )
    },
    "/v1/quiet": {
        "post": operation(
            "wait",
            "Wait until nothing is under way",
            description=(
                "Answers once nothing is queued, in transit or being retried, and everything that was accepted before "
                "the request is in the catalog. Held messages don't count; they are listed. When time is over: 408, "
                "with what is still `under_way`."
            ),
            body=Patience,
            example={"timeout": 5},
            answer=record({"held": _UNDER_WAY, "cursor": _CURSOR}),
            errors=(408, 503),
        )
    },
}
