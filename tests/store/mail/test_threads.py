"""Threads: found when a message is stored, the same ever after, forgotten with the last that named them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage


def message(own: str, *references: str, replied: str = "") -> bytes:
    header = f"Message-ID: <{own}>\r\n" if own else ""
    header += f"References: {' '.join(f'<{reference}>' for reference in references)}\r\n" if references else ""
    header += f"In-Reply-To: <{replied}>\r\n" if replied else ""
    return f"{header}\r\nbody\r\n".encode()


async def put(storage: Storage, mailboxes: tuple[Mailbox, ...], *contents: bytes) -> None:
    await storage.append([Arrival(mailboxes, content, 0, NO_FLAGS) for content in contents])


def threads(storage: Storage, mailbox: Mailbox) -> list[int]:
    return list(storage.columns(mailbox, range(1, mailbox.uid_next), [Column.THREAD])[1][0])


def ids(storage: Storage, mailbox: Mailbox) -> list[int]:
    return list(storage.columns(mailbox, range(1, mailbox.uid_next), [Column.ID])[1][0])


def count(storage: Storage, table: str) -> int:
    ((rows,),) = storage._reader.rows(f"SELECT count(*) FROM {table}", ())
    return int(rows)


async def test_answers_join(storage: Storage, account: Account) -> None:
    inbox = account.inbox
    await put(
        storage,
        (inbox,),
        message("a"),
        message("other"),
        message("b", "a"),
        message("c", replied="b"),
        message("d", "a", "unknown"),
        message("e", "gone", "other", "nowhere"),
        message(""),
        message("", "c"),
        message("a"),  # the copy that a list has sent back
        message("f", "x1", "x2"),
        message("g", "x1", "x3"),
        message("x1"),  # the first of them arrives last
    )
    first, other, *_ = numbers = ids(storage, inbox)
    assert threads(storage, inbox) == [
        *(first, other, first, first, first, other),
        *(numbers[6], first, first, numbers[9], numbers[9], numbers[9]),
    ]


async def test_the_nearest_counts(storage: Storage, account: Account) -> None:
    await put(storage, (account.inbox,), message("a"), message("b"), message("c", "a", "b"), message("d", "c"))
    of_a, of_b, *_ = ids(storage, account.inbox)
    assert threads(storage, account.inbox) == [of_a, of_b, of_b, of_b]


async def test_accounts_know_nothing_of_each_other(storage: Storage, account: Account) -> None:
    bob = await storage.account("bob@alpha.test")
    await put(storage, (account.inbox,), message("a"))
    await put(storage, (account.inbox, bob.inbox), message("b", "a"))
    await put(storage, (bob.inbox,), message("c", "b"))
    first, second = ids(storage, account.inbox)
    assert threads(storage, account.inbox) == [first, first]
    assert threads(storage, bob.inbox) == [second, second]
    # RFC 8474 §5.2: what has the same EMAILID is in the same thread
    drafts = bob.selectable("Drafts")
    await storage.copy(account.inbox, [1, 2], drafts)
    assert threads(storage, drafts) == [first, second]
    archive = (await storage.account("carol@alpha.test")).selectable("Archive")
    await storage.copy(account.inbox, [1, 2], archive)
    assert threads(storage, archive) == [first, first]


async def test_copies_and_moves_keep_the_thread(storage: Storage, account: Account) -> None:
    archive = account.selectable("Archive")
    await put(storage, (account.inbox,), message("a"), message("b", "a"))
    numbers = ids(storage, account.inbox)
    await storage.copy(account.inbox, [1, 2], archive)
    await storage.copy(account.inbox, [1, 2], archive, move=True)
    assert ids(storage, archive) == [*numbers, *numbers]
    assert threads(storage, archive) == [numbers[0]] * 4


async def test_what_is_gone_is_forgotten(storage: Storage, account: Account) -> None:
    inbox = account.inbox
    await put(storage, (inbox,), message("a"), message("b", "a"), message("c", "a", "b"))
    first = ids(storage, inbox)[0]
    await storage.expunge(inbox, [1], only_deleted=False)
    await storage.account("anybody@alpha.test")  # a commit after the garbage
    await put(storage, (inbox,), message("d", "a"))
    assert threads(storage, inbox) == [first] * 3  # what answers it still leads there
    await storage.expunge(inbox, [2, 3, 4], only_deleted=False)
    await storage.account("somebody@alpha.test")
    assert (count(storage, "threads"), count(storage, "message_ids"), count(storage, "contents")) == (0, 0, 0)
    await put(storage, (inbox,), message("e", "a"))
    assert threads(storage, inbox) == ids(storage, inbox) != [first]
