"""The tables of the mail's database, one module a noun.

A module has `SCHEMA`, the statements that make its tables in a new database, and `STEPS`, by version the statements
that lead to that version from the one before. A new column comes last in its table: only there can a step add it.

To add a table, add a module and its name to `TABLES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.tables import (
    accounts,
    contents,
    counters,
    entries,
    expunged,
    hidden,
    keywords,
    mailboxes,
    metadata,
    news,
    outbox,
    packs,
    quotas,
    remembered,
    scripts,
    snapshots,
    stretches,
    tallies,
    threads,
    url_keys,
)

if TYPE_CHECKING:
    from types import ModuleType

# In the order in which tables are made, and in which their steps run.
TABLES: tuple[ModuleType, ...] = (
    counters,
    accounts,
    mailboxes,
    keywords,
    entries,
    stretches,
    expunged,
    packs,
    contents,
    hidden,
    metadata,
    quotas,
    tallies,
    scripts,
    outbox,
    remembered,
    threads,
    url_keys,
    snapshots,
    news,
)
