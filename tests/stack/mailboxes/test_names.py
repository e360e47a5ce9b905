"""Names of mailboxes as names of folders, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_stack.mailboxes.names import decode, mailbox_of_folder, maildir_folder, tree_path
from postroad_store.imap.grammar.mailbox_name import encode

LEVEL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1)


@pytest.mark.parametrize(
    ("mailbox", "folder"),
    [
        ("INBOX", "."),
        ("Sent", ".Sent"),
        ("Work/2026", ".Work.2026"),
        ("v1.2", ".v1\\2e2"),
        ("Gelöscht", ".Gel&APY-scht"),
        ("a&b", ".a&-b"),
        ("a\\2eb", ".a\\5c2eb"),
    ],
)
def test_folders_of_a_maildir(mailbox: str, folder: str) -> None:
    assert maildir_folder(mailbox) == folder
    assert mailbox == "INBOX" or mailbox_of_folder(folder) == mailbox


@given(st.lists(LEVEL, min_size=1, max_size=3))
def test_every_name_comes_back(levels: list[str]) -> None:
    mailbox = "/".join(levels)
    folder = maildir_folder(mailbox)
    assert "/" not in folder
    assert mailbox == "INBOX" or mailbox_of_folder(folder) == mailbox


@given(LEVEL)
def test_names_are_those_of_the_wire(level: str) -> None:
    assert decode(encode(level).decode("ascii")) == level


def test_what_is_no_modified_utf_7_stays() -> None:
    assert decode("R&D-2026 & more") == "R&D-2026 & more"
    assert decode("café") == "café"


@pytest.mark.parametrize(
    ("mailbox", "path"),
    [("a/b", "a/b"), ("../x", "%2E%2E/x"), ("a//b", "a/%/b"), (".", "%2E"), ("a\0b", "a%00b")],
)
def test_paths_in_a_tree_lead_nowhere_else(mailbox: str, path: str) -> None:
    assert tree_path(mailbox) == Path(path)
