"""Snapshots: what the accounts of a world had at one moment, by name.

A snapshot has a copy of the rows of its accounts, and none of any content: entries that are kept name contents as those
of mailboxes do, so that no content goes while a snapshot has it. Each table of what an account has (`KEPT`) has a twin,
whose name begins with `kept_`, with the snapshot's id in front of the same columns, which have no types: a value comes
back as it was. A column that a step adds to such a table has to be added to its twin.

- `token` is a random word by which the web service knows both halves of a snapshot: this one, and the relay's queue.
- `restored` has the word of the last restore of a world, by which the same restore is not made twice.
"""

from __future__ import annotations

from typing import NamedTuple


class Kept(NamedTuple):
    """A table of which a snapshot keeps rows: those of its `account`s, or those of their `mailbox`es.

    `account` and `mailbox` name the column that says whose a row is. `key` is the twin's, after the snapshot.
    """

    table: str
    columns: tuple[str, ...]
    key: str
    account: str | None = None
    mailbox: str | None = None

    @property
    def twin(self) -> str:
        """The name of the table that keeps them."""
        return f"kept_{self.table}"


ACCOUNTS = Kept("accounts", ("id", "login"), "id", account="id")
MAILBOXES = Kept(
    "mailboxes",
    (
        *("id", "account", "name", "special_use", "selectable", "uid_validity", "uid_next", "modseq", "recent_uid"),
        *("messages", "unseen", "deleted", "octets", "recent", "lowest_known", "object_id", "acl"),
    ),
    "id",
    account="account",
)
ENTRIES = Kept(
    "entries",
    ("mailbox", "uid", "content", "flags", "internal_date", "size", "modseq", "wide_flags", "save_date"),
    "mailbox, uid",
    mailbox="mailbox",
)
METADATA = Kept(
    "metadata",
    ("mailbox", "account", "entry", "value"),
    "mailbox, account, entry",
    mailbox="mailbox",
    account="account",
)
# In the order in which rows come back. Accounts come first: the others are found by them.
KEPT = (
    ACCOUNTS,
    MAILBOXES,
    Kept("subscriptions", ("account", "name"), "account, name", account="account"),
    Kept("keywords", ("mailbox", "number", "keyword"), "mailbox, number", mailbox="mailbox"),
    ENTRIES,
    Kept(
        "stretches",
        ("mailbox", "uid_low", "uid_high", "flags", "modseq"),
        "mailbox, uid_low",
        mailbox="mailbox",
    ),
    Kept(
        "expunged",
        ("mailbox", "modseq", "uid_low", "uid_high"),
        "mailbox, modseq, uid_low",
        mailbox="mailbox",
    ),
    METADATA,
    Kept("quotas", ("account", "storage", "messages"), "account", account="account"),
    Kept("scripts", ("account", "name", "active", "size", "content"), "account, name", account="account"),
    Kept("remembered", ("account", "key", "until"), "account, key", account="account"),
    Kept("threads", ("content", "account", "thread"), "content, account", account="account"),
    Kept("message_ids", ("id", "account", "thread", "content"), "id, account", account="account"),
    Kept("url_keys", ("mailbox", "account", "key"), "mailbox, account", mailbox="mailbox"),
)

# Steps to versions before a table of what an account has was thought of make its twin too.
_TWINS = "".join(
    f"CREATE TABLE IF NOT EXISTS {kept.twin} (snapshot INTEGER, {', '.join(kept.columns)},"
    f" PRIMARY KEY (snapshot, {kept.key})) WITHOUT ROWID;\n"
    for kept in KEPT
)

SCHEMA = f"""
CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, world TEXT NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL,
    taken REAL NOT NULL, accounts INTEGER NOT NULL, messages INTEGER NOT NULL, octets INTEGER NOT NULL,
    UNIQUE (world, name)
);
CREATE TABLE restored (world TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
{_TWINS}
CREATE INDEX kept_entries_by_content ON kept_entries (content);
CREATE INDEX threads_by_account ON threads (account);
"""

STEPS = {4: SCHEMA, 9: _TWINS}
