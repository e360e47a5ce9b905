"""What is known of one message, and how the catalog keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_web.catalog.journey import Journey, Placed, Recipient
from postroad_web.catalog.marks import Marks
from postroad_web.catalog.record import Address, Copy, Digest, Origin, RecipientState, State
from postroad_web.catalog.rows import RECORD, digest_columns, journey_of, record_of
from postroad_web.catalog.shelf import DatabaseShelf
from postroad_web.catalog.worlds import DefaultWorld
from postroad_web.catalog.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path


def journey(*recipients: Recipient, placed: tuple[Placed, ...] = ()) -> Journey:
    journey = Journey("R1", 7, Origin.APP, 5.0, "default")
    journey.recipients = list(recipients)
    journey.placed = list(placed)
    return journey


def placed(store_id: str, account: str, *, uid: int = 1, removed: bool = False, captured: bool = False) -> Placed:
    return Placed(store_id, account, "INBOX", 3, uid, [account], captured, removed)


def delivered(address: str, via: str | None) -> Recipient:
    return Recipient(address, State.DELIVERED, "250 OK", "mx", None, 1, via)


def test_a_new_one_knows_nothing() -> None:
    new = Journey("R1", 7, Origin.APP, 5.0, "default")
    assert (new.sender, new.message_id, new.login, new.tls, new.about) == (None,) * 5
    assert (new.peer, new.client, new.protocol, new.size, new.held, new.digested) == ("", "", "", 0, False, 0)
    assert (new.state, new.removed, new.recipient_states()) == (State.QUEUED, False, ())


def test_copies_belong_to_the_recipients_that_led_to_them_by_the_delivery_that_made_them() -> None:
    sent = journey(
        delivered("Bob@b.test", "S1"),
        delivered("carol@b.test", "S1"),
        delivered("dan@b.test", "S2"),
        placed=(placed("S1", "carol@b.test"), placed("S1", "bob@b.test"), placed("S2", "bob@b.test", uid=2)),
    )
    assert [[copy.account for copy in state.copies] for state in sent.recipient_states()] == [
        ["bob@b.test"],
        ["carol@b.test"],
        [],
    ]


@pytest.mark.parametrize("uids", [(3, 1, 2), (2, 1), (1,)])
def test_copies_are_in_the_order_of_their_places(uids: tuple[int, ...]) -> None:
    copies = [placed("S1", "bob@b.test", uid=uid) for uid in uids]
    states = journey(delivered("bob@b.test", "S1"), placed=tuple(copies)).recipient_states()
    assert [copy.uid for copy in states[0].copies] == sorted(uids)


def test_it_has_the_state_of_the_slowest() -> None:
    bob, carol = delivered("bob@b.test", "S1"), Recipient("carol@b.test", State.DEFERRED)
    assert journey(bob, carol).state is State.DEFERRED
    assert journey(bob, Recipient("carol@b.test", State.DROPPED)).state is State.DROPPED
    captured = journey(bob, placed=(placed("S1", "bob@b.test", captured=True),))
    assert captured.state is State.CAPTURED
    failed = journey(
        Recipient("bob@b.test", State.FAILED, via="S1"), placed=(placed("S1", "bob@b.test", captured=True),)
    )
    assert failed.state is State.FAILED
    held = journey(bob, carol)
    held.held = True
    assert [recipient.state for recipient in held.recipient_states()] == [State.DELIVERED, State.HELD]


def test_when_nothing_is_left_of_a_message() -> None:
    gone = placed("S1", "bob@b.test", removed=True)
    bob = delivered("bob@b.test", "S1")
    assert not journey(bob).removed  # its copy has yet to be told of
    assert journey(bob, placed=(gone,)).removed
    assert not journey(bob, placed=(gone, placed("S1", "bob@b.test", uid=2))).removed
    assert not journey(bob, Recipient("carol@b.test"), placed=(gone,)).removed  # is on its way
    assert not journey(bob, delivered("carol@b.test", "S2"), placed=(gone,)).removed  # has arrived
    assert journey(bob, delivered("carol@b.test", None), placed=(gone,)).removed  # went elsewhere
    assert journey(bob, Recipient("carol@b.test", State.FAILED), placed=(gone,)).removed


def test_everything_comes_back_from_the_database(tmp_path: Path) -> None:
    whole = journey(delivered("Bob@b.test", "S1"), placed=(placed("S1", "bob@b.test"),))
    whole.sender, whole.message_id, whole.size, whole.login = "a@a.test", "<1@a.test>", 99, "alice"
    whole.peer, whole.client, whole.protocol, whole.tls = "::1", "app", "ESMTPS", "TLSv1.3"
    whole.about, whole.reports = "R0", ["R2"]
    writer = Writer(tmp_path, DefaultWorld())
    shelf = DatabaseShelf(writer.connection, Marks(tmp_path), DefaultWorld())
    shelf.add(whole)
    with writer.step():
        shelf.flush(writer.cursor)
    digest = Digest(
        subject="x",
        from_=(Address("Alíce", "a@a.test"),),
        to=(Address("", "bob@b.test"),),
        cc=(Address("C", "c@b.test"),),
        bcc=(Address("", "d@b.test"),),
        reply_to=(Address("", "r@a.test"),),
        date=5.5,
        snippet="words",
        attachments=1,
        inline=2,
        tags=("t",),
    )
    columns = "subject, from_, to_, cc, bcc, reply_to, attachments, inline, digest"
    places = ", ".join("?" * 9)
    writer.connection.execute(
        f"UPDATE records SET ({columns}) = ({places}), digested = 1, read = 1, tagged = '[\"mine\"]'",
        digest_columns(digest, ["Bob@b.test", "hidden@b.test"]),
    )
    row = writer.connection.execute(f"SELECT {RECORD} FROM records").fetchone()
    again = journey_of(row)
    for name in Journey.__slots__:
        if name not in {"recipients", "placed", "digested"}:
            assert getattr(again, name) == getattr(whole, name), name
    assert again.digested == 1
    assert again.pack() == whole.pack()
    record = record_of(row)
    assert record.digest == digest
    copy = Copy("bob@b.test", "INBOX", 3, 1)
    assert record.recipients == (
        RecipientState("Bob@b.test", State.DELIVERED, "250 OK", "mx", attempts=1, copies=(copy,)),
    )
    assert (record.id, record.number, record.origin, record.arrived) == ("R1", 7, Origin.APP, 5.0)
    assert (record.sender, record.message_id, record.size, record.login) == ("a@a.test", "<1@a.test>", 99, "alice")
    assert (record.peer, record.client, record.protocol, record.tls) == ("::1", "app", "ESMTPS", "TLSv1.3")
    assert (record.about, record.reports, record.read, record.tags) == ("R0", ("R2",), True, ("mine",))
    assert record.state is State.DELIVERED
    # A recipient of the envelope that no field names is searched as Bcc, and is not in the digest.
    bcc = writer.connection.execute("SELECT bcc FROM records").fetchone()[0]
    assert bcc == '[["","d@b.test"],["","hidden@b.test"]]'
    writer.close()


def test_a_record_without_its_content_has_no_digest(tmp_path: Path) -> None:
    writer = Writer(tmp_path, DefaultWorld())
    shelf = DatabaseShelf(writer.connection, Marks(tmp_path), DefaultWorld())
    shelf.add(journey(Recipient("bob@b.test")))
    with writer.step():
        shelf.flush(writer.cursor)
    record = record_of(writer.connection.execute(f"SELECT {RECORD} FROM records").fetchone())
    assert (record.digest, record.read, record.tags, record.state) == (None, False, (), State.QUEUED)
    writer.close()
