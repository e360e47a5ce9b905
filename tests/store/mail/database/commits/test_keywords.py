"""Keywords: as many as clients want, and their numbers are taken back when no message has them (RFC 3501 §7.2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.schema import NARROW_KEYWORDS
from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, FLAGGED, SEEN, Change, FlagSet
from postroad_store.mail.search.keys import Keyword

if TYPE_CHECKING:
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put


def names(mailbox: Mailbox) -> list[str]:
    """The flags of each message."""
    return [mailbox.flag_names(flags) for flags in mailbox.flags]


def reloaded(storage: Storage, mailbox: Mailbox) -> list[str]:
    """The flags of each message as the database has them."""
    mailbox.unload()
    mailbox.load(storage._reader.contents(mailbox))
    return names(mailbox)


async def test_keywords_of_a_lifetime_use_up_nothing(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"a")
    view = storage.view(inbox)
    for number in range(3 * NARROW_KEYWORDS):
        await storage.store(inbox, [1], Change.REPLACE, FlagSet(SEEN, (f"k{number}",)))
        assert names(inbox) == [f"\\Seen k{number}"]
        assert view.take(expunges=True).keywords
        assert inbox.keyword_bit(f"k{number}")
        assert len(inbox.keywords) <= NARROW_KEYWORDS
    await put(inbox, b"b", flags=FlagSet(0, ("mine", "k5")))
    assert names(inbox)[1] in {"mine k5", "k5 mine"}
    assert reloaded(storage, inbox) == names(inbox)


async def test_thousands_of_keywords(storage: Storage, account: Account, put: Put, tmp_path: Path) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, b"a", b"b")
    view = storage.view(inbox)
    many = tuple(f"k{number}" for number in range(3000))
    for start in range(0, 3000, 300):
        await storage.store(inbox, [1], Change.ADD, FlagSet(0, many[start : start + 300]))
    assert names(inbox) == [" ".join(many), ""]
    await storage.store(inbox, [1, 2], Change.ADD, FlagSet(FLAGGED, ("K2999", "new")))
    await storage.store(inbox, [1, 2], Change.ADD, FlagSet(FLAGGED, ("k2999",)))  # they have it
    await storage.store(inbox, [1], Change.REMOVE, FlagSet(0, (*many[10:2990], "unknown")))
    left = " ".join([*many[:10], *many[2990:], "new"])
    assert names(inbox) == [f"\\Flagged {left}", "\\Flagged k2999 new"]
    assert reloaded(storage, inbox) == [f"\\Flagged {left}", "\\Flagged k2999 new"]
    assert await storage.finder.search(view, Keyword("k2995")) == [1]
    assert await storage.finder.search(view, Keyword("NEW")) == [1, 2]

    await storage.store(inbox, [2], Change.REPLACE, FlagSet(SEEN))
    assert reloaded(storage, inbox)[1] == "\\Seen"
    await storage.store(inbox, [2], Change.REPLACE, FlagSet(SEEN, ("k2991",)))
    assert reloaded(storage, inbox)[1] == "\\Seen k2991"

    await storage.copy(inbox, [1, 2], archive)
    await storage.copy(inbox, [1], inbox)
    await storage.copy(inbox, [2], archive, move=True)
    storage.view(archive)
    assert names(archive) == [f"\\Flagged {left}", "\\Seen k2991", "\\Seen k2991"]
    assert len(archive.keywords) == 21
    assert names(inbox) == [f"\\Flagged {left}"] * 2

    await storage.rename(account, "INBOX", "old")
    old = account.selectable("old")
    storage.view(old)
    assert names(old) == [f"\\Flagged {left}"] * 2
    await storage.store(old, [1], Change.ADD, FlagSet(DELETED))
    assert await storage.expunge(old) == [1]


async def test_opening_a_mailbox_takes_unused_numbers_back(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"a")
    many = tuple(f"k{number}" for number in range(200))
    view = storage.view(inbox)
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, many))
    await storage.store(inbox, [1], Change.REPLACE, FlagSet(0, ("k150",)))
    view.take(expunges=True)
    again = storage.view(inbox)
    assert len(inbox.keywords) == 200
    await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN))  # behind what opening has begun
    assert inbox.keywords == ["k150"]
    assert (view.take(expunges=True).keywords, again.take(expunges=True).keywords) == (True, True)
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, ("low",)))
    assert inbox.keywords == ["low", "k150"]
    assert list(inbox.flags) == [SEEN | 1 << FIRST_KEYWORD | 1 << FIRST_KEYWORD + 150]
    assert reloaded(storage, inbox) == ["\\Seen low k150"]


async def test_a_number_that_is_about_to_be_used_is_not_taken_back(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"a")
    storage.view(inbox)
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, tuple(f"k{n}" for n in range(NARROW_KEYWORDS))))
    await storage.store(inbox, [1], Change.REPLACE, FlagSet(0, ("k1",)))
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, ("k0", "k7", "new", "newer")))
    assert names(inbox) == ["k0 k1 new newer k7"]
    assert reloaded(storage, inbox) == ["k0 k1 new newer k7"]
