"""Faults of every kind: found, told in a sentence, mended, and not found where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.keeping.fsck import check, mend
from postroad_store.mail.database.invariants import INVARIANTS
from postroad_store.mail.database.tables.snapshots import MAILBOXES
from postroad_store.mail.model.errors import StorageBusy, StorageError
from postroad_store.mail.model.message import Column
from postroad_store.mail.storage import Storage
from tests.store.keeping.conftest import LARGE, LOGIN, MAIL, rows, spoil

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.progress import Progress

SNAPSHOT = "INSERT INTO snapshots VALUES (1, 'default', 's', 't', 0, 1, 0, 0)"
INBOX = "(SELECT id FROM mailboxes WHERE name = 'INBOX')"
# What spoils the mail, and the sentences that tell of it, by the name of the invariant.
FAULTS = {
    "accounts": (
        [
            (
                "INSERT INTO mailboxes (account, name, selectable, uid_validity, uid_next, modseq, recent_uid)"
                " VALUES (99, 'Lost', 1, 1, 1, 1, 0)"
            )
        ],
        ["an account that has gone Lost belongs to no account"],
    ),
    "inboxes": (["UPDATE mailboxes SET selectable = 0 WHERE name = 'INBOX'"], [f"{LOGIN} has no INBOX"]),
    "mailboxes": (
        [
            (
                "INSERT INTO entries SELECT 77, uid, content, flags, internal_date, size, modseq, wide_flags, save_date"
                f" FROM entries WHERE mailbox = {INBOX}"
            )
        ],
        ["6 messages are in a mailbox that has gone (number 77)"],
    ),
    "contents": (
        [
            "DELETE FROM contents WHERE id = 4",
            "DELETE FROM octets WHERE piece >> 16 = 4",
            "DELETE FROM texts WHERE content = 4",
        ],
        [
            f"{LOGIN} INBOX: the message with UID 4 has no content",
            f"{LOGIN} Work: the message with UID 4 has no content",
        ],
    ),
    "sizes": (
        [
            f"UPDATE entries SET size = 7 WHERE mailbox = {INBOX} AND uid = 5",
            f"UPDATE mailboxes SET octets = (SELECT sum(size) FROM entries WHERE mailbox = {INBOX}) WHERE id = {INBOX}",
        ],
        [f"{LOGIN} INBOX: the message with UID 5 is said to have 7 octets, and has {len(MAIL % (4, 4))}"],
    ),
    "orphans": (
        [
            (
                "INSERT INTO contents SELECT 99, size, header_size, sent_day, plain, envelope, body, bodystructure,"
                " parts, header, NULL FROM contents WHERE id = 5"
            ),
            "INSERT INTO octets SELECT 99 << 16, octets FROM octets WHERE piece >> 16 = 5",
        ],
        [f"content 99 of {len(MAIL % (4, 4))} octets is in no mailbox and no snapshot, and takes room"],
    ),
    "pieces": (
        ["INSERT INTO octets VALUES (88 << 16, x'00')"],
        ["1 pieces of bodies belong to no content, and take room"],
    ),
    "texts": (
        ["INSERT INTO texts VALUES (88, x'00', x'00')"],
        ["1 texts for searches belong to no content, and take room"],
    ),
    "UIDs": (
        ["UPDATE mailboxes SET uid_next = 3 WHERE name = 'INBOX'"],
        [f"{LOGIN} INBOX: UIDNEXT is 3, though there is a message with UID 8"],
    ),
    "stretches": (
        [f"INSERT INTO stretches VALUES ({INBOX}, 2, 2, 0, 1)"],
        [f"{LOGIN} INBOX: the stretch of UIDs 2 to 2 overlaps another, or has none or other messages than it may"],
    ),
    "MODSEQ": (
        ["UPDATE mailboxes SET modseq = 1 WHERE name = 'Work'"],
        [f"{LOGIN} Work: HIGHESTMODSEQ is 1, though a message has MODSEQ 10"],
    ),
    "expunged": (
        [f"INSERT INTO expunged VALUES ({INBOX}, 5, 5, 6)"],
        [f"{LOGIN} INBOX: a message with a UID of 5 to 6 is noted as expunged, and is there"],
    ),
    "counts": (
        ["UPDATE mailboxes SET messages = 99 WHERE name = 'INBOX'"],
        [
            (
                f"{LOGIN} INBOX: it is counted to have 99 messages, 0 unseen, 1 deleted, 480 octets, 6 recent;"
                " it has 6, 0, 1, 480, 6"
            )
        ],
    ),
    "keywords": (
        [f"UPDATE entries SET flags = flags | (1 << 9) WHERE mailbox = {INBOX} AND uid = 5"],
        [f"{LOGIN} INBOX: 1 messages have keywords without a name"],
    ),
    "tallies": (
        [f"UPDATE accounts SET subscriptions = 5 WHERE login = '{LOGIN}'"],
        [f"{LOGIN} is counted to have 7 mailboxes and 5 subscriptions, and has 7 and 6"],
    ),
    "usage": (
        [f"UPDATE accounts SET messages = 5 WHERE login = '{LOGIN}'"],
        [f"{LOGIN} is counted to have 5 messages of 1601138 octets, and has 15 of 1601138"],
    ),
    "UIDVALIDITY": (
        ["UPDATE counters SET value = 3 WHERE name = 'uid_validity'"],
        ["the next UIDVALIDITY would come after 3, though 1006 was given"],
    ),
    "kept contents": (
        [SNAPSHOT, "INSERT INTO kept_entries VALUES (1, 1, 5, 99, 0, 0, 9, 1, NULL, NULL)"],
        ["the snapshot s of the world default: a message with UID 5 has no content"],
    ),
    "kept sizes": (
        [SNAPSHOT, "INSERT INTO kept_entries VALUES (1, 1, 5, 5, 0, 0, 9, 1, NULL, NULL)"],
        ["1 messages of snapshots are said to have another size than they have"],
    ),
    "kept counts": (
        [SNAPSHOT, f"INSERT INTO kept_mailboxes SELECT 1, {', '.join(MAILBOXES.columns)} FROM mailboxes WHERE id = 1"],
        ["the snapshot s of the world default: INBOX is not counted to have what it has"],
    ),
    "kept rows": (
        ["INSERT INTO kept_subscriptions VALUES (9, 1, 'x'), (9, 1, 'y')"],
        ["2 rows belong to snapshots that have gone"],
    ),
    "keywords of mailboxes": (
        ["INSERT INTO keywords VALUES (99, 0, 'a')"],
        ["1 keywords belong to a mailbox that has gone"],
    ),
    "stretches of mailboxes": (
        ["INSERT INTO stretches VALUES (99, 1, 2, 0, 1)"],
        ["1 stretches belong to a mailbox that has gone"],
    ),
    "expunges of mailboxes": (
        ["INSERT INTO expunged VALUES (99, 1, 1, 1)"],
        ["1 expunges belong to a mailbox that has gone"],
    ),
    "packs of mailboxes": (
        ["INSERT INTO packs VALUES (99 << 20, x'')"],
        ["1 packs belong to a mailbox that has gone", "the pack of block 0 of mailbox number 99 is wrong"],
    ),
    "annotations of mailboxes": (
        ["INSERT INTO metadata VALUES (99, 0, '/shared/comment', x'00'), (0, 0, '/shared/comment', x'00')"],
        ["1 annotations belong to a mailbox that has gone"],
    ),
    "packs": (
        [f"INSERT INTO packs VALUES ({INBOX} << 20, x'01')"],
        ["the pack of block 0 of mailbox number 1 is wrong"],
    ),
}


def test_sound_mail_has_no_faults(folder: Path, progress: Progress) -> None:
    assert check(folder, progress) == []
    assert mend(folder, progress) == ([], [])


def test_every_invariant_has_its_fault_here() -> None:
    assert list(FAULTS) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_found_and_mended(folder: Path, progress: Progress, name: str) -> None:
    statements, sentences = FAULTS[name]
    spoil(folder, *statements)
    assert check(folder, progress) == sentences
    faults, left = mend(folder, progress)
    assert (faults, left) == (sentences, [])
    assert check(folder, progress) == []
    storage = Storage(folder)  # and the store works on it
    try:
        account = await storage.account(LOGIN)
        view = storage.view(account.inbox)
        assert len(view.uids) == storage.status(account.inbox).messages
    finally:
        storage.close()


def test_flags_are_kept_where_stretches_are_in_each_others_way(folder: Path, progress: Progress) -> None:
    spoil(
        folder,
        f"INSERT INTO stretches SELECT {INBOX}, uid, uid + 1, flags, modseq FROM entries"
        f" WHERE mailbox = {INBOX} AND uid BETWEEN 4 AND 8",
        f"UPDATE entries SET flags = 0, modseq = 1 WHERE mailbox = {INBOX} AND uid > 3",
    )
    sentences = [f"{LOGIN} INBOX: the stretch of UIDs {uid} to {uid + 1} overlaps another" for uid in range(4, 9)]
    faults = check(folder, progress)
    assert [fault.split(",")[0] for fault in faults] == sentences
    assert mend(folder, progress) == (faults, [])
    assert rows(folder, "SELECT * FROM stretches") == []
    assert rows(folder, f"SELECT count(*) FROM entries WHERE mailbox = {INBOX} AND flags & 1") == [(6,)]


async def test_other_octets_than_came_are_found_and_kept(folder: Path, progress: Progress) -> None:
    spoil(folder, "UPDATE octets SET octets = x'6f74686572' WHERE piece >> 16 = 5")
    size = len(MAIL % (4, 4))
    lost = len(b"caf\xc3\xa9 4\r\n") - len(b"other")
    sentence = f"{LOGIN} INBOX: the message with UID 5 has {size - lost} of its {size} octets"
    assert check(folder, progress) == [sentence]
    assert mend(folder, progress) == ([sentence], [])
    storage = Storage(folder)
    inbox = (await storage.account(LOGIN)).inbox
    assert (storage.content(inbox, 5) or b"").endswith(b"\r\n\r\nother")
    ((_, (envelope,)),) = storage.fetch(inbox, [5], [Column.ENVELOPE])
    assert b'"4"' in envelope
    storage.close()


def test_as_many_octets_but_others(folder: Path, progress: Progress) -> None:
    spoil(folder, "UPDATE octets SET octets = upper(octets) WHERE piece >> 16 = 5")
    sentence = f"{LOGIN} INBOX: the message with UID 5 has other octets than when it came"
    assert check(folder, progress) == [sentence]
    assert mend(folder, progress) == ([sentence], [])


def test_of_a_large_body_a_piece_is_lost(folder: Path, progress: Progress) -> None:
    spoil(folder, "DELETE FROM octets WHERE piece & 65535 = 1")
    (sentence,) = check(folder, progress)
    assert sentence == f"{LOGIN} Work: the message with UID 9 has {18 + (1 << 20)} of its {len(LARGE)} octets"
    assert mend(folder, progress)[1] == []


def test_mail_from_before_checksums_is_not_blamed(folder: Path, progress: Progress) -> None:
    spoil(folder, "UPDATE contents SET checksum = NULL")
    assert check(folder, progress) == []


def test_an_index_is_made_anew(folder: Path, progress: Progress) -> None:
    spoil(
        folder,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX entries_by_content ON entries (flags)'"
        " WHERE name = 'entries_by_content'",
    )
    faults, left = mend(folder, progress)
    assert any("the database itself is damaged" in fault for fault in faults)
    assert left == []


def test_a_store_that_runs_is_checked_and_not_mended(folder: Path, progress: Progress) -> None:
    storage = Storage(folder)
    assert check(folder, progress) == []
    with pytest.raises(StorageBusy, match="held by another process"):
        mend(folder, progress)
    storage.close()
    assert mend(folder, progress) == ([], [])


def test_where_there_is_no_mail(tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(StorageError, match="there is no mail in"):
        check(tmp_path, progress)


def test_mail_of_another_schema(folder: Path, progress: Progress) -> None:
    spoil(folder, "PRAGMA user_version = 2")
    with pytest.raises(StorageError, match="start the store once"):
        check(folder, progress)
    assert rows(folder, "SELECT count(*) FROM entries") == [(15,)]
