"""All routes of the store's control door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.feed import journal_routes
from postroad_store.control import (
    accounts,
    appending,
    contents,
    figures,
    hidden,
    mailboxes,
    messages,
    purge,
    quota,
    scripts,
    snapshots,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.control.door import Route
    from postroad.journal import Journal
    from postroad_store.control.mail import Mail


def routes(mail: Mail, journal: Journal, sessions: Callable[[], Mapping[str, int]]) -> list[Route]:
    """Return them; `sessions` counts the sessions by protocol."""
    nouns = (accounts, hidden, quota, mailboxes, messages, contents, appending, purge, scripts, snapshots)
    return [
        *journal_routes(journal),
        *(route for noun in nouns for route in noun.routes(mail)),
        *figures.routes(mail, journal, sessions),
    ]
