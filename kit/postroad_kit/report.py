"""What a failing test shows of its world: what arrived, what was said, which way it went, and where to look."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from postroad_kit import asking
from postroad_kit.errors import MailError, PostroadError
from postroad_kit.stack import in_use
from postroad_kit.table import harmless, table
from postroad_kit.telling import HEAD, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postroad_kit.world import World

MESSAGES = 30  # the newest
ROADS = 3
SESSIONS = 6
LINES = 40  # of a transcript or a road
SETTLING = 1.0  # seconds at most, in which what is under way may arrive


def sections(world: World) -> Iterator[tuple[str, str]]:
    """Yield titles and texts; what can't be had is said, and hides nothing else."""
    messages: asking.Messages = []
    # The list comes from the journals, a moment behind the 250 that the app has had.
    with contextlib.suppress(PostroadError, MailError):
        world.ask(asking.quiet(SETTLING))

    def arrived() -> str:
        newest = world.ask(asking.summaries())
        messages.extend(newest)
        if not messages:
            return "Nothing has arrived."
        lines = list(table(HEAD, [row(message) for message in reversed(messages[:MESSAGES])], indent=""))
        more = [f"and {len(messages) - MESSAGES} earlier ones"] if len(messages) > MESSAGES else []
        failed = [
            harmless(f"{message['id']} to {recipient['address']}: {recipient['reason']}")
            for message in messages[:MESSAGES]
            for recipient in message["recipients"]
            if recipient["state"] in {"failed", "deferred", "held"}
        ]
        return "\n".join([*lines, *more, *failed])

    def said() -> str:
        listed = world.ask(asking.sessions())[0]
        newest = [session for session in listed if session.protocol != "dns"][:SESSIONS]  # the road has the look-ups
        return "\n".join(_cut(str(world.ask(asking.session(session.id)))) for session in reversed(newest))

    def went() -> str:
        ids = [message["id"] for message in reversed(messages[:ROADS])]
        return "\n".join(_or_why(partial(_road, world, ident)) for ident in ids)

    yield f"Postroad: what arrived in the world {world.id}", _or_why(arrived)
    yield "Postroad: sessions", _or_why(said)
    yield "Postroad: road", _or_why(went)
    yield "Postroad: look at it", "\n".join([world.console_url, *_again()])


def _again() -> Iterator[str]:
    """Yield how to look at a stack that ends with the tests."""
    stack = in_use()
    if stack is not None and stack.shared is not None and (how := stack.shared.again()) is not None:
        yield how


def stack_sections() -> Iterator[tuple[str, str]]:
    """Yield that the stack is no more, if tests have started it and it has ended before them."""
    stack = in_use()
    if stack is not None and stack.shared is not None and (tail := stack.shared.ended()) is not None:
        yield "Postroad: the stack has ended", f"The end of its log, {stack.shared.log}:\n{tail}"


def described(world: World | None) -> str:
    """Return the sections as one text."""
    titled = [*stack_sections(), *(() if world is None else sections(world))]
    return "\n".join(f"-- {title}\n{text}" for title, text in titled if text)


def _road(world: World, ident: str) -> str:
    return _cut(str(world.road(ident)))


def _or_why(tell: Callable[[], str]) -> str:
    try:
        return tell()
    except (PostroadError, MailError) as error:
        return f"(it can't be told: {error})"


def _cut(text: str) -> str:
    lines = text.split("\n")
    return text if len(lines) <= LINES else "\n".join([*lines[:LINES], f"  … {len(lines) - LINES} more lines"])
