"""`GET /figures`: the store in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import answer
from postroad.control.feed import journal_figures
from postroad.control.process import process_figures
from postroad_store.mail.database.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from postroad.control.door import Request, Response, Route
    from postroad.journal import Journal
    from postroad_store.control.mail import Mail


def routes(mail: Mail, journal: Journal, sessions: Callable[[], Mapping[str, int]]) -> Sequence[Route]:
    """Return the routes; `sessions` counts them by protocol."""

    async def figures(request: Request) -> Response:  # noqa: ARG001 - a handler's signature
        messages = await mail.read(Listing.count)
        return answer(
            {
                "process": process_figures(),
                "journal": journal_figures(journal),
                "sessions": sessions(),
                "commits": mail.storage.commit_times.figures(),
                "mailboxes": {"open": mail.storage.open_mailboxes},
                "messages": messages,
            }
        )

    return [mail.route("GET", "/figures", figures)]
