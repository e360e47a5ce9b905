"""Which events of which mailboxes a client is told of (RFC 5465 §6)."""

from __future__ import annotations

import pytest

from postroad_store.imap.filters import Filter
from postroad_store.imap.interests import MESSAGES, NOTHING, Event, Group, Interests

SUBSCRIPTIONS = {"INBOX", "Lists/x"}


@pytest.mark.parametrize(
    ("group", "covered"),
    [
        (Group(Filter.PERSONAL, MESSAGES), {"INBOX", "Lists", "Lists/x", "Lists/x/y", "Listsx"}),
        (Group(Filter.INBOXES, MESSAGES), {"INBOX", "Lists", "Lists/x", "Lists/x/y", "Listsx"}),
        (Group(Filter.SUBSCRIBED, MESSAGES), SUBSCRIPTIONS),
        (Group(Filter.MAILBOXES, MESSAGES, frozenset({"Lists", "nope"})), {"Lists"}),
        (Group(Filter.SUBTREE, MESSAGES, frozenset({"Lists", "nope"})), {"Lists", "Lists/x", "Lists/x/y"}),
        (Group(Filter.SUBTREE, MESSAGES, frozenset({"Lists/x"})), {"Lists/x", "Lists/x/y"}),
        (Group(Filter.SUBTREE, MESSAGES), set()),
        (Group(Filter.SUBTREE_ONE, MESSAGES, frozenset({"Lists"})), {"Lists", "Lists/x"}),
    ],
)
def test_which_mailboxes(group: Group, covered: set[str]) -> None:
    names = {"INBOX", "Lists", "Lists/x", "Lists/x/y", "Listsx"}
    assert {name for name in names if group.covers(name, SUBSCRIPTIONS)} == covered


def test_groups_add_up() -> None:
    """RFC 5465 §6: "multiple <event-group>s can apply to the same mailbox"."""
    interests = Interests(
        groups=(
            Group(Filter.MAILBOXES, MESSAGES, frozenset({"INBOX"})),
            Group(Filter.PERSONAL, Event.SUBSCRIPTION_CHANGE),
            Group(Filter.MAILBOXES, Event.NONE, frozenset({"INBOX"})),
        )
    )
    assert interests.of("INBOX", ()) == MESSAGES | Event.SUBSCRIPTION_CHANGE
    assert interests.of("Sent", ()) == Event.SUBSCRIPTION_CHANGE
    assert interests.all == MESSAGES | Event.SUBSCRIPTION_CHANGE
    assert (NOTHING.of("INBOX", ()), NOTHING.all) == (Event.NONE, Event.NONE)
