"""A program that reads mail by IMAP: the mailbox is filled once, and put back before each test."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

import pytest

from postroad_kit import Postroad, World


def archive_invoices(client: imaplib.IMAP4) -> int:
    """Stand for the program: it moves invoices out of INBOX, and returns how many."""
    client.select("INBOX")
    _, data = client.search(None, "SUBJECT", "invoice")
    numbers = data[0].split()
    if numbers:
        client.create("Invoices")
        client.copy(b",".join(numbers).decode(), "Invoices")
        client.store(b",".join(numbers).decode(), "+FLAGS", "\\Deleted")
        client.expunge()
    return len(numbers)


@pytest.fixture(scope="module")
def seeded(postroad: Postroad) -> Iterator[World]:
    """A world with mail in it, made once; `world` would be made anew for each test."""
    with postroad.world(owner=__name__) as world:
        bob = world.account("bob")
        with world.smtp() as client:
            for subject in ("invoice 1", "Lunch?", "invoice 2"):
                client.sendmail(world.address("shop"), [bob.address], f"Subject: {subject}\r\n\r\nHi.\r\n")
        bob.wait_all(exactly=3)
        world.snapshot("seeded")
        yield world


@pytest.fixture
def inbox(seeded: World) -> Iterator[imaplib.IMAP4]:
    seeded.restore("seeded")
    with seeded.account("bob").imap() as client:
        yield client


def test_invoices_are_moved(inbox: imaplib.IMAP4) -> None:
    assert archive_invoices(inbox) == 2
    assert inbox.select("INBOX")[1] == [b"1"]
    assert inbox.select("Invoices")[1] == [b"2"]


def test_nothing_is_moved_twice(inbox: imaplib.IMAP4) -> None:
    assert archive_invoices(inbox) == 2  # the mailbox is as it was
    assert archive_invoices(inbox) == 0
