"""Which label a mailbox is, and which use a mailbox has (decision 29, RFC 6154)."""

from __future__ import annotations

import pytest

from postroad_store.mail.model.errors import UseNotAllowed
from postroad_store.mail.model.labels import label_of, system_label
from postroad_store.mail.model.special_use import checked_uses


@pytest.mark.parametrize(
    ("name", "use", "label"),
    [
        ("INBOX", None, "\\Inbox"),
        ("INBOX", "\\Sent", "\\Inbox"),
        ("Inbox/x", None, "Inbox/x"),
        ("Sent", None, "Sent"),  # a name alone says nothing
        ("Post", "\\Sent", "\\Sent"),
        ("Post", "\\Drafts", "\\Draft"),
        ("Post", "\\Junk", "\\Spam"),
        ("Post", "\\Trash", "\\Trash"),
        ("Post", "\\All", "\\All"),
        ("Post", "\\Archive", "Post"),
        ("Post", "\\Archive \\Junk \\Sent", "\\Spam"),  # the first that has a label
        ("Post", "", "Post"),
    ],
)
def test_the_label_of_a_mailbox(name: str, use: str | None, label: str) -> None:
    assert label_of(name, use) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("\\sent", "\\Sent"),
        ("\\DRAFT", "\\Draft"),
        ("\\Drafts", "\\Draft"),
        ("\\trash", "\\Trash"),
        ("\\spam", "\\Spam"),
        ("\\Junk", "\\Spam"),
        ("\\all", "\\All"),
        ("\\INBOX", "\\Inbox"),
        ("\\starred", "\\Starred"),
        ("\\important", "\\Important"),
        ("\\Flagged", None),
        ("Sent", None),
        ("", None),
    ],
)
def test_a_system_label_in_its_own_spelling(text: str, label: str | None) -> None:
    assert system_label(text) == label


@pytest.mark.parametrize(
    ("uses", "text"),
    [
        ([], None),
        (["\\drafts"], "\\Drafts"),
        (["\\SENT", "\\Archive", "\\sent"], "\\Sent \\Archive"),
        (["\\Trash", "\\Junk"], "\\Trash \\Junk"),
    ],
)
def test_uses_are_written_in_one_way_each_once(uses: list[str], text: str | None) -> None:
    assert checked_uses(uses) == text


@pytest.mark.parametrize("use", ["\\All", "\\Flagged", "\\Important", "Sent", "", "\\Sent "])
def test_other_uses_are_refused(use: str) -> None:
    with pytest.raises(UseNotAllowed, match="is not supported") as refused:
        checked_uses(["\\Sent", use])
    assert str(refused.value) == f"{use} is not supported"
